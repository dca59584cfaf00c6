/* The vectors of tests/vectors, as C and MicroPython share them. */
#pragma once

#include "core/json.h"

/* The list in tests/vectors/@name. Returns: (transfer full) */
static inline json_t *vectors_load(const char *name)
{
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "vectors", name, NULL);
	json_error_t error;
	json_t *list = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (!list)
		g_error("%s: %s", path, error.text);
	g_assert_true(json_is_array(list));
	return list;
}

static inline const char *vector_string(const json_t *vector, const char *key)
{
	const char *text = json_string_value(json_object_get(vector, key));

	g_assert_nonnull(text);
	return text;
}
