/* Text from elsewhere made safe for a terminal. */
#include "core/text.h"

#include <string.h>

static void assert_printable(const char *text, const char *expected)
{
	g_autofree char *printable = uota_text_printable(text, 1000);

	g_assert_cmpstr(printable, ==, expected);
}

static void leaves_plain_text_alone(void)
{
	assert_printable("", "");
	assert_printable("app/app.py: 12 \\ \"x\"", "app/app.py: 12 \\ \"x\"");
	assert_printable("Küche 台所 🍳", "Küche 台所 🍳");
}

static void escapes_control_characters(void)
{
	assert_printable("\x1b[2Jgone", "\\x1b[2Jgone");
	assert_printable("a\nb\r\tc\x7f", "a\\x0ab\\x0d\\x09c\\x7f");
	assert_printable("\xc2\x9b"
			 "31m",
		"\\u{9b}31m");
}

static void escapes_invalid_utf8(void)
{
	assert_printable("a\xff\xfe", "a\\xff\\xfe");
	assert_printable("\xc3", "\\xc3");
	assert_printable("\xe2\x82x", "\\xe2\\x82x");
	assert_printable("\xc0\x80", "\\xc0\\x80");
	assert_printable("\xed\xa0\x80", "\\xed\\xa0\\x80");
}

static void escapes_what_turns_the_text_around(void)
{
	assert_printable("a\u202eyp.exe", "a\\u{202e}yp.exe");
	assert_printable("\u2066\u2069\u200e\u200f", "\\u{2066}\\u{2069}\\u{200e}\\u{200f}");
	assert_printable("\u2028\u2029", "\\u{2028}\\u{2029}");
}

/* What was cut is at most one character over the limit, and its mark. */
static void cuts_long_text_between_characters(void)
{
	for (gsize max = 0; max < 12; max++) {
		g_autofree char *cut = uota_text_printable("äöü\x1bäöüäöü", max);

		g_assert_true(g_utf8_validate(cut, -1, NULL));
		g_assert_true(g_str_has_suffix(cut, "…"));
		g_assert_cmpuint(strlen(cut), <, max + strlen("\\x1b") + strlen("…"));
	}
}

static void does_not_mark_what_just_fits(void)
{
	g_autofree char *fits = uota_text_printable("12345678", 8);
	g_autofree char *cut = uota_text_printable("123456789", 8);

	g_assert_cmpstr(fits, ==, "12345678");
	g_assert_cmpstr(cut, ==, "12345678…");
}

/* What @text becomes, @len bytes in pieces of @chop. */
static void assert_stream(const char *text, gsize len, const char *expected)
{
	for (gsize chop = 1; chop <= len; chop++) {
		g_autoptr(GString) pending = g_string_new(NULL);
		g_autoptr(GString) out = g_string_new(NULL);

		for (gsize at = 0; at < len; at += chop)
			uota_text_feed(pending, text + at, MIN(chop, len - at), out);
		uota_text_end(pending, out);
		g_assert_cmpstr(out->str, ==, expected);
		g_assert_cmpuint(pending->len, ==, 0);
	}
}

#define STREAM(text, expected) assert_stream(text, sizeof text - 1, expected)

static void a_stream_may_be_cut_anywhere(void)
{
	STREAM("größe 台所 🍳\n\tend\n", "größe 台所 🍳\n\tend\n");
	STREAM("a\xc2\x9b"
	       "31m",
		"a\\u{9b}31m");
	STREAM("a\u202eyp.exe\x1b[2J\r\x7f", "a\\u{202e}yp.exe\\x1b[2J\\x0d\\x7f");
	STREAM("\0a\0", "\\x00a\\x00");
	STREAM("\x9b"
	       "31m\xff",
		"\\x9b31m\\xff");
	STREAM("x\xe2\x80", "x\\xe2\\x80");
	STREAM("\xe2\x80\nx", "\\xe2\\x80\nx");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/text/leaves-plain-text-alone", leaves_plain_text_alone);
	g_test_add_func("/text/escapes-control-characters", escapes_control_characters);
	g_test_add_func("/text/escapes-invalid-utf8", escapes_invalid_utf8);
	g_test_add_func(
		"/text/escapes-what-turns-the-text-around", escapes_what_turns_the_text_around);
	g_test_add_func(
		"/text/cuts-long-text-between-characters", cuts_long_text_between_characters);
	g_test_add_func("/text/does-not-mark-what-just-fits", does_not_mark_what_just_fits);
	g_test_add_func("/text/a-stream-may-be-cut-anywhere", a_stream_may_be_cut_anywhere);
	return g_test_run();
}
