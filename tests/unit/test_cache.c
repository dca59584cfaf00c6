/* What is kept of a board in the project's folder. */
#include "core/cache.h"

#include "scratch.h"

static void keep(const Scratch *scratch, int bytecode)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(uota_cache_keep_bytecode(scratch->dir, bytecode, &error));
	g_assert_no_error(error);
}

static void what_was_kept_is_known(Scratch *scratch, gconstpointer data)
{
	g_assert_cmpint(uota_cache_bytecode(scratch->dir), ==, -1);
	keep(scratch, 6);
	g_assert_cmpint(uota_cache_bytecode(scratch->dir), ==, 6);
	keep(scratch, -1);
	g_assert_cmpint(uota_cache_bytecode(scratch->dir), ==, -1);
}

static void what_else_is_there_stays(Scratch *scratch, gconstpointer data)
{
	g_autofree char *path = scratch_path(scratch, UOTA_CACHE_PATH);
	g_autofree char *text = NULL;

	scratch_write(scratch, UOTA_CACHE_PATH, "{\"mpy\": 5, \"mine\": [1]}");
	keep(scratch, 6);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "\"mine\""));
	g_assert_cmpint(uota_cache_bytecode(scratch->dir), ==, 6);
}

static void what_is_no_version_is_none(Scratch *scratch, gconstpointer data)
{
	static const char *const texts[] = {"", "{", "[6]", "{\"mpy\": \"6\"}", "{\"mpy\": -1}",
		"{\"mpy\": 256}", "{\"mpy\": 6.5}", "{\"mpy\": 6, \"mpy\": 5}"};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		scratch_write(scratch, UOTA_CACHE_PATH, texts[i]);
		g_assert_cmpint(uota_cache_bytecode(scratch->dir), ==, -1);
	}
	keep(scratch, 6);
	g_assert_cmpint(uota_cache_bytecode(scratch->dir), ==, 6);
}

#define ADD(name, function)                                                                        \
	g_test_add("/cache/" name, Scratch, NULL, scratch_setup, function, scratch_teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("what-was-kept-is-known", what_was_kept_is_known);
	ADD("what-else-is-there-stays", what_else_is_there_stays);
	ADD("what-is-no-version-is-none", what_is_no_version_is_none);
	return g_test_run();
}
