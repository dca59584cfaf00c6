/* What a mistyped word was probably meant to be; for unknown keys and unknown commands. */
#pragma once

#include <glib.h>

/* The name in @names (NULL-terminated) nearest to @word by edit distance, ignoring case, or NULL
 * when none is near enough to be what was meant. The first wins among equals. */
const char *uota_nearest(const char *word, const char *const *names);
