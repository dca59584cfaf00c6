/* Lines and counted bytes out of a byte stream. */
#include "protocol/line.h"

#include <string.h>

#include "core/error.h"

static void feed(UotaLines *lines, const char *text)
{
	uota_lines_feed(lines, text, strlen(text));
}

static void assert_next(UotaLines *lines, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *line = NULL;

	g_assert_true(uota_lines_next(lines, &line, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(line, ==, expected);
}

static void assert_refuses(UotaLines *lines, const char *why)
{
	g_autoptr(GError) error = NULL;
	char *line = NULL;

	g_assert_false(uota_lines_next(lines, &line, &error));
	g_assert_error(error, UOTA_ERROR, UOTA_ERROR_FAILED);
	g_assert_nonnull(strstr(error->message, why));
	g_assert_null(line);
}

static void takes_lines_in_order(void)
{
	g_auto(UotaLines) lines;

	uota_lines_init(&lines);
	assert_next(&lines, NULL);
	feed(&lines, "ok\n\nready\nrest");
	assert_next(&lines, "ok");
	assert_next(&lines, "");
	assert_next(&lines, "ready");
	assert_next(&lines, NULL);
	assert_next(&lines, NULL);
	feed(&lines, "\n");
	assert_next(&lines, "rest");
	assert_next(&lines, NULL);
}

static void ignores_carriage_returns(void)
{
	g_auto(UotaLines) lines;

	uota_lines_init(&lines);
	feed(&lines, "ok\r\n\r\n\ra\r\rb\r\n");
	assert_next(&lines, "ok");
	assert_next(&lines, "");
	assert_next(&lines, "ab");
	assert_next(&lines, NULL);
}

static void gives_the_same_wherever_it_is_cut(void)
{
	static const char text[] = "pong\r\n\n{\"version\":\"1.2.3\"}\nä\n";

	for (gsize cut = 0; cut < sizeof text; cut++) {
		g_auto(UotaLines) lines;

		uota_lines_init(&lines);
		uota_lines_feed(&lines, text, cut);
		uota_lines_feed(&lines, text + cut, sizeof text - 1 - MIN(cut, sizeof text - 1));
		assert_next(&lines, "pong");
		assert_next(&lines, "");
		assert_next(&lines, "{\"version\":\"1.2.3\"}");
		assert_next(&lines, "ä");
		assert_next(&lines, NULL);
	}
}

static void takes_the_longest_line(void)
{
	g_autofree char *longest = g_strnfill(UOTA_LINE_MAX, 'x');
	g_auto(UotaLines) lines;

	uota_lines_init(&lines);
	feed(&lines, longest);
	assert_next(&lines, NULL);
	feed(&lines, "\nok\n");
	assert_next(&lines, longest);
	assert_next(&lines, "ok");
}

static void refuses_a_longer_line(void)
{
	g_autofree char *longer = g_strnfill(UOTA_LINE_MAX + 1, 'x');
	g_auto(UotaLines) lines;

	uota_lines_init(&lines);
	feed(&lines, longer);
	assert_refuses(&lines, "over 8192 bytes");
	feed(&lines, "\n");
	assert_refuses(&lines, "over 8192 bytes");
}

static void refuses_nul(void)
{
	g_auto(UotaLines) lines;

	uota_lines_init(&lines);
	uota_lines_feed(&lines, "ok\no\0k\n", 7);
	assert_next(&lines, "ok");
	assert_refuses(&lines, "binary data");
}

static void refuses_nul_before_the_line_ends(void)
{
	g_auto(UotaLines) lines;

	uota_lines_init(&lines);
	uota_lines_feed(&lines, "\0", 1);
	assert_refuses(&lines, "binary data");
}

static void gives_raw_bytes_behind_a_line(void)
{
	static const guint8 raw[] = {'3', '\n', 0, '\n', '\r', 'o', 'k', '\n'};
	guint8 buf[8];
	g_auto(UotaLines) lines;

	uota_lines_init(&lines);
	uota_lines_feed(&lines, raw, sizeof raw);
	assert_next(&lines, "3");
	g_assert_cmpuint(uota_lines_take(&lines, buf, 3), ==, 3);
	g_assert_cmpmem(buf, 3, raw + 2, 3);
	assert_next(&lines, "ok");
}

static void takes_no_more_than_there_is(void)
{
	guint8 buf[8];
	g_auto(UotaLines) lines;

	uota_lines_init(&lines);
	g_assert_cmpuint(uota_lines_take(&lines, buf, sizeof buf), ==, 0);
	g_assert_true(uota_lines_empty(&lines));
	feed(&lines, "abc");
	g_assert_false(uota_lines_empty(&lines));
	g_assert_cmpuint(uota_lines_take(&lines, buf, 0), ==, 0);
	g_assert_cmpuint(uota_lines_take(&lines, buf, sizeof buf), ==, 3);
	g_assert_cmpmem(buf, 3, "abc", 3);
	g_assert_cmpuint(uota_lines_take(&lines, buf, sizeof buf), ==, 0);
	g_assert_true(uota_lines_empty(&lines));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line/takes-lines-in-order", takes_lines_in_order);
	g_test_add_func("/line/ignores-carriage-returns", ignores_carriage_returns);
	g_test_add_func(
		"/line/gives-the-same-wherever-it-is-cut", gives_the_same_wherever_it_is_cut);
	g_test_add_func("/line/takes-the-longest-line", takes_the_longest_line);
	g_test_add_func("/line/refuses-a-longer-line", refuses_a_longer_line);
	g_test_add_func("/line/refuses-nul", refuses_nul);
	g_test_add_func("/line/refuses-nul-before-the-line-ends", refuses_nul_before_the_line_ends);
	g_test_add_func("/line/gives-raw-bytes-behind-a-line", gives_raw_bytes_behind_a_line);
	g_test_add_func("/line/takes-no-more-than-there-is", takes_no_more_than_there_is);
	return g_test_run();
}
