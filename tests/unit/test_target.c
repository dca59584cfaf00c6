/* A push from the first connection to the board's return: what is asked of whom, and when. */
#include "protocol/update.h"

#include <string.h>

#include "core/error.h"
#include "support/memory.h"

#define TIMEOUT_MS 5000
#define RETURN_MS 20000 /* ends earlier, with the script */
#define OLD "{\"version\":\"1\"}\n"
#define NEW "{\"version\":\"1\",\"agent\":\"2.0.0\",\"state\":\"confirmed\"}\n"
#define NEW_WITH(state) "{\"version\":\"2\",\"agent\":\"2.0.0\"," state "}\n"
#define PASSWORD "s3cret"
#define HASH "f49cd50b3a7d6b8ca88ca8ae8d8a8e3d1b0b8a9d6e2bb6f2d1f6c6d9a6c1a2b3"

/* The connections that a test expects, in turn; NULL: refused. Behind the last of them every one
 * is refused. */
typedef struct {
	GPtrArray *boards; /* (element-type Memory) */
	guint next;
	const char *before; /* what the board answers to `version` before the push */
	const char *words;  /* that follow the command of the update */
	guint waits;        /* calls of on_waiting() without a status */
	GString *seen;      /* what on_waiting() was told of the trial, a line each */
	guint restarts;
	GCancellable *cancellable;
	GThread *canceller;
	UotaManifest *manifest;
	UotaKnown known;
	UotaTarget target;
	UotaUpdateOptions options;
	UotaUpdateResult result;
	GError *error;
} Fixture;

static UotaTransport *connect_next(
	gpointer user_data, UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	Fixture *fixture = user_data;
	guint i = fixture->next++;
	Memory *board = i < fixture->boards->len ? g_ptr_array_index(fixture->boards, i) : NULL;

	g_assert_true(cancellable == fixture->cancellable);
	if (board)
		return memory_transport(board);
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE, "refused");
	return NULL;
}

static void on_waiting(const UotaStatus *status, gpointer user_data)
{
	Fixture *fixture = user_data;

	if (status)
		g_string_append_printf(fixture->seen, "%.1f ", status->left);
	else
		fixture->waits++;
}

static void on_restarting(gpointer user_data)
{
	((Fixture *)user_data)->restarts++;
}

static UotaManifest *one_file(void)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	g_autoptr(GBytes) content = g_bytes_new_static("x", 1);

	g_ptr_array_add(files, uota_file_from_bytes("a.py", content));
	return uota_manifest_new("2", files);
}

static void free_board(gpointer board)
{
	if (board)
		memory_free(board);
}

static void setup(Fixture *fixture, gconstpointer data)
{
	fixture->boards = g_ptr_array_new_with_free_func(free_board);
	fixture->before = OLD;
	fixture->words = "";
	fixture->seen = g_string_new(NULL);
	fixture->cancellable = g_cancellable_new();
	fixture->manifest = one_file();
	fixture->known.protocol = 1;
	fixture->target = (UotaTarget){
		.connect = connect_next,
		.connect_data = fixture,
		.known = &fixture->known,
		.timeout_ms = TIMEOUT_MS,
		.cancellable = fixture->cancellable,
	};
	fixture->options = (UotaUpdateOptions){
		.kind = UOTA_PUSH_COMPLETE,
		.follow = {.wait = UOTA_WAIT_VERDICT,
			.return_ms = RETURN_MS,
			.network_ms = RETURN_MS,
			.waiting = on_waiting,
			.user_data = fixture},
		.restarting = on_restarting,
		.user_data = fixture,
	};
}

static void teardown(Fixture *fixture, gconstpointer data)
{
	g_clear_error(&fixture->error);
	uota_update_result_clear(&fixture->result);
	g_string_free(fixture->seen, TRUE);
	uota_manifest_free(fixture->manifest);
	g_object_unref(fixture->cancellable);
	g_ptr_array_unref(fixture->boards);
}

/* The board's next connection, with the password where the project has one. */
static Memory *next_board(Fixture *fixture)
{
	Memory *board = memory_new();

	g_ptr_array_add(fixture->boards, board);
	if (fixture->target.proof.credentials.password) {
		memory_expect(board, PASSWORD "\n");
		memory_say(board, "ok\n");
	}
	return board;
}

static void refuse_next(Fixture *fixture)
{
	g_ptr_array_add(fixture->boards, NULL);
}

static void expect_session(const Fixture *fixture, Memory *board)
{
	const UotaManifest *manifest = fixture->manifest;
	const UotaFile *file = g_ptr_array_index(manifest->files, 0);
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);
	gsize size = g_bytes_get_size(json);
	g_autofree char *hex = uota_sha256_hex(file->sha256);
	g_autofree char *header = g_strdup_printf("manifest %" G_GSIZE_FORMAT "\n", size);
	g_autofree char *body = g_strdup_printf("file a.py;1;%s\nx", hex);

	memory_expect(board, "start_ota");
	memory_expect(board, fixture->words);
	memory_expect(board, "\n");
	memory_say(board, "ready\n");
	memory_expect(board, header);
	memory_expect_bytes(board, g_bytes_get_data(json, NULL), size);
	memory_say(board, "ok\n");
	memory_expect(board, body);
	memory_say(board, "ok\n");
	memory_expect(board, "end_ota\n");
}

/* A connection that a push opens: it asks first whom it talks to. */
static Memory *greet_push(Fixture *fixture)
{
	Memory *board = next_board(fixture);

	memory_expect(board, "version\n");
	memory_say(board, fixture->before);
	return board;
}

/* A connection over which the push goes; the answer to it is @answer, then the board closes. */
static void take_push(Fixture *fixture, const char *answer)
{
	Memory *board = greet_push(fixture);

	expect_session(fixture, board);
	memory_say(board, answer);
	memory_close(board);
}

/* A connection that asks for the version and gets @answer. */
static Memory *tell(Fixture *fixture, const char *answer)
{
	Memory *board = next_board(fixture);

	memory_expect(board, "version\n");
	memory_say(board, answer);
	return board;
}

/* The same of a 1.0 board. */
static Memory *tell_version(Fixture *fixture, const char *version)
{
	g_autofree char *answer = g_strdup_printf("{\"version\":\"%s\"}\n", version);

	return tell(fixture, answer);
}

/* The same of a 2.0 board that is on trial with our update; @more are further keys. */
static void tell_trial(Fixture *fixture, const char *more)
{
	g_autofree char *id = uota_push_id(fixture->manifest);
	g_autofree char *answer =
		g_strdup_printf(NEW_WITH("\"state\":\"trial\",\"id\":\"%s\",%s"), id, more);

	tell(fixture, answer);
}

/* The same of one on which our update has failed. */
static Memory *tell_failure(Fixture *fixture)
{
	g_autofree char *id = uota_push_id(fixture->manifest);
	g_autofree char *answer = g_strdup_printf(
		"{\"version\":\"1\",\"agent\":\"2.0.0\",\"state\":\"rolled back\",\"id\":\"%s\","
		"\"from\":\"2\",\"why\":\"ImportError: \\u001b[2J\"}\n",
		id);

	return tell(fixture, answer);
}

static void tell_crash(Memory *board, const char *answer)
{
	memory_expect(board, "crash\n");
	memory_say(board, answer);
}

static void tell_manifest(Memory *board, const char *json)
{
	g_autofree char *answer = g_strdup_printf("%zu\n%s", strlen(json), json);

	memory_expect(board, "get /ota_manifest.json\n");
	memory_say(board, answer);
}

static gboolean push(Fixture *fixture)
{
	return uota_update(&fixture->target, fixture->manifest, &fixture->options, &fixture->result,
		&fixture->error);
}

static void assert_pushes(Fixture *fixture, UotaOutcome outcome, guint connections)
{
	gboolean ok = push(fixture);

	g_assert_no_error(fixture->error);
	g_assert_true(ok);
	g_assert_cmpint(fixture->result.verdict.outcome, ==, outcome);
	g_assert_cmpint(fixture->result.used, ==, UOTA_PUSH_COMPLETE);
	g_assert_cmpuint(fixture->next, ==, connections);
}

static void assert_push_fails(Fixture *fixture, int code, const char *part)
{
	g_assert_false(push(fixture));
	g_assert_error(fixture->error, UOTA_ERROR, code);
	if (!strstr(fixture->error->message, part))
		g_error("\"%s\" is not in \"%s\"", part, fixture->error->message);
}

/* answered */

static void push_without_waiting_connects_once(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	take_push(fixture, "ok\n");
	assert_pushes(fixture, UOTA_OUTCOME_COMMITTED, 1);
	g_assert_cmpuint(fixture->waits, ==, 0);
}

static void push_waits_until_the_board_is_back(Fixture *fixture, gconstpointer data)
{
	take_push(fixture, "ok\n");
	refuse_next(fixture);
	memory_reset(next_board(fixture));
	tell_version(fixture, "2");
	assert_pushes(fixture, UOTA_OUTCOME_BACK, 4);
	g_assert_cmpuint(fixture->waits, ==, 1);
}

static void password_is_proved_each_time(Fixture *fixture, gconstpointer data)
{
	fixture->target.proof.credentials.password = PASSWORD;
	take_push(fixture, "ok\n");
	tell_version(fixture, "2");
	assert_pushes(fixture, UOTA_OUTCOME_BACK, 2);
}

static void other_version_after_the_commit_is_a_failure(Fixture *fixture, gconstpointer data)
{
	take_push(fixture, "ok\n");
	tell_version(fixture, "1\\u001b[2J");
	assert_push_fails(fixture, UOTA_ERROR_FAILED, "came back with 1\\x1b[2J");
}

static void board_that_stays_away_is_unreachable(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 1;
	take_push(fixture, "ok\n");
	assert_push_fails(fixture, UOTA_ERROR_UNREACHABLE, "committed, but the board is not back");
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
	assert_pushes(fixture, UOTA_OUTCOME_BACK, 3);
	g_assert_cmpuint(memory_patience(silent), <=, 2000);
}

/* overtaken */

static char *installed(const UotaManifest *manifest)
{
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);

	return g_strndup(g_bytes_get_data(json, NULL), g_bytes_get_size(json));
}

static void overtaken_answer_is_asked_for(Fixture *fixture, gconstpointer data)
{
	g_autofree char *json = installed(fixture->manifest);

	fixture->options.follow.wait = UOTA_WAIT_NOT;
	take_push(fixture, "");
	refuse_next(fixture);
	tell_manifest(tell_version(fixture, "2"), json);
	assert_pushes(fixture, UOTA_OUTCOME_BACK, 3);
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
	assert_push_fails(fixture, UOTA_ERROR_FAILED,
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
	assert_push_fails(fixture, UOTA_ERROR_FAILED, "a.py is not the new one");
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
	assert_pushes(fixture, UOTA_OUTCOME_BACK, 6);
}

/* refused */

static void refused_push_does_not_come_back(Fixture *fixture, gconstpointer data)
{
	take_push(fixture, "sig_mismatch\n");
	assert_push_fails(fixture, UOTA_ERROR_REFUSED, "signature");
	g_assert_cmpuint(fixture->next, ==, 1);
	g_assert_cmpuint(fixture->waits, ==, 0);
}

static void unreachable_board_is_tried_once(Fixture *fixture, gconstpointer data)
{
	assert_push_fails(fixture, UOTA_ERROR_UNREACHABLE, "refused");
	g_assert_cmpuint(fixture->next, ==, 1);
}

static void connection_lost_in_mid_push_is_a_failure(Fixture *fixture, gconstpointer data)
{
	Memory *board = greet_push(fixture);

	memory_expect(board, "start_ota\n");
	memory_reset(board);
	assert_push_fails(fixture, UOTA_ERROR_CLOSED, "reset");
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
	expect_session(fixture, board);
	memory_say(board, "ok\n");
	assert_pushes(fixture, UOTA_OUTCOME_COMMITTED, 1);
}

static void refused_wipe_ends_the_push(Fixture *fixture, gconstpointer data)
{
	Memory *board = greet_push(fixture);

	fixture->options.wipe = TRUE;
	memory_expect(board, "wipe\n");
	memory_say(board, "error: read-only\n");
	assert_push_fails(fixture, UOTA_ERROR_FAILED, "read-only");
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
	assert_pushes(fixture, UOTA_OUTCOME_CONFIRMED, 5);
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
	assert_pushes(fixture, UOTA_OUTCOME_CONFIRMED, 6);
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
	assert_pushes(fixture, UOTA_OUTCOME_CONFIRMED, 5);
}

static void running_app_is_enough_where_it_is_asked_for(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.wait = UOTA_WAIT_RUNNING;
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":1.9,\"left\":28");
	tell_trial(fixture, "\"app\":2,\"left\":28");
	assert_pushes(fixture, UOTA_OUTCOME_RUNNING, 3);
	g_assert_cmpfloat(fixture->result.verdict.status->left, ==, 28);
}

/* The app may confirm tomorrow, or never. */
static void trial_without_an_end_is_not_waited_for(Fixture *fixture, gconstpointer data)
{
	expect_trials(fixture);
	tell_trial(fixture, "\"left\":null");
	tell_trial(fixture, "\"app\":1.9,\"left\":0,\"need\":[\"app\"]");
	tell_trial(fixture, "\"app\":2.1,\"need\":[\"app\"]");
	assert_pushes(fixture, UOTA_OUTCOME_RUNNING, 4);
}

static void update_without_a_trial_is_confirmed_at_once(Fixture *fixture, gconstpointer data)
{
	fixture->options.no_rollback = TRUE;
	fixture->words = " no-rollback";
	expect_trials(fixture);
	tell(fixture, NEW_WITH("\"state\":\"confirmed\""));
	assert_pushes(fixture, UOTA_OUTCOME_CONFIRMED, 2);
}

static void assert_rolled_back(Fixture *fixture)
{
	assert_push_fails(
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
	assert_push_fails(fixture, UOTA_ERROR_FAILED, "another update has come in between");
}

static void failure_of_another_update_is_no_verdict(Fixture *fixture, gconstpointer data)
{
	expect_trials(fixture);
	tell(fixture, NEW_WITH("\"state\":\"rolled back\",\"id\":\"0123456789abcdef\""));
	assert_push_fails(fixture, UOTA_ERROR_FAILED, "came back with 2");
}

static void trial_that_never_ends_is_given_up(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 1;
	fixture->options.follow.network_ms = 1;
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":5,\"left\":0,\"need\":[\"wifi_tcp\"]");
	tell_trial(fixture, "\"app\":6,\"left\":0,\"need\":[\"wifi_tcp\"]");
	assert_push_fails(fixture, UOTA_ERROR_FAILED, "on trial, but its end was not seen");
	g_assert_cmpuint(fixture->next, ==, 3);
}

static void board_lost_in_its_trial_is_unreachable(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 300;
	expect_trials(fixture);
	tell_trial(fixture, "\"app\":0,\"left\":0.1");
	assert_push_fails(fixture, UOTA_ERROR_UNREACHABLE, "on trial, but its end was not seen");
}

static void lost_answer_and_our_trial_is_an_installation(Fixture *fixture, gconstpointer data)
{
	fixture->before = NEW;
	take_push(fixture, "");
	tell_trial(fixture, "\"app\":0,\"left\":0.1");
	tell(fixture, NEW_WITH("\"state\":\"confirmed\""));
	assert_pushes(fixture, UOTA_OUTCOME_CONFIRMED, 3);
}

static void lost_answer_without_waiting_needs_no_end_of_the_trial(
	Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	fixture->before = NEW;
	take_push(fixture, "");
	tell_trial(fixture, "\"app\":0,\"left\":30");
	assert_pushes(fixture, UOTA_OUTCOME_COMMITTED, 2);
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
	assert_pushes(fixture, UOTA_OUTCOME_CONFIRMED, 2);
}

static void words_are_for_boards_that_know_them(Fixture *fixture, gconstpointer data)
{
	fixture->options.wipe = fixture->options.no_rollback = fixture->options.force = TRUE;
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	fixture->before = NEW;
	fixture->words = " wipe no-rollback force";
	take_push(fixture, "ok\n");
	assert_pushes(fixture, UOTA_OUTCOME_COMMITTED, 1);
}

static void old_board_gets_no_words(Fixture *fixture, gconstpointer data)
{
	fixture->options.no_rollback = fixture->options.force = TRUE;
	fixture->options.follow.wait = UOTA_WAIT_NOT;
	take_push(fixture, "ok\n");
	assert_pushes(fixture, UOTA_OUTCOME_COMMITTED, 1);
}

static void known_failure_is_refused(Fixture *fixture, gconstpointer data)
{
	Memory *board;

	fixture->before = NEW;
	board = greet_push(fixture);
	memory_expect(board, "start_ota\n");
	memory_say(board, "error: refused: 2 failed on this board (ImportError: \x1b[2J)\n");
	assert_push_fails(fixture, UOTA_ERROR_REFUSED,
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
	assert_pushes(fixture, UOTA_OUTCOME_COMMITTED, 5);
	g_assert_cmpuint(fixture->restarts, ==, 1);
}

static void board_without_memory_is_pushed_to_again_once(Fixture *fixture, gconstpointer data)
{
	refuse_for_memory(fixture);
	tell(fixture, NEW_WITH("\"state\":\"confirmed\",\"safe\":true"));
	refuse_for_memory(fixture);
	assert_push_fails(fixture, UOTA_ERROR_RESTARTING, "too little memory");
	g_assert_cmpuint(fixture->next, ==, 3);
}

static void board_that_does_not_return_from_its_restart_is_lost(
	Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.return_ms = 1;
	refuse_for_memory(fixture);
	assert_push_fails(fixture, UOTA_ERROR_UNREACHABLE, "without its app, but is not back");
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

/* cancel */

static void cancel_from_waiting(const UotaStatus *status, gpointer user_data)
{
	g_cancellable_cancel(((Fixture *)user_data)->cancellable);
}

static void cancel_ends_the_wait(Fixture *fixture, gconstpointer data)
{
	fixture->options.follow.waiting = cancel_from_waiting;
	take_push(fixture, "ok\n");
	assert_push_fails(fixture, UOTA_ERROR_CANCELLED, "interrupted");
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
	assert_push_fails(fixture, UOTA_ERROR_CANCELLED, "interrupted");
	g_thread_join(fixture->canceller);
}

#define TEST(path, func) g_test_add("/target/" path, Fixture, NULL, setup, func, teardown)

static void add_trials(void)
{
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
	TEST("words-are-for-boards-that-know-them", words_are_for_boards_that_know_them);
	TEST("old-board-gets-no-words", old_board_gets_no_words);
	TEST("known-failure-is-refused", known_failure_is_refused);
}

static void add_restarts(void)
{
	TEST("board-without-memory-is-pushed-to-again", board_without_memory_is_pushed_to_again);
	TEST("board-without-memory-is-pushed-to-again-once",
		board_without_memory_is_pushed_to_again_once);
	TEST("board-that-does-not-return-from-its-restart-is-lost",
		board_that_does_not_return_from_its_restart_is_lost);
	TEST("return-is-waited-for", return_is_waited_for);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("push-without-waiting-connects-once", push_without_waiting_connects_once);
	TEST("push-waits-until-the-board-is-back", push_waits_until_the_board_is_back);
	TEST("password-is-proved-each-time", password_is_proved_each_time);
	TEST("other-version-after-the-commit-is-a-failure",
		other_version_after_the_commit_is_a_failure);
	TEST("board-that-stays-away-is-unreachable", board_that_stays_away_is_unreachable);
	TEST("silent-attempt-is-given-up-early", silent_attempt_is_given_up_early);
	TEST("overtaken-answer-is-asked-for", overtaken_answer_is_asked_for);
	TEST("overtaken-answer-and-old-version-is-a-failure",
		overtaken_answer_and_old_version_is_a_failure);
	TEST("overtaken-answer-and-old-files-is-a-failure",
		overtaken_answer_and_old_files_is_a_failure);
	TEST("commit-that-takes-its-time-is-no-failure", commit_that_takes_its_time_is_no_failure);
	TEST("refused-push-does-not-come-back", refused_push_does_not_come_back);
	TEST("unreachable-board-is-tried-once", unreachable_board_is_tried_once);
	TEST("connection-lost-in-mid-push-is-a-failure", connection_lost_in_mid_push_is_a_failure);
	TEST("wipe-comes-before-the-push", wipe_comes_before_the_push);
	TEST("refused-wipe-ends-the-push", refused_wipe_ends_the_push);
	add_trials();
	add_restarts();
	TEST("cancel-ends-the-wait", cancel_ends_the_wait);
	TEST("cancel-from-another-thread-ends-the-wait", cancel_from_another_thread_ends_the_wait);
	return g_test_run();
}
