/* Lines and counted bytes out of a byte stream. */
#include "protocol/line.h"

#include <string.h>

#include "core/error.h"

void uota_lines_init(UotaLines *lines)
{
	lines->pending = g_byte_array_new();
}

void uota_lines_clear(UotaLines *lines)
{
	g_clear_pointer(&lines->pending, g_byte_array_unref);
}

void uota_lines_feed(UotaLines *lines, const void *data, gsize len)
{
	g_byte_array_append(lines->pending, data, (guint)len);
}

static char *without_carriage_returns(const guint8 *data, gsize len)
{
	char *text = g_malloc(len + 1), *out = text;

	for (gsize i = 0; i < len; i++)
		if (data[i] != '\r')
			*out++ = (char)data[i];
	*out = '\0';
	return text;
}

gboolean uota_lines_next(UotaLines *lines, char **line, GError **error)
{
	const guint8 *data = lines->pending->data;
	gsize len = lines->pending->len;
	const guint8 *end = len ? memchr(data, '\n', len) : NULL;
	gsize size = end ? (gsize)(end - data) : len;

	*line = NULL;
	if (size > UOTA_LINE_MAX) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"a line of over %u bytes: this is no uota board", UOTA_LINE_MAX);
		return FALSE;
	}
	if (size && memchr(data, '\0', size)) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"binary data where text belongs: this is no uota board");
		return FALSE;
	}
	if (!end)
		return TRUE;
	*line = without_carriage_returns(data, size);
	g_byte_array_remove_range(lines->pending, 0, (guint)size + 1);
	return TRUE;
}

gsize uota_lines_take(UotaLines *lines, void *buf, gsize len)
{
	gsize n = MIN(len, lines->pending->len);

	if (n) {
		memcpy(buf, lines->pending->data, n);
		g_byte_array_remove_range(lines->pending, 0, (guint)n);
	}
	return n;
}

gboolean uota_lines_empty(const UotaLines *lines)
{
	return lines->pending->len == 0;
}
