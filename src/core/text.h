/* Text from elsewhere (a board, a file name) made safe for a terminal and for one line. */
#pragma once

#include <glib.h>

/* A copy of @text in which control characters, invalid UTF-8 and characters that change the
 * direction of what follows are written as \xNN or \u{NNNN}; at most about @max bytes, `…` at the
 * end where it was cut. Returns: (transfer full) */
char *uota_text_printable(const char *text, gsize max);

/* The same for text of many lines that comes in pieces, cut anywhere: appends to @out what @data
 * makes of it. Line ends and tabs stay. @pending: empty at first; what the end of a character is
 * still missing of. */
void uota_text_feed(GString *pending, const void *data, gsize len, GString *out);

/* Nothing more comes: what is left in @pending. */
void uota_text_end(GString *pending, GString *out);
