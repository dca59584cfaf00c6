/* A push from the first connection to the board's return: what is asked of whom, and when. */
#include "protocol/target.h"

#include <string.h>

#include "core/error.h"
#include "support/memory.h"

#define TIMEOUT_MS 5000
#define WAIT_MS 20000 /* ends earlier, with the script */
#define PASSWORD "s3cret"
#define HASH "f49cd50b3a7d6b8ca88ca8ae8d8a8e3d1b0b8a9d6e2bb6f2d1f6c6d9a6c1a2b3"

/* The connections that a test expects, in turn; NULL: refused. Behind the last of them every one
 * is refused. */
typedef struct {
	GPtrArray *boards; /* (element-type Memory) */
	guint next;
	guint waits; /* calls of on_waiting() */
	GCancellable *cancellable;
	GThread *canceller;
	UotaManifest *manifest;
	UotaTarget target;
	UotaPushOptions options;
	UotaPushKind used;
	UotaOutcome outcome;
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

static void on_waiting(gpointer user_data)
{
	((Fixture *)user_data)->waits++;
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
	fixture->cancellable = g_cancellable_new();
	fixture->manifest = one_file();
	fixture->target = (UotaTarget){
		.connect = connect_next,
		.connect_data = fixture,
		.timeout_ms = TIMEOUT_MS,
		.cancellable = fixture->cancellable,
	};
	fixture->options = (UotaPushOptions){
		.kind = UOTA_PUSH_COMPLETE,
		.wait_ms = WAIT_MS,
		.waiting = on_waiting,
		.user_data = fixture,
	};
}

static void teardown(Fixture *fixture, gconstpointer data)
{
	g_clear_error(&fixture->error);
	uota_manifest_free(fixture->manifest);
	g_object_unref(fixture->cancellable);
	g_ptr_array_unref(fixture->boards);
}

/* The board's next connection, with the password where the project has one. */
static Memory *next_board(Fixture *fixture)
{
	Memory *board = memory_new();

	g_ptr_array_add(fixture->boards, board);
	if (fixture->target.password) {
		memory_expect(board, PASSWORD "\n");
		memory_say(board, "ok\n");
	}
	return board;
}

static void refuse_next(Fixture *fixture)
{
	g_ptr_array_add(fixture->boards, NULL);
}

static void expect_session(Memory *board, const UotaManifest *manifest)
{
	const UotaFile *file = g_ptr_array_index(manifest->files, 0);
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);
	gsize size = g_bytes_get_size(json);
	g_autofree char *hex = uota_sha256_hex(file->sha256);
	g_autofree char *header = g_strdup_printf("manifest %" G_GSIZE_FORMAT "\n", size);
	g_autofree char *body = g_strdup_printf("file a.py;1;%s\nx", hex);

	memory_expect(board, "start_ota\n");
	memory_say(board, "ready\n");
	memory_expect(board, header);
	memory_expect_bytes(board, g_bytes_get_data(json, NULL), size);
	memory_say(board, "ok\n");
	memory_expect(board, body);
	memory_say(board, "ok\n");
	memory_expect(board, "end_ota\n");
}

/* A connection over which the push goes; the answer to it is @answer, then the board closes. */
static void take_push(Fixture *fixture, const char *answer)
{
	Memory *board = next_board(fixture);

	expect_session(board, fixture->manifest);
	memory_say(board, answer);
	memory_close(board);
}

/* A connection that asks for the version. */
static Memory *tell_version(Fixture *fixture, const char *version)
{
	Memory *board = next_board(fixture);
	g_autofree char *answer = g_strdup_printf("{\"version\":\"%s\"}\n", version);

	memory_expect(board, "version\n");
	memory_say(board, answer);
	return board;
}

static void tell_manifest(Memory *board, const char *json)
{
	g_autofree char *answer = g_strdup_printf("%zu\n%s", strlen(json), json);

	memory_expect(board, "get /ota_manifest.json\n");
	memory_say(board, answer);
}

static gboolean push(Fixture *fixture)
{
	return uota_target_push(&fixture->target, fixture->manifest, &fixture->options,
		&fixture->used, &fixture->outcome, &fixture->error);
}

static void assert_pushes(Fixture *fixture, UotaOutcome outcome, guint connections)
{
	gboolean ok = push(fixture);

	g_assert_no_error(fixture->error);
	g_assert_true(ok);
	g_assert_cmpint(fixture->outcome, ==, outcome);
	g_assert_cmpint(fixture->used, ==, UOTA_PUSH_COMPLETE);
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
	fixture->options.wait_ms = 0;
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
	fixture->target.password = PASSWORD;
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
	fixture->options.wait_ms = 1;
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

	fixture->options.wait_ms = 0;
	take_push(fixture, "");
	refuse_next(fixture);
	tell_manifest(tell_version(fixture, "2"), json);
	assert_pushes(fixture, UOTA_OUTCOME_BACK, 3);
	g_assert_cmpuint(fixture->waits, ==, 1);
}

/* A connection that asks whether an update is under way: @answer to `start_ota`. */
static void tell_idle(Fixture *fixture, const char *answer)
{
	Memory *board = next_board(fixture);

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
	Memory *board = next_board(fixture);

	memory_expect(board, "start_ota\n");
	memory_reset(board);
	assert_push_fails(fixture, UOTA_ERROR_CLOSED, "reset");
	g_assert_cmpuint(fixture->next, ==, 1);
}

/* wipe */

static void wipe_comes_before_the_push(Fixture *fixture, gconstpointer data)
{
	Memory *board = next_board(fixture);

	fixture->options.wipe = TRUE;
	fixture->options.wait_ms = 0;
	memory_expect(board, "wipe\n");
	memory_say(board, "ok\n");
	expect_session(board, fixture->manifest);
	memory_say(board, "ok\n");
	assert_pushes(fixture, UOTA_OUTCOME_COMMITTED, 1);
}

static void refused_wipe_ends_the_push(Fixture *fixture, gconstpointer data)
{
	Memory *board = next_board(fixture);

	fixture->options.wipe = TRUE;
	memory_expect(board, "wipe\n");
	memory_say(board, "error: read-only\n");
	assert_push_fails(fixture, UOTA_ERROR_FAILED, "read-only");
}

/* cancel */

static void cancel_from_waiting(gpointer user_data)
{
	g_cancellable_cancel(((Fixture *)user_data)->cancellable);
}

static void cancel_ends_the_wait(Fixture *fixture, gconstpointer data)
{
	fixture->options.waiting = cancel_from_waiting;
	take_push(fixture, "ok\n");
	assert_push_fails(fixture, UOTA_ERROR_CANCELLED, "interrupted");
	g_assert_cmpuint(fixture->next, ==, 1);
}

static gpointer cancel(gpointer cancellable)
{
	g_cancellable_cancel(cancellable);
	return NULL;
}

static void cancel_in_another_thread(gpointer user_data)
{
	Fixture *fixture = user_data;

	fixture->canceller = g_thread_new("cancel", cancel, fixture->cancellable);
}

static void cancel_from_another_thread_ends_the_wait(Fixture *fixture, gconstpointer data)
{
	fixture->options.waiting = cancel_in_another_thread;
	take_push(fixture, "ok\n");
	assert_push_fails(fixture, UOTA_ERROR_CANCELLED, "interrupted");
	g_thread_join(fixture->canceller);
}

#define TEST(path, func) g_test_add("/target/" path, Fixture, NULL, setup, func, teardown)

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
	TEST("cancel-ends-the-wait", cancel_ends_the_wait);
	TEST("cancel-from-another-thread-ends-the-wait", cancel_from_another_thread_ends_the_wait);
	return g_test_run();
}
