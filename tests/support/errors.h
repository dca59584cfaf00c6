/* What an error must be, and say. */
#pragma once

#include "core/error.h"

#include <string.h>

/* Asserts that @error is of UOTA_ERROR with @code, and says @part. */
static inline void assert_error(const GError *error, int code, const char *part)
{
	g_assert_error(error, UOTA_ERROR, code);
	if (!strstr(error->message, part))
		g_error("\"%s\" is not in \"%s\"", part, error->message);
}

/* Asserts that @error says each of @words (NULL-terminated), then clears it. */
static inline void assert_says(GError **error, const char *const *words)
{
	g_assert_nonnull(*error);
	for (; *words; words++)
		if (!strstr((*error)->message, *words))
			g_error("\"%s\" does not say \"%s\"", (*error)->message, *words);
	g_clear_error(error);
}

#define ASSERT_SAYS(error, ...) assert_says(error, (const char *const[]){__VA_ARGS__, NULL})
