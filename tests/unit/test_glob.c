/* Globs: what they match, where they reach, and that they take no time. */
#include "core/glob.h"

typedef struct {
	const char *glob, *path;
	gboolean matches;
} GlobCase;

static const GlobCase glob_cases[] = {
	/* literal names, and folders by name */
	{"main.py", "main.py", TRUE},
	{"main.py", "app/main.py", FALSE},
	{"main.py", "main.pyc", FALSE},
	{"app", "app/app.py", TRUE},
	{"app", "app/a/b.py", TRUE},
	{"app/", "app/a/b.py", TRUE},
	{"app", "apple", FALSE},
	{"lib/uota", "lib/uota/ota.py", TRUE},
	{"./app", "app/app.py", TRUE},
	{"app//x", "app/x", TRUE},
	{".", "app/app.py", TRUE},
	{"", "app", FALSE},
	{"Main.py", "main.py", FALSE},
	/* `*` and `?` stay within a component */
	{"*.py", "main.py", TRUE},
	{"*.py", "app/main.py", FALSE},
	{"app/*", "app/x.py", TRUE},
	{"app/*", "app/sub/x.py", FALSE},
	{"app/*/", "app/sub/x.py", TRUE},
	{"*/x.py", "app/x.py", TRUE},
	{"*/x.py", "x.py", FALSE},
	{"*", ".hidden", TRUE},
	{"*.py", ".py", TRUE},
	{"a*b*c", "abc", TRUE},
	{"a*b*c", "axxbyybzc", TRUE},
	{"a*b*c", "axxbyyb", FALSE},
	{"a**c", "abbc", TRUE},
	{"a**c", "a/c", FALSE},
	{"?.py", "a.py", TRUE},
	{"?.py", "é.py", TRUE},
	{"?.py", "ab.py", FALSE},
	{"a?b", "a/b", FALSE},
	{"??", "\xff\xfe", TRUE},
	/* sets */
	{"[ab].py", "a.py", TRUE},
	{"[ab].py", "c.py", FALSE},
	{"[!ab].py", "c.py", TRUE},
	{"[^ab].py", "a.py", FALSE},
	{"[a-c]x", "bx", TRUE},
	{"[a-c]x", "dx", FALSE},
	{"[à-ü]x", "éx", TRUE},
	{"[]]x", "]x", TRUE},
	{"[a-]x", "-x", TRUE},
	{"[a-]x", "bx", FALSE},
	{"[ax", "[ax", TRUE},
	{"[", "[", TRUE},
	{"[]", "[]", TRUE},
	{"*[0-9].bin", "fw12.bin", TRUE},
	/* `**` is any number of components, also none */
	{"**", "main.py", TRUE},
	{"**", "a/b/c", TRUE},
	{"app/**", "app/x.py", TRUE},
	{"app/**", "app/a/b/c.py", TRUE},
	{"app/**", "apple/x.py", FALSE},
	{"app/**", "lib/app/x.py", FALSE},
	{"**/x.py", "x.py", TRUE},
	{"**/x.py", "a/b/x.py", TRUE},
	{"**/x.py", "a/b/xx.py", FALSE},
	{"**/*.py", "a/b/x.py", TRUE},
	{"**/*.py", "x.py", TRUE},
	{"a/**/b", "a/b", TRUE},
	{"a/**/b", "a/x/y/b", TRUE},
	{"a/**/b.py", "a/x/y/c.py", FALSE},
	{"**/test/**", "a/test/b/c", TRUE},
	{"**/a/**/a/*", "x/a/y/a/z", TRUE},
	{"**/a/**/a/*", "x/a/y/b/z", FALSE},
	{"**/node_modules", "a/node_modules/b/c.js", TRUE},
	{"**/**", "a", TRUE},
};

static void globs_match_as_told(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(glob_cases); i++) {
		const GlobCase *c = &glob_cases[i];

		if (uota_glob_match(c->glob, c->path) != c->matches)
			g_error("\"%s\" %s match \"%s\"", c->glob,
				c->matches ? "should" : "should not", c->path);
	}
}

static void globs_take_no_exponential_time(void)
{
	g_autoptr(GString) glob = g_string_new("");
	g_autoptr(GString) path = g_string_new("");

	for (int i = 0; i < 500; i++) {
		g_string_append(glob, "**/*a*a*a*a/");
		g_string_append(path, "aaaaaaaaaaaaaaaaaaaaaaaaab/");
	}
	g_string_append(path, "x");
	g_assert_false(uota_glob_match(glob->str, path->str));
}

static gboolean reaches(const char *text, const char *path)
{
	g_autoptr(UotaGlob) glob = uota_glob_new(text);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	return uota_glob_reaches(glob, parts);
}

static void globs_tell_where_they_reach(void)
{
	g_assert_true(reaches("app/**", "app"));
	g_assert_true(reaches("app/*/x.py", "app"));
	g_assert_true(reaches("app/*/x.py", "app/a"));
	g_assert_false(reaches("app/*/x.py", "app/a/b"));
	g_assert_false(reaches("app/**", "lib"));
	g_assert_true(reaches("main.py", "main.py"));
	g_assert_false(reaches("*.py", "x.py"));
	g_assert_false(reaches("", "x"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/glob/match-as-told", globs_match_as_told);
	g_test_add_func("/glob/take-no-exponential-time", globs_take_no_exponential_time);
	g_test_add_func("/glob/tell-where-they-reach", globs_tell_where_they_reach);
	return g_test_run();
}
