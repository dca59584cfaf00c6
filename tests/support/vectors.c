/* The vectors of tests/vectors. */
#include "support/vectors.h"

#include <string.h>

json_t *vectors_load(const char *name, const char *part)
{
	g_autofree char *file = g_strconcat(name, ".json", NULL);
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "vectors", file, NULL);
	g_autoptr(json_t) root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	json_t *list = part ? json_object_get(root, part) : root;

	g_assert_nonnull(list);
	g_assert_cmpuint(json_array_size(list) + json_object_size(list), >, 0);
	return json_incref(list);
}

const char *vector_text(const json_t *vector, const char *key)
{
	return json_string_value(json_object_get(vector, key));
}

GBytes *bytes_from_hex(const char *hex)
{
	gsize len = strlen(hex) / 2;
	guint8 *data = g_malloc(len + 1);

	for (gsize i = 0; i < len; i++)
		data[i] = (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 |
				   g_ascii_xdigit_value(hex[2 * i + 1]));
	return g_bytes_new_take(data, len);
}

GBytes *vector_bytes(const json_t *vector, const char *key)
{
	const char *hex = vector_text(vector, key);

	return hex ? bytes_from_hex(hex) : NULL;
}
