/* Lines and counted bytes out of a byte stream, without any I/O: whoever has bytes feeds them. */
#pragma once

#include <glib.h>

#define UOTA_LINE_MAX 8192U /* bytes of a line, without its end; a traceback is the longest */

typedef struct {
	GByteArray *pending; /* fed and not yet taken */
} UotaLines;

void uota_lines_init(UotaLines *lines);
void uota_lines_clear(UotaLines *lines);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UotaLines, uota_lines_clear)

/* Adds @len bytes as they came. */
void uota_lines_feed(UotaLines *lines, const void *data, gsize len);

/* Takes the next line off, without its `\n` and without any `\r`. *@line is NULL when there is no
 * complete one yet. Error: a line over UOTA_LINE_MAX bytes, or one with a NUL.
 * @line: (out) (transfer full) (nullable) */
gboolean uota_lines_next(UotaLines *lines, char **line, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes up to @len raw bytes off into @buf. Returns how many. */
gsize uota_lines_take(UotaLines *lines, void *buf, gsize len);

/* TRUE when all that was fed is taken. */
gboolean uota_lines_empty(const UotaLines *lines);
