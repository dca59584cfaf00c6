/* What comes of an update: a trial to its end, an answer that was lost, a board that is only to
 * come back. */
#include "support/updates.h"

#define HASH "f49cd50b3a7d6b8ca88ca8ae8d8a8e3d1b0b8a9d6e2bb6f2d1f6c6d9a6c1a2b3"

/* overtaken */

static void overtaken_answer_is_asked_for(Fixture *fixture, gconstpointer data)
{
	g_autofree char *json = installed(fixture->manifest);

	fixture->options.follow.wait = UOTA_WAIT_NOT;
	take_push(fixture, "");
	refuse_next(fixture);
	tell_manifest(tell_version(fixture, "2"), json);
	assert_updates(fixture, UOTA_OUTCOME_BACK, 3);
	g_assert_cmpuint(fixture->waits, ==, 1);
}

/* A connection that asks whether an update is under way: @answer to `start_ota`. */
static void tell_idle(Fixture *fixture, const char *answer)
{
	Memory *board = tell_version(fixture, "1");

	memory_expect(board, "start_ota\n");
	memory_say(board, answer);
	if (strcmp(answer, "ready\n") != 0)
		return;
	memory_expect(board, "abort\n");
	memory_say(board, "aborted\n");
}

static void overtaken_answer_and_old_version_is_a_failure(Fixture *fixture, gconstpointer data)
{
	take_push(fixture, "o");
	tell_version(fixture, "1");
	tell_idle(fixture, "ready\n");
	tell_version(fixture, "1");
	assert_update_fails(fixture, UOTA_ERROR_FAILED,
		"did not answer after the last byte: the board went on with version 1");
}

static void overtaken_answer_and_old_files_is_a_failure(Fixture *fixture, gconstpointer data)
{
	const char *json =
		"{\"version\":\"2\",\"files\":{\"a.py\":{\"size\":1,\"sha256\":\"" HASH "\"}}}";

	take_push(fixture, "");
	tell_manifest(tell_version(fixture, "2"), json);
	tell_idle(fixture, "ready\n");
	tell_manifest(tell_version(fixture, "2"), json);
	assert_update_fails(fixture, UOTA_ERROR_FAILED, "a.py is not the new one");
}

static void commit_that_takes_its_time_is_no_failure(Fixture *fixture, gconstpointer data)
{
	g_autofree char *json = installed(fixture->manifest);

	take_push(fixture, "");
	tell_version(fixture, "1");
	tell_idle(fixture, "error: busy: an update is under way\n");
	tell_version(fixture, "1");
	tell_idle(fixture, "ready\n");
	tell_manifest(tell_version(fixture, "2"), json);
	assert_updates(fixture, UOTA_OUTCOME_BACK, 6);
}

/* a board that has trials */

static void expect_trials(Fixture *fixture)
{
	fixture->before = NEW;
	take_push(fixture, "ok\n");
}

static void trial_is_followed_to_its_end(Fixture *fixture, gconstpointer data)
{
	expect_trials(fixture);
	refuse_next(fixture);
	tell_trial(fixture, "\"app\":3,\"left\":0.1,\"need\":[]");
	tell_trial(fixture, "\"app\":4,\"left\":0,\"need\":[\"wifi_tcp\"]");
	tell(fixture, NEW_WITH("\"state\":\"confirmed\""));
	assert_updates(fixture, UOTA_OUTCOME_CONFIRMED, 5);
	g_assert_cmpuint(fixture->waits, ==, 1);
	g_assert_cmpstr(fixture->seen->str, ==, "0.1 0.0 ");
	g_assert_cmpstr(fixture->result.verdict.status->version, ==, "2");
	g_assert_cmpfloat(fixture->result.waited, >, 0.5);
}

static void board_that_restarts_in_its_trial_is_waited_for(Fixture *fixture, gconstpointer data)
{
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":0,\"left\":0.1");
	refuse_next(fixture);
	memory_reset(next_board(fixture));
	tell_trial(fixture, "\"app\":0,\"left\":0.1");
	tell(fixture, NEW_WITH("\"state\":\"confirmed\""));
	assert_updates(fixture, UOTA_OUTCOME_CONFIRMED, 6);
}

/* The minute for its return begins anew with each word of it. */
static void long_trial_leaves_time_for_a_restart(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 700;
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":0,\"left\":0.5");
	tell_trial(fixture, "\"app\":0,\"left\":0.3");
	refuse_next(fixture);
	tell(fixture, NEW_WITH("\"state\":\"confirmed\""));
	assert_updates(fixture, UOTA_OUTCOME_CONFIRMED, 5);
}

static void running_app_is_enough_where_it_is_asked_for(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.wait = UOTA_WAIT_RUNNING;
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":1.9,\"left\":28");
	tell_trial(fixture, "\"app\":2,\"left\":28");
	assert_updates(fixture, UOTA_OUTCOME_RUNNING, 3);
	g_assert_cmpfloat(fixture->result.verdict.status->left, ==, 28);
}

/* The app may confirm tomorrow, or never. */
static void trial_without_an_end_is_not_waited_for(Fixture *fixture, gconstpointer data)
{
	expect_trials(fixture);
	tell_trial(fixture, "\"left\":null");
	tell_trial(fixture, "\"app\":1.9,\"left\":0,\"need\":[\"app\"]");
	tell_trial(fixture, "\"app\":2.1,\"need\":[\"app\"]");
	assert_updates(fixture, UOTA_OUTCOME_RUNNING, 4);
}

static void update_without_a_trial_is_confirmed_at_once(Fixture *fixture, gconstpointer data)
{
	fixture->options.no_rollback = TRUE;
	fixture->words = " no-rollback";
	expect_trials(fixture);
	tell(fixture, NEW_WITH("\"state\":\"confirmed\""));
	assert_updates(fixture, UOTA_OUTCOME_CONFIRMED, 2);
}

static void assert_rolled_back(Fixture *fixture)
{
	assert_update_fails(
		fixture, UOTA_ERROR_ROLLED_BACK, "rolled back to 1: ImportError: \\x1b[2J");
	g_assert_true(g_str_has_prefix(fixture->error->message, "rolled back to"));
	g_assert_cmpint(fixture->result.verdict.outcome, ==, UOTA_OUTCOME_ROLLED_BACK);
	g_assert_cmpstr(fixture->result.verdict.status->from, ==, "2");
}

static void rolled_back_update_is_a_failure_with_its_traceback(Fixture *fixture, gconstpointer data)
{
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":0,\"left\":0.1");
	tell_crash(tell_failure(fixture), "{\"version\":\"2\",\"trace\":\"Traceback\\n  x\\n\"}\n");
	assert_rolled_back(fixture);
	g_assert_cmpstr(fixture->result.verdict.crash->trace, ==, "Traceback\n  x\n");
}

static void traceback_that_does_not_come_hides_no_verdict(Fixture *fixture, gconstpointer data)
{
	Memory *board;

	expect_trials(fixture);
	board = tell_failure(fixture);
	memory_expect(board, "crash\n");
	memory_reset(board);
	assert_rolled_back(fixture);
	g_assert_null(fixture->result.verdict.crash);
}

static void trial_of_another_update_is_a_failure(Fixture *fixture, gconstpointer data)
{
	expect_trials(fixture);
	tell(fixture, NEW_WITH("\"state\":\"trial\",\"id\":\"0123456789abcdef\",\"left\":1"));
	assert_update_fails(fixture, UOTA_ERROR_FAILED, "another update has come in between");
}

static void failure_of_another_update_is_no_verdict(Fixture *fixture, gconstpointer data)
{
	expect_trials(fixture);
	tell(fixture, NEW_WITH("\"state\":\"rolled back\",\"id\":\"0123456789abcdef\""));
	assert_update_fails(fixture, UOTA_ERROR_FAILED, "came back with 2");
}

static void trial_that_never_ends_is_given_up(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 1;
	fixture->options.follow.network_ms = 1;
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":5,\"left\":0,\"need\":[\"wifi_tcp\"]");
	tell_trial(fixture, "\"app\":6,\"left\":0,\"need\":[\"wifi_tcp\"]");
	assert_update_fails(fixture, UOTA_ERROR_FAILED, "on trial, but its end was not seen");
	g_assert_cmpuint(fixture->next, ==, 3);
}

static void board_lost_in_its_trial_is_unreachable(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 300;
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":0,\"left\":0.1");
	assert_update_fails(fixture, UOTA_ERROR_UNREACHABLE, "on trial, but its end was not seen");
}

static void lost_answer_and_our_trial_is_an_installation(Fixture *fixture, gconstpointer data)
{
	fixture->before = NEW;
	take_push(fixture, "");
	tell_trial(fixture, "\"app\":0,\"left\":0.1");
	tell(fixture, NEW_WITH("\"state\":\"confirmed\""));
	assert_updates(fixture, UOTA_OUTCOME_CONFIRMED, 3);
}

static void lost_answer_without_waiting_needs_no_end_of_the_trial(
	Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	fixture->before = NEW;
	take_push(fixture, "");
	tell_trial(fixture, "\"app\":0,\"left\":30");
	assert_updates(fixture, UOTA_OUTCOME_COMMITTED, 2);
}

static void lost_answer_and_our_failure_is_one(Fixture *fixture, gconstpointer data)
{
	fixture->before = NEW;
	take_push(fixture, "");
	tell_crash(tell_failure(fixture), "{}\n");
	assert_rolled_back(fixture);
}

static void lost_answer_and_confirmed_files_is_an_installation(Fixture *fixture, gconstpointer data)
{
	g_autofree char *json = installed(fixture->manifest);

	fixture->before = NEW;
	take_push(fixture, "");
	tell_manifest(tell(fixture, NEW_WITH("\"state\":\"confirmed\"")), json);
	assert_updates(fixture, UOTA_OUTCOME_CONFIRMED, 2);
}

/* a return without an update */

static void return_is_waited_for(Fixture *fixture, gconstpointer data)
{
	g_autoptr(UotaStatus) status = NULL;

	refuse_next(fixture);
	tell(fixture, NEW);
	status = uota_verdict_await_return(&fixture->target, RETURN_MS, FALSE, &fixture->error);
	g_assert_no_error(fixture->error);
	g_assert_cmpstr(status->version, ==, "1");
}

#define TEST(path, func) g_test_add("/verdict/" path, Fixture, NULL, setup, func, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("trial-is-followed-to-its-end", trial_is_followed_to_its_end);
	TEST("board-that-restarts-in-its-trial-is-waited-for",
		board_that_restarts_in_its_trial_is_waited_for);
	TEST("long-trial-leaves-time-for-a-restart", long_trial_leaves_time_for_a_restart);
	TEST("running-app-is-enough-where-it-is-asked-for",
		running_app_is_enough_where_it_is_asked_for);
	TEST("trial-without-an-end-is-not-waited-for", trial_without_an_end_is_not_waited_for);
	TEST("update-without-a-trial-is-confirmed-at-once",
		update_without_a_trial_is_confirmed_at_once);
	TEST("rolled-back-update-is-a-failure-with-its-traceback",
		rolled_back_update_is_a_failure_with_its_traceback);
	TEST("traceback-that-does-not-come-hides-no-verdict",
		traceback_that_does_not_come_hides_no_verdict);
	TEST("trial-of-another-update-is-a-failure", trial_of_another_update_is_a_failure);
	TEST("failure-of-another-update-is-no-verdict", failure_of_another_update_is_no_verdict);
	TEST("trial-that-never-ends-is-given-up", trial_that_never_ends_is_given_up);
	TEST("board-lost-in-its-trial-is-unreachable", board_lost_in_its_trial_is_unreachable);
	TEST("lost-answer-and-our-trial-is-an-installation",
		lost_answer_and_our_trial_is_an_installation);
	TEST("lost-answer-without-waiting-needs-no-end-of-the-trial",
		lost_answer_without_waiting_needs_no_end_of_the_trial);
	TEST("lost-answer-and-our-failure-is-one", lost_answer_and_our_failure_is_one);
	TEST("lost-answer-and-confirmed-files-is-an-installation",
		lost_answer_and_confirmed_files_is_an_installation);
	TEST("return-is-waited-for", return_is_waited_for);
	TEST("overtaken-answer-is-asked-for", overtaken_answer_is_asked_for);
	TEST("overtaken-answer-and-old-version-is-a-failure",
		overtaken_answer_and_old_version_is_a_failure);
	TEST("overtaken-answer-and-old-files-is-a-failure",
		overtaken_answer_and_old_files_is_a_failure);
	TEST("commit-that-takes-its-time-is-no-failure", commit_that_takes_its_time_is_no_failure);
	return g_test_run();
}
