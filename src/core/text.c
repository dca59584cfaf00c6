/* Text from elsewhere made safe for a terminal and for one line. */
#include "core/text.h"

#include <string.h>

#define CUT ((gunichar)-2)     /* a character of which the end is missing */
#define INVALID ((gunichar)-1) /* no UTF-8 */

/* Explicit directional embeddings, overrides and isolates of Unicode's UAX #9, and the line and
 * paragraph separators before them. */
static gboolean is_layout(gunichar c)
{
	return (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E ||
	       c == 0x200F;
}

/* GLib takes a zero for the end of the text. */
static gunichar first_character(const char *text, gsize len)
{
	return (guchar)*text < 0x80 ? (gunichar)*text
				    : g_utf8_get_char_validated(text, (gssize)len);
}

static void append_byte(GString *out, char byte)
{
	g_string_append_printf(out, "\\x%02x", (guchar)byte);
}

/* Returns: the bytes of @text that @c is. */
static gsize append_character(GString *out, const char *text, gunichar c)
{
	if (c == INVALID || c == CUT || c < 0x20 || c == 0x7F) {
		append_byte(out, *text);
		return 1;
	}
	if ((c >= 0x80 && c <= 0x9F) || is_layout(c))
		g_string_append_printf(out, "\\u{%x}", c);
	else
		g_string_append_unichar(out, c);
	return (gsize)g_unichar_to_utf8(c, NULL);
}

char *uota_text_printable(const char *text, gsize max)
{
	GString *out = g_string_new(NULL);
	const char *end = text + strlen(text);

	while (text < end && out->len < max)
		text += append_character(out, text, first_character(text, (gsize)(end - text)));
	if (text < end)
		g_string_append(out, "…");
	return g_string_free(out, FALSE);
}

void uota_text_feed(GString *pending, const void *data, gsize len, GString *out)
{
	gsize at = 0;

	g_string_append_len(pending, data, (gssize)len);
	while (at < pending->len) {
		const char *text = pending->str + at;
		gunichar c = first_character(text, pending->len - at);

		if (c == CUT)
			break;
		if (c == '\n' || c == '\t')
			g_string_append_c(out, pending->str[at++]);
		else
			at += append_character(out, text, c);
	}
	g_string_erase(pending, 0, (gssize)at);
}

void uota_text_end(GString *pending, GString *out)
{
	for (gsize i = 0; i < pending->len; i++)
		append_byte(out, pending->str[i]);
	g_string_truncate(pending, 0);
}
