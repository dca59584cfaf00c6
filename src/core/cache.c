/* The project's cache of what the board is. */
#include "core/cache.h"

#include <string.h>

#include "core/error.h"
#include "core/io.h"
#include "core/json.h"

#define CACHE_MAX 65536 /* bytes */
#define KEY "mpy"
#define BYTECODE_MAX 255

/* An empty object where there is none, or where it is broken: it can be asked for again. */
static json_t *load(const char *path)
{
	gsize len = 0;
	g_autofree char *text =
		uota_io_read_all(path, UOTA_CACHE_PATH, CACHE_MAX, &len, NULL, NULL);
	json_t *root = text ? uota_json_parse(text, len, UOTA_CACHE_PATH, NULL) : NULL;

	return root ? root : json_object();
}

int uota_cache_bytecode(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, UOTA_CACHE_PATH, NULL);
	g_autoptr(json_t) root = load(path);
	const json_t *value = json_object_get(root, KEY);
	json_int_t bytecode = json_integer_value(value);

	return json_is_integer(value) && bytecode >= 0 && bytecode <= BYTECODE_MAX ? (int)bytecode
										   : -1;
}

gboolean uota_cache_keep_bytecode(const char *dir, int bytecode, GError **error)
{
	g_autofree char *path = g_build_filename(dir, UOTA_CACHE_PATH, NULL);
	g_autoptr(json_t) root = load(path);
	g_autofree char *json = NULL;
	g_autofree char *text = NULL;

	json_object_set_new(root, KEY, bytecode < 0 ? json_null() : json_integer(bytecode));
	json = json_dumps(root, JSON_INDENT(4));
	text = g_strconcat(json, "\n", NULL);
	return g_file_set_contents(path, text, (gssize)strlen(text), error);
}
