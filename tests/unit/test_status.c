/* What a board says of itself: all of it is taken, or nothing. */
#include "protocol/status.h"

#include <string.h>

#define ID "0123456789abcdef"
#define AGENT "{\"version\":\"1\",\"agent\":\"2.0.0\""

static UotaStatus *parse(const char *line)
{
	UotaStatus *status = uota_status_parse(line);

	if (!status)
		g_error("refused: %s", line);
	return status;
}

static void assert_refused(const char *line)
{
	g_autoptr(UotaStatus) status = uota_status_parse(line);

	if (status)
		g_error("taken: %s", line);
}

/* A 2.0 board with @keys in its answer. */
static UotaStatus *parse_keys(const char *keys)
{
	g_autofree char *line = g_strconcat(AGENT, ",", keys, "}", NULL);

	return parse(line);
}

static void assert_keys_refused(const char *keys)
{
	g_autofree char *line = g_strconcat(AGENT, ",", keys, "}", NULL);

	assert_refused(line);
}

static void old_board_tells_its_version_alone(void)
{
	g_autoptr(UotaStatus) status =
		parse("{\"version\":\"1.2\",\"state\":\"trial\",\"safe\":7,\"id\":[]}");

	g_assert_cmpstr(status->version, ==, "1.2");
	g_assert_null(status->agent);
	g_assert_cmpint(status->state, ==, UOTA_STATE_UNTOLD);
	g_assert_null(status->id);
	g_assert_false(status->safe);
	g_assert_cmpuint(g_strv_length(status->need), ==, 0);
}

static void confirmed_version_is_read(void)
{
	g_autoptr(UotaStatus) status = parse_keys("\"state\":\"confirmed\"");

	g_assert_cmpstr(status->agent, ==, "2.0.0");
	g_assert_cmpint(status->state, ==, UOTA_STATE_CONFIRMED);
	g_assert_cmpfloat(status->app, <, 0);
	g_assert_cmpfloat(status->left, <, 0);
	g_assert_null(status->why);
	g_assert_null(status->crash);
}

static void trial_is_read(void)
{
	g_autoptr(UotaStatus) status =
		parse_keys("\"state\":\"trial\",\"id\":\"" ID "\",\"app\":2,\"left\":27.5,"
			   "\"need\":[\"wifi_tcp\",\"connection\"],\"safe\":false");

	g_assert_cmpint(status->state, ==, UOTA_STATE_TRIAL);
	g_assert_cmpstr(status->id, ==, ID);
	g_assert_cmpfloat(status->app, ==, 2);
	g_assert_cmpfloat(status->left, ==, 27.5);
	g_assert_cmpuint(g_strv_length(status->need), ==, 2);
	g_assert_cmpstr(status->need[1], ==, "connection");
	g_assert_false(status->safe);
	g_assert_false(uota_status_awaits_app(status));
}

static void trial_that_the_app_must_end_is_told_apart(void)
{
	g_autoptr(UotaStatus) status =
		parse_keys("\"state\":\"trial\",\"need\":[\"wifi_tcp\",\"app\"]");
	g_autoptr(UotaStatus) confirmed = parse_keys("\"state\":\"confirmed\",\"need\":[\"app\"]");

	g_assert_true(uota_status_awaits_app(status));
	g_assert_false(uota_status_awaits_app(confirmed));
}

static void failure_is_read(void)
{
	g_autoptr(UotaStatus) status =
		parse_keys("\"state\":\"rolled back\",\"id\":\"" ID "\",\"from\":\"1.2\","
			   "\"why\":\"ImportError\",\"crash\":\"ValueError: x\",\"safe\":true");

	g_assert_cmpint(status->state, ==, UOTA_STATE_ROLLED_BACK);
	g_assert_cmpstr(status->from, ==, "1.2");
	g_assert_cmpstr(status->why, ==, "ImportError");
	g_assert_cmpstr(status->crash, ==, "ValueError: x");
	g_assert_true(status->safe);
}

/* A later agent may know more than we do. */
static void unknown_keys_and_states_are_passed_over(void)
{
	g_autoptr(UotaStatus) status = parse_keys("\"state\":\"asleep\",\"mood\":{\"x\":[1]}");

	g_assert_cmpint(status->state, ==, UOTA_STATE_UNTOLD);
}

static void null_is_as_good_as_absent(void)
{
	g_autoptr(UotaStatus) status =
		parse_keys("\"state\":null,\"id\":null,\"app\":null,\"left\":null,\"need\":null,"
			   "\"from\":null,\"why\":null,\"crash\":null,\"safe\":null");

	g_assert_cmpint(status->state, ==, UOTA_STATE_UNTOLD);
	g_assert_null(status->id);
	g_assert_cmpfloat(status->left, <, 0);
	g_assert_cmpuint(g_strv_length(status->need), ==, 0);
	assert_refused("{\"version\":null}");
}

static void what_is_no_answer_is_refused(void)
{
	assert_refused("");
	assert_refused("1.2.3");
	assert_refused("[]");
	assert_refused("\"1\"");
	assert_refused("{}");
	assert_refused("{\"version\":1}");
	assert_refused("{\"version\":\"1\",\"version\":\"2\"}");
	assert_refused("{\"version\":\"1\",\"agent\":2}");
	assert_refused("{\"version\":\"1\"} x");
	assert_refused("{\"version\":\"\\u0000\"}");
}

static void wrong_types_are_refused(void)
{
	static const char *const keys[] = {"\"state\":1", "\"state\":[\"trial\"]", "\"id\":7",
		"\"app\":\"2\"", "\"app\":true", "\"left\":[]", "\"need\":\"wifi_tcp\"",
		"\"need\":{}", "\"need\":[1]", "\"need\":[\"wifi_tcp\",null]", "\"from\":1",
		"\"why\":[\"x\"]", "\"crash\":{}", "\"safe\":1", "\"safe\":\"true\""};

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		assert_keys_refused(keys[i]);
}

static void values_out_of_all_proportion_are_refused(void)
{
	g_autoptr(GString) need = g_string_new("\"need\":[\"x\"");

	assert_keys_refused("\"app\":-1");
	assert_keys_refused("\"left\":1e10");
	assert_keys_refused("\"left\":-0.5");
	assert_keys_refused("\"left\":1e999");
	assert_keys_refused("\"id\":\"\"");
	assert_keys_refused("\"id\":\"0123456789abcde\"");
	assert_keys_refused("\"id\":\"0123456789abcdef0\"");
	assert_keys_refused("\"id\":\"0123456789ABCDEF\"");
	for (int i = 0; i < 16; i++)
		g_string_append(need, ",\"x\"");
	g_string_append(need, "]");
	assert_keys_refused(need->str);
}

static void traceback_is_read(void)
{
	g_autoptr(UotaCrash) crash = uota_crash_parse(
		"{\"version\":\"1.2\",\"why\":\"E\",\"trace\":\"a\\n b\\n\",\"back\":{}}");
	g_autoptr(UotaCrash) none = uota_crash_parse("{}");
	g_autoptr(UotaCrash) nulls = uota_crash_parse("{\"version\":null,\"trace\":null}");

	g_assert_cmpstr(crash->version, ==, "1.2");
	g_assert_cmpstr(crash->why, ==, "E");
	g_assert_cmpstr(crash->trace, ==, "a\n b\n");
	g_assert_null(none->why);
	g_assert_null(none->trace);
	g_assert_null(nulls->version);
}

static void strange_traceback_is_refused(void)
{
	static const char *const lines[] = {"", "unknown", "[]", "{\"version\":1}", "{\"why\":[]}",
		"{\"trace\":1}", "{\"trace\":[\"a\"]}", "{\"why\":\"a\",\"why\":\"b\"}"};

	for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
		g_assert_null(uota_crash_parse(lines[i]));
}

#define TEST(path, func) g_test_add_func("/status/" path, func)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("old-board-tells-its-version-alone", old_board_tells_its_version_alone);
	TEST("confirmed-version-is-read", confirmed_version_is_read);
	TEST("trial-is-read", trial_is_read);
	TEST("trial-that-the-app-must-end-is-told-apart",
		trial_that_the_app_must_end_is_told_apart);
	TEST("failure-is-read", failure_is_read);
	TEST("unknown-keys-and-states-are-passed-over", unknown_keys_and_states_are_passed_over);
	TEST("null-is-as-good-as-absent", null_is_as_good_as_absent);
	TEST("what-is-no-answer-is-refused", what_is_no_answer_is_refused);
	TEST("wrong-types-are-refused", wrong_types_are_refused);
	TEST("values-out-of-all-proportion-are-refused", values_out_of_all_proportion_are_refused);
	TEST("traceback-is-read", traceback_is_read);
	TEST("strange-traceback-is-refused", strange_traceback_is_refused);
	return g_test_run();
}
