/* The library as who has installed it uses it: include/uota.h is all that is seen of it here. The
 * board is a small one of protocol 1.0, or 2.0 spoken to in it, on the loopback interface. */
#include <uota.h>

#include <gio/gio.h>
#include <stdlib.h>

#include "scratch.h"

#define PASSWORD "six random words are better"
#define TIMEOUT_MS 20000 /* a wait that an event ends */
#define OLD "{\"version\":\"1.2.0\"}"

typedef struct {
	Scratch project;
	uota_client *client;
	uota_error error;
	uota_board_status status;
	/* the board */
	GSocketListener *listener;
	GCancellable *stop;
	GThread *thread;
	guint16 port;
	const char *password; /* NULL: none */
	const char *version,
		*commit; /* what it answers; to `version`: %s is the id of the update */
	const char *crash;
	gboolean cancels; /* the client, when it is asked for the version; it never answers */
	GString *heard;   /* first words of commands, each with a space behind it */
	GString *payload; /* of the update: what its id is made from */
} Fixture;

/* the board */

static void say(GIOStream *stream, const char *line)
{
	g_autofree char *text = g_strconcat(line, "\n", NULL);

	(void)g_output_stream_write_all(
		g_io_stream_get_output_stream(stream), text, strlen(text), NULL, NULL, NULL);
}

static void skip(GDataInputStream *in, guint64 size)
{
	g_autofree char *buf = g_malloc(size + 1);

	(void)g_input_stream_read_all(G_INPUT_STREAM(in), buf, size, NULL, NULL, NULL);
}

/* `file PATH;SIZE;HASH`, and its bytes. */
static void take_file(Fixture *fixture, GDataInputStream *in, const char *entry)
{
	g_auto(GStrv) fields = g_strsplit(entry, ";", 3);

	g_string_append_printf(fixture->payload, "\n%s:%s", fields[0], fields[2]);
	skip(in, g_ascii_strtoull(fields[1], NULL, 10));
}

static void tell_version(Fixture *fixture, GIOStream *stream)
{
	g_autofree char *id =
		g_compute_checksum_for_string(G_CHECKSUM_SHA256, fixture->payload->str, -1);
	g_auto(GStrv) parts = g_strsplit(fixture->version, "%s", 2);
	g_autofree char *answer = NULL;

	id[16] = '\0';
	answer = g_strjoinv(id, parts);
	if (fixture->cancels)
		uota_client_cancel(fixture->client);
	else
		say(stream, answer);
}

/* FALSE: the board closes. */
static gboolean obey(Fixture *fixture, GIOStream *stream, GDataInputStream *in, const char *line)
{
	const char *argument = strchr(line, ' ');
	g_autofree char *word = g_strndup(line, strcspn(line, " "));

	g_string_append_printf(fixture->heard, "%s ", word);
	if (g_str_equal(word, "version")) {
		tell_version(fixture, stream);
	} else if (g_str_equal(word, "crash")) {
		say(stream, fixture->crash);
	} else if (g_str_equal(word, "start_ota")) {
		say(stream, "ready");
	} else if (g_str_equal(word, "manifest")) {
		skip(in, g_ascii_strtoull(argument, NULL, 10));
		say(stream, "ok");
	} else if (g_str_equal(word, "file")) {
		take_file(fixture, in, argument + 1);
		say(stream, "ok");
	} else if (g_str_equal(word, "end_ota")) {
		say(stream, fixture->commit);
		return FALSE;
	} else if (g_str_equal(word, "rollback")) {
		say(stream, "ok");
		return FALSE;
	} else {
		say(stream, "unknown");
	}
	return TRUE;
}

/* FALSE: who connects does not know the password. */
static gboolean let_in(const Fixture *fixture, GIOStream *stream, GDataInputStream *in)
{
	g_autofree char *line = NULL;
	gboolean known;

	if (!fixture->password)
		return TRUE;
	line = g_data_input_stream_read_line(in, NULL, fixture->stop, NULL);
	known = g_strcmp0(line, fixture->password) == 0;
	say(stream, known ? "ok" : "denied");
	return known;
}

static void serve(Fixture *fixture, GIOStream *stream)
{
	g_autoptr(GDataInputStream) in =
		g_data_input_stream_new(g_io_stream_get_input_stream(stream));

	if (!let_in(fixture, stream, in))
		return;
	for (;;) {
		g_autofree char *line =
			g_data_input_stream_read_line(in, NULL, fixture->stop, NULL);

		if (!line || !obey(fixture, stream, in, line))
			return;
	}
}

static gpointer run_board(gpointer data)
{
	Fixture *fixture = data;

	for (;;) {
		g_autoptr(GSocketConnection) connection =
			g_socket_listener_accept(fixture->listener, NULL, fixture->stop, NULL);

		if (!connection)
			return NULL;
		serve(fixture, G_IO_STREAM(connection));
		(void)g_io_stream_close(G_IO_STREAM(connection), NULL, NULL);
	}
}

/* Switches it off; what it has heard can be looked at from now on. */
static void stop_board(Fixture *fixture)
{
	if (!fixture->thread)
		return;
	g_cancellable_cancel(fixture->stop);
	g_thread_join(g_steal_pointer(&fixture->thread));
	g_socket_listener_close(fixture->listener);
}

static void start_board(Fixture *fixture)
{
	g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
	g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
	g_autoptr(GSocketAddress) bound = NULL;
	g_autoptr(GError) error = NULL;

	(void)g_socket_listener_add_address(fixture->listener, any, G_SOCKET_TYPE_STREAM,
		G_SOCKET_PROTOCOL_TCP, NULL, &bound, &error);
	g_assert_no_error(error);
	fixture->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
	fixture->thread = g_thread_new("board", run_board, fixture);
}

/* the project */

static void setup(Fixture *fixture, gconstpointer data)
{
	scratch_setup(&fixture->project, NULL);
	scratch_write(&fixture->project, "config/ota.json",
		"{\"version\": \"1.2.1\", \"fastOtaFiles\": [\"app.py\"]}");
	scratch_write(&fixture->project, "app.py", "def run():\n    pass\n");
	scratch_write(&fixture->project, "main.py", "import uota\n");
	fixture->listener = g_socket_listener_new();
	fixture->stop = g_cancellable_new();
	fixture->version = OLD;
	fixture->commit = "ok";
	fixture->crash = "{}";
	fixture->heard = g_string_new(NULL);
	fixture->payload = g_string_new("1.2.1");
}

static void give_secrets(const Fixture *fixture)
{
	scratch_write(&fixture->project, "config/.ota.secrets.json",
		"{\"otaPassword\": \"" PASSWORD "\"}");
	scratch_chmod(&fixture->project, "config/.ota.secrets.json", 0600);
}

static void teardown(Fixture *fixture, gconstpointer data)
{
	stop_board(fixture);
	uota_client_free(fixture->client);
	uota_error_clear(&fixture->error);
	uota_board_status_clear(&fixture->status);
	g_string_free(fixture->heard, TRUE);
	g_string_free(fixture->payload, TRUE);
	g_object_unref(fixture->stop);
	g_object_unref(fixture->listener);
	scratch_teardown(&fixture->project, NULL);
}

/* A client of the project for the board, which is switched on. */
static void open_client(Fixture *fixture)
{
	start_board(fixture);
	fixture->client = uota_client_new(
		fixture->project.dir, "127.0.0.1", fixture->port, TIMEOUT_MS, &fixture->error);
	g_assert_null(fixture->error.text);
	g_assert_nonnull(fixture->client);
}

static int ask(Fixture *fixture)
{
	return uota_client_status(fixture->client, &fixture->status, &fixture->error);
}

static void assert_told(Fixture *fixture, uota_status status, const char *part)
{
	g_assert_cmpint(fixture->error.status, ==, status);
	g_assert_nonnull(fixture->error.text);
	g_assert_null(strchr(fixture->error.text, '\n'));
	if (!strstr(fixture->error.text, part))
		g_error("\"%s\" is not in \"%s\"", part, fixture->error.text);
}

/* opening */

static void a_folder_without_a_project_is_none(Fixture *fixture, gconstpointer data)
{
	g_autofree char *nowhere = scratch_path(&fixture->project, "nowhere");

	g_assert_null(uota_client_new(nowhere, "127.0.0.1", 1, 0, &fixture->error));
	assert_told(fixture, UOTA_FAILED, "config/ota.json");
	g_assert_null(uota_client_new(nowhere, NULL, 0, 0, NULL));
}

static void what_is_cleared_is_empty(Fixture *fixture, gconstpointer data)
{
	uota_error error = {UOTA_FAILED, strdup("why")};
	uota_board_status status = {.version = strdup("1"), .state = UOTA_TRIAL, .safe = 1};

	uota_error_clear(&error);
	g_assert_cmpint(error.status, ==, UOTA_OK);
	g_assert_null(error.text);
	uota_board_status_clear(&status);
	g_assert_null(status.version);
	g_assert_cmpint(status.state, ==, UOTA_UNTOLD);
	g_assert_cmpint(status.safe, ==, 0);
	uota_client_free(NULL);
}

/* asking */

static void a_board_of_1_0_tells_its_version(Fixture *fixture, gconstpointer data)
{
	open_client(fixture);
	g_assert_true(ask(fixture));
	g_assert_cmpstr(fixture->status.version, ==, "1.2.0");
	g_assert_null(fixture->status.agent);
	g_assert_cmpint(fixture->status.state, ==, UOTA_UNTOLD);
	g_assert_null(fixture->error.text);
}

static void a_trial_is_told(Fixture *fixture, gconstpointer data)
{
	fixture->version = "{\"version\":\"1.2.1\",\"agent\":\"2.0.0\",\"state\":\"trial\","
			   "\"app\":2,\"left\":28,\"need\":[],\"safe\":true}";
	open_client(fixture);
	g_assert_true(ask(fixture));
	g_assert_cmpstr(fixture->status.agent, ==, "2.0.0");
	g_assert_cmpint(fixture->status.state, ==, UOTA_TRIAL);
	g_assert_cmpfloat(fixture->status.left, ==, 28);
	g_assert_true(fixture->status.safe);
}

static void a_rollback_is_told_with_its_reason(Fixture *fixture, gconstpointer data)
{
	fixture->version = "{\"version\":\"1.2.0\",\"agent\":\"2.0.0\",\"state\":\"rolled back\","
			   "\"from\":\"1.2.1\",\"why\":\"ImportError: x\"}";
	open_client(fixture);
	g_assert_true(ask(fixture));
	g_assert_cmpint(fixture->status.state, ==, UOTA_ROLLED_BACK);
	g_assert_cmpstr(fixture->status.from, ==, "1.2.1");
	g_assert_cmpstr(fixture->status.why, ==, "ImportError: x");
}

static void a_traceback_is_handed_over(Fixture *fixture, gconstpointer data)
{
	g_autofree char *trace = NULL;

	fixture->crash = "{\"version\":\"1\",\"why\":\"E: x\",\"trace\":\"Traceback\\nE: x\\n\"}";
	open_client(fixture);
	trace = uota_client_crash(fixture->client, &fixture->error);
	g_assert_cmpstr(trace, ==, "Traceback\nE: x\n");
}

static void no_traceback_is_an_empty_text(Fixture *fixture, gconstpointer data)
{
	g_autofree char *none = NULL;

	open_client(fixture);
	none = uota_client_crash(fixture->client, &fixture->error);
	g_assert_cmpstr(none, ==, "");
}

static void a_board_that_is_off_is_unreachable(Fixture *fixture, gconstpointer data)
{
	open_client(fixture);
	stop_board(fixture);
	g_assert_false(ask(fixture));
	assert_told(fixture, UOTA_UNREACHABLE, "");
	g_assert_null(fixture->status.version);
	g_assert_null(uota_client_crash(fixture->client, NULL));
}

/* secrets */

static void a_secret_is_shown_to_1_0_only_where_it_is_allowed(Fixture *fixture, gconstpointer data)
{
	give_secrets(fixture);
	fixture->password = PASSWORD;
	open_client(fixture);
	g_assert_false(ask(fixture));
	assert_told(fixture, UOTA_REFUSED, "1.0");
	uota_error_clear(&fixture->error);

	uota_client_set_legacy(fixture->client, 1);
	g_assert_true(ask(fixture));
	g_assert_cmpstr(fixture->status.version, ==, "1.2.0");
}

/* pushing */

typedef struct {
	uint64_t done, total;
} Progress;

static void on_progress(const char *path, uint64_t done, uint64_t total, void *user_data)
{
	Progress *progress = user_data;

	g_assert_nonnull(path);
	g_assert_cmpuint(done, >=, progress->done);
	*progress = (Progress){done, total};
}

static int push(Fixture *fixture, const uota_push_options *options)
{
	return uota_client_push(fixture->client, options, &fixture->status, &fixture->error);
}

static void a_push_brings_all_files(Fixture *fixture, gconstpointer data)
{
	Progress progress = {0};
	uota_push_options options = {
		.scope = UOTA_FULL,
		.follow = UOTA_UNTIL_COMMITTED,
		.progress = on_progress,
		.user_data = &progress,
	};

	open_client(fixture);
	g_assert_true(push(fixture, &options));
	g_assert_cmpuint(progress.total, >, 0);
	g_assert_cmpuint(progress.done, ==, progress.total);
	g_assert_null(fixture->status.version);
	stop_board(fixture);
	g_assert_nonnull(strstr(fixture->heard->str, "start_ota manifest file file file end_ota "));
	g_assert_nonnull(strstr(fixture->payload->str, "\nconfig/ota.json:"));
	g_assert_nonnull(strstr(fixture->payload->str, "\nmain.py:"));
}

static void all_0_is_a_fast_push_to_its_verdict(Fixture *fixture, gconstpointer data)
{
	fixture->version = "{\"version\":\"1.2.1\"}";
	open_client(fixture);
	g_assert_true(push(fixture, &(uota_push_options){0}));
	g_assert_cmpstr(fixture->status.version, ==, "1.2.1");
	stop_board(fixture);
	g_assert_nonnull(strstr(fixture->heard->str, "stream_ota start_ota "));
	g_assert_nonnull(strstr(fixture->payload->str, "\napp.py:"));
	g_assert_null(strstr(fixture->payload->str, "main.py"));
}

static void an_update_that_fails_its_trial_is_a_failure(Fixture *fixture, gconstpointer data)
{
	fixture->version = "{\"version\":\"1.2.0\",\"agent\":\"2.0.0\",\"state\":\"rolled back\","
			   "\"id\":\"%s\",\"from\":\"1.2.1\",\"why\":\"ImportError: x\"}";
	open_client(fixture);
	g_assert_false(push(fixture, &(uota_push_options){.scope = UOTA_FULL}));
	assert_told(fixture, UOTA_FAILED, "rolled back to 1.2.0: ImportError: x");
	g_assert_cmpint(fixture->status.state, ==, UOTA_ROLLED_BACK);
	g_assert_cmpstr(fixture->status.from, ==, "1.2.1");
}

static void a_refused_push_says_so(Fixture *fixture, gconstpointer data)
{
	fixture->commit = "sig_mismatch";
	open_client(fixture);
	g_assert_false(push(fixture, &(uota_push_options){.scope = UOTA_FULL}));
	assert_told(fixture, UOTA_REFUSED, "signature");
	g_assert_null(fixture->status.version);
}

static void a_version_that_is_none_is_not_pushed(Fixture *fixture, gconstpointer data)
{
	open_client(fixture);
	g_assert_false(push(fixture, &(uota_push_options){.version = "1\n2"}));
	assert_told(fixture, UOTA_FAILED, "version");
	stop_board(fixture);
	g_assert_cmpstr(fixture->heard->str, ==, "");
}

/* going back, and ending */

static void a_rollback_ends_when_the_board_is_back(Fixture *fixture, gconstpointer data)
{
	open_client(fixture);
	g_assert_true(uota_client_rollback(fixture->client, 0, &fixture->status, &fixture->error));
	g_assert_cmpstr(fixture->status.version, ==, "1.2.0");
	stop_board(fixture);
	g_assert_cmpstr(fixture->heard->str, ==, "hello rollback version ");
}

static void cancel_ends_what_is_done_and_all_that_follows(Fixture *fixture, gconstpointer data)
{
	fixture->cancels = TRUE;
	open_client(fixture);
	g_assert_false(ask(fixture));
	assert_told(fixture, UOTA_INTERRUPTED, "");
	uota_error_clear(&fixture->error);

	fixture->cancels = FALSE;
	g_assert_false(ask(fixture));
	assert_told(fixture, UOTA_INTERRUPTED, "");
}

#define TEST(path, func) g_test_add("/uota/" path, Fixture, NULL, setup, func, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("a-folder-without-a-project-is-none", a_folder_without_a_project_is_none);
	TEST("what-is-cleared-is-empty", what_is_cleared_is_empty);
	TEST("a-board-of-1-0-tells-its-version", a_board_of_1_0_tells_its_version);
	TEST("a-trial-is-told", a_trial_is_told);
	TEST("a-rollback-is-told-with-its-reason", a_rollback_is_told_with_its_reason);
	TEST("a-traceback-is-handed-over", a_traceback_is_handed_over);
	TEST("no-traceback-is-an-empty-text", no_traceback_is_an_empty_text);
	TEST("a-board-that-is-off-is-unreachable", a_board_that_is_off_is_unreachable);
	TEST("a-secret-is-shown-to-1-0-only-where-it-is-allowed",
		a_secret_is_shown_to_1_0_only_where_it_is_allowed);
	TEST("a-push-brings-all-files", a_push_brings_all_files);
	TEST("all-0-is-a-fast-push-to-its-verdict", all_0_is_a_fast_push_to_its_verdict);
	TEST("an-update-that-fails-its-trial-is-a-failure",
		an_update_that_fails_its_trial_is_a_failure);
	TEST("a-refused-push-says-so", a_refused_push_says_so);
	TEST("a-version-that-is-none-is-not-pushed", a_version_that_is_none_is_not_pushed);
	TEST("a-rollback-ends-when-the-board-is-back", a_rollback_ends_when_the_board_is_back);
	TEST("cancel-ends-what-is-done-and-all-that-follows",
		cancel_ends_what_is_done_and_all_that_follows);
	return g_test_run();
}
