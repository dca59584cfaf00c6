/* Paths that a board can hold, and those that it cannot. */
#include "core/path.h"

static gboolean path_ok(const char *path)
{
	g_autoptr(GError) error = NULL;
	gboolean ok = uota_path_check(path, &error);

	g_assert_true(ok == !error);
	return ok;
}

static void checks_paths(void)
{
	g_autofree char *longest = g_strnfill(255, 'a');
	g_autofree char *too_long = g_strnfill(256, 'a');
	static const char *const good[] = {"main.py", "app/app.py", ".hidden", "a b.txt", "été/😀",
		"a-b", "...x", "lib/ota_x.py", "otax", "data/(1)[2]{3}'#%&+=@!~`^$,", "a~b~",
		"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p"};
	static const char *const bad[] = {"", "/", "/main.py", "a//b", "a/", ".", "..", "a/../b",
		"a/.", "./a", "a\\b", "a:b", "a;b", "a*", "a?", "a\"b", "<a", "a>", "a|b", "a\nb",
		"a\x01", "a\x7f", "a\xc2\x80", "a\xff", "a.", "a ", "a./b", "ota_stage",
		"ota_stage/x", "Ota_x.py", "ota_", "lib~1.py", "a~~2/b",
		"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q"};

	for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
		if (!path_ok(good[i]))
			g_error("\"%s\" is refused", good[i]);
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
		if (path_ok(bad[i]))
			g_error("\"%s\" is accepted", bad[i]);
	g_assert_true(path_ok(longest));
	g_assert_false(path_ok(too_long));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/path/checks-paths", checks_paths);
	return g_test_run();
}
