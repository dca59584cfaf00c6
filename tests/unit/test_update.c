/* An update from the first connection to the board's return: what is asked of whom, and when. */
#include "support/updates.h"

/* answered */

static void push_without_waiting_connects_once(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	take_push(fixture, "ok\n");
	assert_updates(fixture, UOTA_OUTCOME_COMMITTED, 1);
	g_assert_cmpuint(fixture->waits, ==, 0);
}

static void push_waits_until_the_board_is_back(Fixture *fixture, gconstpointer data)
{
	take_push(fixture, "ok\n");
	refuse_next(fixture);
	memory_reset(next_board(fixture));
	tell_version(fixture, "2");
	assert_updates(fixture, UOTA_OUTCOME_BACK, 4);
	g_assert_cmpuint(fixture->waits, ==, 1);
}

static void password_is_proved_each_time(Fixture *fixture, gconstpointer data)
{
	fixture->target.proof.credentials.password = PASSWORD;
	take_push(fixture, "ok\n");
	tell_version(fixture, "2");
	assert_updates(fixture, UOTA_OUTCOME_BACK, 2);
}

static void other_version_after_the_commit_is_a_failure(Fixture *fixture, gconstpointer data)
{
	take_push(fixture, "ok\n");
	tell_version(fixture, "1\\u001b[2J");
	assert_update_fails(fixture, UOTA_ERROR_FAILED, "came back with 1\\x1b[2J");
}

static void board_that_stays_away_is_unreachable(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 1;
	take_push(fixture, "ok\n");
	assert_update_fails(
		fixture, UOTA_ERROR_UNREACHABLE, "committed, but the board is not back");
	g_assert_cmpuint(fixture->next, ==, 2);
}

/* A board that is joining the Wi-Fi must not hold the tool longer than one attempt. */
static void silent_attempt_is_given_up_early(Fixture *fixture, gconstpointer data)
{
	Memory *silent;

	take_push(fixture, "ok\n");
	silent = next_board(fixture);
	memory_expect(silent, "version\n");
	memory_silence(silent);
	tell_version(fixture, "2");
	assert_updates(fixture, UOTA_OUTCOME_BACK, 3);
	g_assert_cmpuint(memory_patience(silent), <=, 2000);
}

/* refused */

static void refused_push_does_not_come_back(Fixture *fixture, gconstpointer data)
{
	take_push(fixture, "sig_mismatch\n");
	assert_update_fails(fixture, UOTA_ERROR_REFUSED, "signature");
	g_assert_cmpuint(fixture->next, ==, 1);
	g_assert_cmpuint(fixture->waits, ==, 0);
}

static void unreachable_board_is_tried_once(Fixture *fixture, gconstpointer data)
{
	assert_update_fails(fixture, UOTA_ERROR_UNREACHABLE, "refused");
	g_assert_cmpuint(fixture->next, ==, 1);
}

static void connection_lost_in_mid_push_is_a_failure(Fixture *fixture, gconstpointer data)
{
	Memory *board = greet_push(fixture);

	memory_expect(board, "start_ota\n");
	memory_reset(board);
	assert_update_fails(fixture, UOTA_ERROR_CLOSED, "reset");
	g_assert_cmpuint(fixture->next, ==, 1);
}

/* wipe */

static void wipe_comes_before_the_push(Fixture *fixture, gconstpointer data)
{
	Memory *board = greet_push(fixture);

	fixture->options.wipe = TRUE;
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	memory_expect(board, "wipe\n");
	memory_say(board, "ok\n");
	expect_update(fixture, board);
	memory_say(board, "ok\n");
	assert_updates(fixture, UOTA_OUTCOME_COMMITTED, 1);
}

static void refused_wipe_ends_the_push(Fixture *fixture, gconstpointer data)
{
	Memory *board = greet_push(fixture);

	fixture->options.wipe = TRUE;
	memory_expect(board, "wipe\n");
	memory_say(board, "error: read-only\n");
	assert_update_fails(fixture, UOTA_ERROR_FAILED, "read-only");
}

static void words_are_for_boards_that_know_them(Fixture *fixture, gconstpointer data)
{
	fixture->options.wipe = fixture->options.no_rollback = fixture->options.force = TRUE;
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	fixture->before = NEW;
	fixture->words = " wipe no-rollback force";
	take_push(fixture, "ok\n");
	assert_updates(fixture, UOTA_OUTCOME_COMMITTED, 1);
}

static void old_board_gets_no_words(Fixture *fixture, gconstpointer data)
{
	fixture->options.no_rollback = fixture->options.force = TRUE;
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	take_push(fixture, "ok\n");
	assert_updates(fixture, UOTA_OUTCOME_COMMITTED, 1);
}

static void known_failure_is_refused(Fixture *fixture, gconstpointer data)
{
	Memory *board;

	fixture->before = NEW;
	board = greet_push(fixture);
	memory_expect(board, "start_ota\n");
	memory_say(board, "error: refused: 2 failed on this board (ImportError: \x1b[2J)\n");
	assert_update_fails(fixture, UOTA_ERROR_REFUSED,
		"the board refused: 2 failed on this board (ImportError: \\x1b[2J): --force");
	g_assert_cmpuint(fixture->next, ==, 1);
}

/* a board whose app leaves no memory */

static void refuse_for_memory(Fixture *fixture)
{
	Memory *board;

	fixture->before = NEW;
	board = greet_push(fixture);
	memory_expect(board, "start_ota\n");
	memory_say(board, "error: restarting without the app: too little memory\n");
	memory_close(board);
}

static void board_without_memory_is_pushed_to_again(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	refuse_for_memory(fixture);
	refuse_next(fixture);
	tell(fixture, NEW);
	tell(fixture, NEW_WITH("\"state\":\"confirmed\",\"safe\":true"));
	take_push(fixture, "ok\n");
	assert_updates(fixture, UOTA_OUTCOME_COMMITTED, 5);
	g_assert_cmpuint(fixture->restarts, ==, 1);
}

static void board_without_memory_is_pushed_to_again_once(Fixture *fixture, gconstpointer data)
{
	refuse_for_memory(fixture);
	tell(fixture, NEW_WITH("\"state\":\"confirmed\",\"safe\":true"));
	refuse_for_memory(fixture);
	assert_update_fails(fixture, UOTA_ERROR_RESTARTING, "too little memory");
	g_assert_cmpuint(fixture->next, ==, 3);
}

static void board_that_does_not_return_from_its_restart_is_lost(
	Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 1;
	refuse_for_memory(fixture);
	assert_update_fails(fixture, UOTA_ERROR_UNREACHABLE, "without its app, but is not back");
}

/* cancel */

static void cancel_from_waiting(const UotaStatus *status, gpointer user_data)
{
	g_cancellable_cancel(((Fixture *)user_data)->cancellable);
}

static void cancel_ends_the_wait(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.waiting = cancel_from_waiting;
	take_push(fixture, "ok\n");
	assert_update_fails(fixture, UOTA_ERROR_CANCELLED, "interrupted");
	g_assert_cmpuint(fixture->next, ==, 1);
}

static gpointer cancel(gpointer cancellable)
{
	g_cancellable_cancel(cancellable);
	return NULL;
}

static void cancel_in_another_thread(const UotaStatus *status, gpointer user_data)
{
	Fixture *fixture = user_data;

	fixture->canceller = g_thread_new("cancel", cancel, fixture->cancellable);
}

static void cancel_from_another_thread_ends_the_wait(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.waiting = cancel_in_another_thread;
	take_push(fixture, "ok\n");
	assert_update_fails(fixture, UOTA_ERROR_CANCELLED, "interrupted");
	g_thread_join(fixture->canceller);
}

#define TEST(path, func) g_test_add("/update/" path, Fixture, NULL, setup, func, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("words-are-for-boards-that-know-them", words_are_for_boards_that_know_them);
	TEST("old-board-gets-no-words", old_board_gets_no_words);
	TEST("known-failure-is-refused", known_failure_is_refused);
	TEST("board-without-memory-is-pushed-to-again", board_without_memory_is_pushed_to_again);
	TEST("board-without-memory-is-pushed-to-again-once",
		board_without_memory_is_pushed_to_again_once);
	TEST("board-that-does-not-return-from-its-restart-is-lost",
		board_that_does_not_return_from_its_restart_is_lost);
	TEST("push-without-waiting-connects-once", push_without_waiting_connects_once);
	TEST("push-waits-until-the-board-is-back", push_waits_until_the_board_is_back);
	TEST("password-is-proved-each-time", password_is_proved_each_time);
	TEST("other-version-after-the-commit-is-a-failure",
		other_version_after_the_commit_is_a_failure);
	TEST("board-that-stays-away-is-unreachable", board_that_stays_away_is_unreachable);
	TEST("silent-attempt-is-given-up-early", silent_attempt_is_given_up_early);
	TEST("refused-push-does-not-come-back", refused_push_does_not_come_back);
	TEST("unreachable-board-is-tried-once", unreachable_board_is_tried_once);
	TEST("connection-lost-in-mid-push-is-a-failure", connection_lost_in_mid_push_is_a_failure);
	TEST("wipe-comes-before-the-push", wipe_comes_before_the_push);
	TEST("refused-wipe-ends-the-push", refused_wipe_ends_the_push);
	TEST("cancel-ends-the-wait", cancel_ends_the_wait);
	TEST("cancel-from-another-thread-ends-the-wait", cancel_from_another_thread_ends_the_wait);
	return g_test_run();
}
