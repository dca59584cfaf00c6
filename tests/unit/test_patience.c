/* How long a board may keep a host busy. */
#include "protocol/patience.h"

#include "core/error.h"

#define S ((gint64)G_USEC_PER_SEC)
#define HOUR (3600 * S)

/* Seconds until the host gives up a board from which @len bytes come every @wait seconds; -1: it
 * does not within a day. */
static gint64 given_up_after(gint64 wait, gsize len)
{
	UotaPatience patience;

	uota_patience_renew(&patience);
	for (gint64 now = wait; now <= 24 * HOUR; now += wait) {
		g_autoptr(GError) error = NULL;

		if (uota_patience_spend(&patience, wait, len, &error))
			continue;
		g_assert_error(error, UOTA_ERROR, UOTA_ERROR_FAILED);
		return now / S;
	}
	return -1;
}

static void signs_of_life_are_taken_for_an_hour(void)
{
	g_assert_cmpint(given_up_after(5 * S, 0), ==, 3605);
	g_assert_cmpint(given_up_after(29 * S, 0), ==, 3625);
}

/* Who sends them without a pause is not heard for an hour. */
static void a_sign_of_life_counts_for_a_second(void)
{
	g_assert_cmpint(given_up_after(1, 0), ==, 0);
	g_assert_cmpint(given_up_after(S / 10, 0), ==, 360);
}

static void content_in_drops_ends_as_well(void)
{
	g_assert_cmpint(given_up_after(29 * S, 1), ==, 3625);
	g_assert_cmpint(given_up_after(2 * S, 256), ==, 7202);
}

static void content_may_take_as_long_as_there_is_some(void)
{
	g_assert_cmpint(given_up_after(S, 256), ==, -1);
	g_assert_cmpint(given_up_after(16 * S, 4096), ==, -1);
}

/* What has come before buys time for the rest of the same command alone. */
static void a_new_command_has_all_of_it_again(void)
{
	UotaPatience patience;
	g_autoptr(GError) error = NULL;

	uota_patience_renew(&patience);
	g_assert_true(uota_patience_spend(&patience, HOUR, 0, &error));
	g_assert_false(uota_patience_spend(&patience, S, 0, NULL));
	uota_patience_renew(&patience);
	g_assert_true(uota_patience_spend(&patience, HOUR, 0, &error));
	g_assert_false(uota_patience_spend(&patience, S, 0, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/patience/signs-of-life-are-taken-for-an-hour",
		signs_of_life_are_taken_for_an_hour);
	g_test_add_func(
		"/patience/a-sign-of-life-counts-for-a-second", a_sign_of_life_counts_for_a_second);
	g_test_add_func("/patience/content-in-drops-ends-as-well", content_in_drops_ends_as_well);
	g_test_add_func("/patience/content-may-take-as-long-as-there-is-some",
		content_may_take_as_long_as_there_is_some);
	g_test_add_func(
		"/patience/a-new-command-has-all-of-it-again", a_new_command_has_all_of_it_again);
	return g_test_run();
}
