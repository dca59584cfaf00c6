/* Text from elsewhere (a board, a file name) made safe for a terminal and for one line. */
#pragma once

#include <glib.h>

/* A copy of @text in which control characters, invalid UTF-8 and characters that change the
 * direction of what follows are written as \xNN or \u{NNNN}; at most about @max bytes, `…` at the
 * end where it was cut. Returns: (transfer full) */
char *uota_text_printable(const char *text, gsize max);
