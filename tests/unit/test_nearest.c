/* What may have been meant by a word with a typing error. */
#include "core/nearest.h"

static void finds_what_was_meant(void)
{
	static const char *const commands[] = {"init", "bootstrap", "info", "fast", "full", "list",
		"terminal", "version", "rm", "ls", NULL};

	g_assert_cmpstr(uota_nearest("fsat", commands), ==, "fast");
	g_assert_cmpstr(uota_nearest("FULL", commands), ==, "full");
	g_assert_cmpstr(uota_nearest("bootsrtap", commands), ==, "bootstrap");
	g_assert_cmpstr(uota_nearest("verison", commands), ==, "version");
	g_assert_cmpstr(uota_nearest("sl", commands), ==, "ls");
	g_assert_cmpstr(uota_nearest("terminla", commands), ==, "terminal");
	g_assert_null(uota_nearest("upload", commands));
	g_assert_null(uota_nearest("x", commands));
	g_assert_null(uota_nearest("", commands));
}

static void long_words_are_no_typing_errors(void)
{
	static const char *const names[] = {"version", NULL};
	g_autofree char *longest = g_strnfill(64, 'v');
	g_autofree char *too_long = g_strnfill(100000, 'v');

	g_assert_null(uota_nearest(longest, names));
	g_assert_null(uota_nearest(too_long, names));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/nearest/finds-what-was-meant", finds_what_was_meant);
	g_test_add_func(
		"/nearest/long-words-are-no-typing-errors", long_words_are_no_typing_errors);
	return g_test_run();
}
