/* A conversation with a board: the password, commands, downloads, and every way to be refused. */
#include "protocol/session.h"

#include <string.h>

#include "core/error.h"
#include "support/memory.h"

#define TIMEOUT_MS 5000
#define KIB 1024

static UotaSession *open_session(Memory *memory)
{
	g_autoptr(GError) error = NULL;
	UotaSession *session =
		uota_session_open(memory_transport(memory), NULL, TIMEOUT_MS, NULL, &error);

	g_assert_no_error(error);
	return session;
}

static void assert_error(const GError *error, int code, const char *part)
{
	g_assert_error(error, UOTA_ERROR, code);
	if (!strstr(error->message, part))
		g_error("\"%s\" is not in \"%s\"", part, error->message);
}

/* Opens with @password a board that answers it with @answer; the error must be @code. */
static void assert_password_fails(const char *answer, int code, const char *part)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaSession) session = NULL;

	memory_expect(memory, "s3cret word\n");
	memory_say(memory, answer);
	memory_close(memory);
	session = uota_session_open(
		memory_transport(memory), "s3cret word", TIMEOUT_MS, NULL, &error);
	g_assert_null(session);
	assert_error(error, code, part);
}

/* Asks for `ping` and gets @answer, in one piece and byte by byte. */
static void assert_command_fails(const char *answer, gsize len, int code, const char *part)
{
	for (gsize chop = 1; chop; chop = chop == 1 ? G_MAXSIZE : 0) {
		g_autoptr(Memory) memory = memory_new();
		g_autoptr(UotaSession) session = open_session(memory);
		g_autoptr(GError) error = NULL;

		memory_chop(memory, chop, chop);
		memory_expect(memory, "ping\n");
		memory_say_bytes(memory, answer, len);
		memory_close(memory);
		g_assert_false(uota_session_command(session, "ping", "pong", &error));
		assert_error(error, code, part);
	}
}

static void assert_answer_fails(const char *answer, int code, const char *part)
{
	assert_command_fails(answer, strlen(answer), code, part);
}

/* password */

static void sends_nothing_without_a_password(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);

	g_assert_nonnull(session);
}

static void proves_the_password_first(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaSession) session = NULL;

	memory_expect(memory, "s3cret wörd\n");
	memory_say(memory, "ok\r\n");
	memory_expect(memory, "ping\n");
	memory_say(memory, "pong\n");
	session = uota_session_open(
		memory_transport(memory), "s3cret wörd", TIMEOUT_MS, NULL, &error);
	g_assert_no_error(error);
	g_assert_true(uota_session_command(session, "ping", "pong", &error));
}

static void refuses_a_wrong_password(void)
{
	assert_password_fails("denied\n", UOTA_ERROR_REFUSED, "wrong password");
}

static void refuses_a_board_without_a_password(void)
{
	assert_password_fails("unknown\n", UOTA_ERROR_REFUSED, "has no password");
}

static void password_answered_by_a_stranger_fails(void)
{
	assert_password_fails("SSH-2.0-OpenSSH_9.2\r\n", UOTA_ERROR_FAILED, "no uota board");
	assert_password_fails("", UOTA_ERROR_CLOSED, "closed");
	assert_password_fails("o", UOTA_ERROR_CLOSED, "closed");
}

static void never_sends_a_password_of_two_lines(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaSession) session =
		uota_session_open(memory_transport(memory), "one\ntwo", TIMEOUT_MS, NULL, &error);

	g_assert_null(session);
	assert_error(error, UOTA_ERROR_FAILED, "line end");
	g_assert_null(strstr(error->message, "two"));
}

/* answers */

static void carries_many_commands(void)
{
	for (gsize chop = 1; chop < 16; chop++) {
		g_autoptr(Memory) memory = memory_new();
		g_autoptr(UotaSession) session = open_session(memory);

		memory_chop(memory, chop, chop);
		for (guint i = 0; i < 3; i++) {
			memory_expect(memory, "ping\n");
			memory_say(memory, "pong\r\n");
		}
		memory_expect(memory, "rm app/old.py\n");
		memory_say(memory, "ok\n");
		for (guint i = 0; i < 3; i++)
			g_assert_true(uota_session_command(session, "ping", "pong", NULL));
		g_assert_true(uota_session_command(session, "rm app/old.py", "ok", NULL));
	}
}

static void unknown_command_is_told_apart(void)
{
	assert_answer_fails("unknown\n", UOTA_ERROR_UNKNOWN, "does not know this command");
}

/* A board without a password would obey it. */
static void a_password_that_is_a_command_is_never_sent(void)
{
	static const char *const passwords[] = {"wipe", "rm /app/app.py", "reset\tme"};

	for (gsize i = 0; i < G_N_ELEMENTS(passwords); i++) {
		g_autoptr(Memory) memory = memory_new();
		g_autoptr(GError) error = NULL;

		g_assert_null(uota_session_open(
			memory_transport(memory), passwords[i], TIMEOUT_MS, NULL, &error));
		assert_error(error, UOTA_ERROR_FAILED, "choose another");
	}
}

static void denied_without_a_password_asks_for_one(void)
{
	assert_answer_fails("denied\n", UOTA_ERROR_REFUSED, "wants a password");
}

static void wrong_signature_is_a_refusal(void)
{
	assert_answer_fails("sig_mismatch\n", UOTA_ERROR_REFUSED, "signature");
}

static void damaged_file_is_named(void)
{
	assert_answer_fails("sha256_mismatch app/my app.py\n", UOTA_ERROR_FAILED,
		"app/my app.py arrived damaged");
}

static void error_of_the_board_is_passed_on(void)
{
	assert_answer_fails("error: no space left\n", UOTA_ERROR_FAILED, "error: no space left");
	assert_answer_fails("error\n", UOTA_ERROR_FAILED, "the board says: error");
}

static void hostile_text_is_made_printable(void)
{
	assert_answer_fails("error: \x1b[2J\xff\n", UOTA_ERROR_FAILED, "error: \\x1b[2J\\xff");
	assert_answer_fails("\x1b]0;owned\x07\n", UOTA_ERROR_FAILED, "\\x1b]0;owned\\x07");
	assert_answer_fails(
		"sha256_mismatch \u202egnp.exe\n", UOTA_ERROR_FAILED, "\\u{202e}gnp.exe");
}

static void another_protocol_is_no_board(void)
{
	assert_answer_fails("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", UOTA_ERROR_FAILED,
		"no uota board: it answered \"HTTP/1.1 400 Bad Request\"");
	assert_answer_fails("\n", UOTA_ERROR_FAILED, "no uota board");
	assert_answer_fails("ponG\n", UOTA_ERROR_FAILED, "no uota board");
	assert_answer_fails("pong \n", UOTA_ERROR_FAILED, "no uota board");
}

static void binary_answer_is_no_board(void)
{
	static const char tls_alert[] = {0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46};

	assert_command_fails(tls_alert, sizeof tls_alert, UOTA_ERROR_FAILED, "binary data");
}

static void over_long_line_is_no_board(void)
{
	g_autofree char *line = g_strnfill(100000, 'x');

	assert_command_fails(line, 9000, UOTA_ERROR_FAILED, "over 8192 bytes");
}

static void long_strange_answer_is_quoted_short(void)
{
	g_autofree char *line = g_strnfill(4000, 'x');
	g_autofree char *answer = g_strconcat(line, "\n", NULL);

	assert_answer_fails(answer, UOTA_ERROR_FAILED, "…");
}

static void closed_connection_is_told_apart(void)
{
	assert_answer_fails("", UOTA_ERROR_CLOSED, "closed the connection");
	assert_answer_fails("pon", UOTA_ERROR_CLOSED, "closed the connection");
	assert_answer_fails("pong", UOTA_ERROR_CLOSED, "closed the connection");
}

static void silence_ends_at_the_deadline(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "ping\n");
	memory_say(memory, "pon");
	memory_silence(memory);
	g_assert_false(uota_session_command(session, "ping", "pong", &error));
	assert_error(error, UOTA_ERROR_UNREACHABLE, "timed out");
	g_assert_cmpuint(memory_patience(memory), <=, TIMEOUT_MS);
	g_assert_cmpuint(memory_patience(memory), >, TIMEOUT_MS - 1000);
}

static void reset_is_a_closed_connection(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "pi");
	memory_reset(memory);
	g_assert_false(uota_session_command(session, "ping", "pong", &error));
	assert_error(error, UOTA_ERROR_CLOSED, "reset");
}

static void cancel(gpointer cancellable)
{
	g_cancellable_cancel(cancellable);
}

static void cancel_ends_the_wait(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaSession) session =
		uota_session_open(memory_transport(memory), NULL, TIMEOUT_MS, cancellable, &error);

	memory_expect(memory, "ping\n");
	memory_call(memory, cancel, cancellable);
	memory_silence(memory);
	g_assert_false(uota_session_command(session, "ping", "pong", &error));
	assert_error(error, UOTA_ERROR_CANCELLED, "interrupted");
}

static void never_sends_a_command_of_two_lines(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	g_assert_false(uota_session_command(session, "rm a\nwipe", "ok", &error));
	assert_error(error, UOTA_ERROR_FAILED, "line end");
	g_clear_error(&error);
	g_assert_false(uota_session_command(session, "rm a\rwipe", "ok", &error));
	assert_error(error, UOTA_ERROR_FAILED, "line end");
}

/* objections */

static void objection_ends_the_sending(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "abc");
	memory_say(memory, "error: no space\n");
	memory_close(memory);
	g_assert_false(uota_session_send(session, "abcdef", 6, &error));
	assert_error(error, UOTA_ERROR_FAILED, "no space");
}

static void objection_counts_more_than_the_reset_behind_it(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "abc");
	memory_say_resetting(memory, "sig_mismatch\n");
	memory_reset(memory);
	g_assert_false(uota_session_send(session, "abcdef", 6, &error));
	assert_error(error, UOTA_ERROR_REFUSED, "signature");
}

static void hanging_up_ends_the_sending(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "abc");
	memory_close(memory);
	g_assert_false(uota_session_send(session, "abcdef", 6, &error));
	assert_error(error, UOTA_ERROR_CLOSED, "closed the connection");
}

/* An objection that came in one piece with the answer before it is in our own buffer, where the
 * transport no longer sees it. */
static void objection_behind_an_answer_is_heard(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "stream_ota 100\n");
	memory_say(memory, "ready\nerror: no space\n");
	g_assert_true(uota_session_command(session, "stream_ota 100", "ready", &error));
	g_assert_false(uota_session_send(session, "OTAS", 4, &error));
	assert_error(error, UOTA_ERROR_FAILED, "no space");
}

static void unasked_answer_does_not_shift_the_next_one(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "rm a\n");
	memory_say(memory, "ok\nok\n");
	g_assert_true(uota_session_command(session, "rm a", "ok", &error));
	g_assert_false(uota_session_command(session, "rm b", "ok", &error));
	assert_error(error, UOTA_ERROR_FAILED, "it answered \"ok\"");
}

/* version */

static UotaStatus *ask_version(const char *answer, GError **error)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);

	memory_expect(memory, "version\n");
	memory_say(memory, answer);
	memory_close(memory);
	return uota_session_status(session, error);
}

static void assert_version(const char *answer, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaStatus) status = ask_version(answer, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(status->version, ==, expected);
	g_assert_null(status->agent);
	g_assert_cmpint(status->state, ==, UOTA_STATE_UNTOLD);
}

static void assert_version_fails(const char *answer, int code, const char *part)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaStatus) status = ask_version(answer, &error);

	g_assert_null(status);
	assert_error(error, code, part);
}

static void version_is_read(void)
{
	assert_version("{\"version\":\"1.2.3\"}\n", "1.2.3");
	assert_version("{\"version\": \"unknown\"}\r\n", "unknown");
	assert_version("{\"time\": 7, \"version\": \"ä\"}\n", "ä");
}

static void strange_version_is_refused(void)
{
	assert_version_fails("{\"version\":1}\n", UOTA_ERROR_FAILED, "no uota board");
	assert_version_fails("{}\n", UOTA_ERROR_FAILED, "no uota board");
	assert_version_fails("[]\n", UOTA_ERROR_FAILED, "no uota board");
	assert_version_fails("1.2.3\n", UOTA_ERROR_FAILED, "no uota board");
	assert_version_fails("{\"version\":\"1\",\"version\":\"2\"}\n", UOTA_ERROR_FAILED, "");
	assert_version_fails("unknown\n", UOTA_ERROR_UNKNOWN, "");
	assert_version_fails("denied\n", UOTA_ERROR_REFUSED, "password");
	assert_version_fails("", UOTA_ERROR_CLOSED, "closed");
}

/* ls */

static GPtrArray *list(const char *answer, gsize chop, GError **error)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);

	memory_chop(memory, chop, G_MAXSIZE);
	memory_expect(memory, "ls /app\n");
	memory_say(memory, answer);
	memory_close(memory);
	return uota_session_ls(session, "/app", error);
}

static void assert_entries(const char *answer, const char *const *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) entries = list(answer, 3, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(entries->len, ==, g_strv_length((char **)expected));
	for (guint i = 0; i < entries->len; i++)
		g_assert_cmpstr(g_ptr_array_index(entries, i), ==, expected[i]);
}

static void folder_is_listed(void)
{
	assert_entries("app.py\nlib/\n\n", (const char *[]){"app.py", "lib/", NULL});
	assert_entries("app.py\r\nlib/\r\n\r\n", (const char *[]){"app.py", "lib/", NULL});
}

static void empty_folder_is_empty(void)
{
	assert_entries("\n", (const char *[]){NULL});
}

/* What goes to a terminal is made printable there; here the bytes are the board's. */
static void hostile_entries_are_kept_as_they_are(void)
{
	assert_entries("\x1b[2J\n../../etc/passwd\n\xff\nerror: in the middle\n\n",
		(const char *[]){
			"\x1b[2J", "../../etc/passwd", "\xff", "error: in the middle", NULL});
}

static void assert_list_fails(const char *answer, int code, const char *part)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) entries = list(answer, 1000, &error);

	g_assert_null(entries);
	assert_error(error, code, part);
}

static void missing_folder_is_an_error(void)
{
	assert_list_fails("error: [Errno 2] ENOENT\n", UOTA_ERROR_FAILED, "ENOENT");
	assert_list_fails("denied\n", UOTA_ERROR_REFUSED, "password");
	assert_list_fails("unknown\n", UOTA_ERROR_UNKNOWN, "");
}

static void cut_list_is_an_error(void)
{
	assert_list_fails("app.py\nlib/\n", UOTA_ERROR_CLOSED, "closed");
	assert_list_fails("", UOTA_ERROR_CLOSED, "closed");
}

static void assert_gives_up(const char *entry, guint count)
{
	g_autoptr(GString) endless = g_string_new(NULL);

	for (guint i = 0; i < count; i++)
		g_string_append_printf(endless, "%s\n", entry);
	assert_list_fails(endless->str, UOTA_ERROR_FAILED, "gave up");
}

/* Neither many entries nor long ones: a folder of a board is a few KiB. */
static void endless_list_is_given_up(void)
{
	g_autofree char *long_entry = g_strnfill(4000, 'x');

	assert_gives_up("x", 600000);
	assert_gives_up(long_entry, 5000);
}

/* get */

/* A file of @size bytes, none of which is like its neighbours. Returns: (transfer full) */
static guint8 *make_file(gsize size)
{
	guint8 *data = g_malloc(size + 1);

	for (gsize i = 0; i < size; i++)
		data[i] = (guint8)(i * 7 + i / 251);
	return data;
}

static void assert_download(gsize size, gsize chop)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(GByteArray) answer = g_byte_array_new();
	g_autofree guint8 *data = make_file(size);
	g_autofree char *header = g_strdup_printf("%" G_GSIZE_FORMAT "\r\n", size);

	memory_chop(memory, chop, G_MAXSIZE);
	memory_expect(memory, "get /data/log\n");
	g_byte_array_append(answer, (const guint8 *)header, (guint)strlen(header));
	g_byte_array_append(answer, data, (guint)size);
	memory_say_bytes(memory, answer->data, answer->len);
	memory_expect(memory, "ping\n");
	memory_say(memory, "pong\n");
	bytes = uota_session_get_bytes(session, "/data/log", size, &error);
	g_assert_no_error(error);
	g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), data, size);
	g_assert_true(uota_session_command(session, "ping", "pong", &error));
}

static void file_of_any_size_is_downloaded(void)
{
	static const gsize sizes[] = {
		0, 1, 2047, 2048, 2049, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 200001};

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		assert_download(sizes[i], 1000);
		assert_download(sizes[i], G_MAXSIZE);
	}
	assert_download(300, 1);
}

static void assert_get_fails(const char *answer, gsize max, int code, const char *part)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = NULL;

	memory_expect(memory, "get x\n");
	memory_say(memory, answer);
	memory_close(memory);
	bytes = uota_session_get_bytes(session, "x", max, &error);
	g_assert_null(bytes);
	assert_error(error, code, part);
}

static void huge_file_that_never_comes_is_an_error(void)
{
	assert_get_fails("4294967295\n", 100, UOTA_ERROR_CLOSED, "closed");
	assert_get_fails("4294967295\nabc", 100, UOTA_ERROR_CLOSED, "closed");
	assert_get_fails("4\nabc", 100, UOTA_ERROR_CLOSED, "closed");
}

static void file_over_the_limit_is_refused(void)
{
	assert_get_fails("4\nabcd", 3, UOTA_ERROR_FAILED, "more than 3 bytes");
}

static void size_that_is_none_is_refused(void)
{
	assert_get_fails("4294967296\n", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("-1\n", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("+1\na", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails(" 1\na", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("0x10\na", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("1 \na", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("\n", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("99999999999999999999999\n", 100, UOTA_ERROR_FAILED, "no uota board");
}

static void missing_file_is_an_error(void)
{
	assert_get_fails("error\n", 100, UOTA_ERROR_FAILED, "no such file");
	assert_get_fails("error: [Errno 2] ENOENT\n", 100, UOTA_ERROR_FAILED, "ENOENT");
	assert_get_fails("denied\n", 100, UOTA_ERROR_REFUSED, "password");
	assert_get_fails("unknown\n", 100, UOTA_ERROR_UNKNOWN, "");
}

static gboolean full_disk(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "disk full");
	return FALSE;
}

static void error_of_the_sink_ends_the_download(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "get x\n");
	memory_say(memory, "3\nabc");
	g_assert_false(uota_session_get(session, "x", full_disk, NULL, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
}

#define TEST(path, func) g_test_add_func("/session/" path, func)

static void add_opening(void)
{
	TEST("sends-nothing-without-a-password", sends_nothing_without_a_password);
	TEST("proves-the-password-first", proves_the_password_first);
	TEST("refuses-a-wrong-password", refuses_a_wrong_password);
	TEST("refuses-a-board-without-a-password", refuses_a_board_without_a_password);
	TEST("password-answered-by-a-stranger-fails", password_answered_by_a_stranger_fails);
	TEST("never-sends-a-password-of-two-lines", never_sends_a_password_of_two_lines);
}

static void add_answers(void)
{
	TEST("carries-many-commands", carries_many_commands);
	TEST("unknown-command-is-told-apart", unknown_command_is_told_apart);
	TEST("a-password-that-is-a-command-is-never-sent",
		a_password_that_is_a_command_is_never_sent);
	TEST("denied-without-a-password-asks-for-one", denied_without_a_password_asks_for_one);
	TEST("wrong-signature-is-a-refusal", wrong_signature_is_a_refusal);
	TEST("damaged-file-is-named", damaged_file_is_named);
	TEST("error-of-the-board-is-passed-on", error_of_the_board_is_passed_on);
	TEST("hostile-text-is-made-printable", hostile_text_is_made_printable);
	TEST("another-protocol-is-no-board", another_protocol_is_no_board);
	TEST("binary-answer-is-no-board", binary_answer_is_no_board);
	TEST("over-long-line-is-no-board", over_long_line_is_no_board);
	TEST("long-strange-answer-is-quoted-short", long_strange_answer_is_quoted_short);
	TEST("closed-connection-is-told-apart", closed_connection_is_told_apart);
	TEST("silence-ends-at-the-deadline", silence_ends_at_the_deadline);
	TEST("reset-is-a-closed-connection", reset_is_a_closed_connection);
	TEST("cancel-ends-the-wait", cancel_ends_the_wait);
	TEST("never-sends-a-command-of-two-lines", never_sends_a_command_of_two_lines);
}

static void add_objections(void)
{
	TEST("objection-ends-the-sending", objection_ends_the_sending);
	TEST("objection-counts-more-than-the-reset-behind-it",
		objection_counts_more_than_the_reset_behind_it);
	TEST("hanging-up-ends-the-sending", hanging_up_ends_the_sending);
	TEST("objection-behind-an-answer-is-heard", objection_behind_an_answer_is_heard);
	TEST("unasked-answer-does-not-shift-the-next-one",
		unasked_answer_does_not_shift_the_next_one);
}

static void add_reading(void)
{
	TEST("version-is-read", version_is_read);
	TEST("strange-version-is-refused", strange_version_is_refused);
	TEST("folder-is-listed", folder_is_listed);
	TEST("empty-folder-is-empty", empty_folder_is_empty);
	TEST("hostile-entries-are-kept-as-they-are", hostile_entries_are_kept_as_they_are);
	TEST("missing-folder-is-an-error", missing_folder_is_an_error);
	TEST("cut-list-is-an-error", cut_list_is_an_error);
	TEST("endless-list-is-given-up", endless_list_is_given_up);
	TEST("file-of-any-size-is-downloaded", file_of_any_size_is_downloaded);
	TEST("huge-file-that-never-comes-is-an-error", huge_file_that_never_comes_is_an_error);
	TEST("file-over-the-limit-is-refused", file_over_the_limit_is_refused);
	TEST("size-that-is-none-is-refused", size_that_is_none_is_refused);
	TEST("missing-file-is-an-error", missing_file_is_an_error);
	TEST("error-of-the-sink-ends-the-download", error_of_the_sink_ends_the_download);
}

/* the first line, and what a board of which kind makes of it */

typedef struct {
	const char *password, *key;
	gboolean legacy, only2;
} Host;

/* A board answers our hello with @answer, and then takes no more. */
static UotaSession *greet(Memory *memory, const Host *host, const char *answer, GError **error)
{
	UotaProof proof = {
		.credentials = {host->password, host->key},
		.legacy = host->legacy,
		.only2 = host->only2,
	};

	memory_expect_hello(memory);
	memory_say(memory, answer);
	memory_close(memory);
	return uota_session_hello(memory_transport(memory), &proof, TIMEOUT_MS, NULL, error);
}

static void assert_greeting_fails(const Host *host, const char *answer, int code, const char *part)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;

	g_assert_null(greet(memory, host, answer, &error));
	assert_error(error, code, part);
}

static void a_secret_is_not_shown_to_1_0(void)
{
	static const Host hosts[] = {{"secret", NULL, FALSE, FALSE}, {NULL, "key", FALSE, FALSE},
		{"secret", "key", FALSE, TRUE}, {NULL, NULL, FALSE, TRUE}};

	for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
		assert_greeting_fails(&hosts[i], "unknown\n", UOTA_ERROR_REFUSED, "--legacy");
		assert_greeting_fails(&hosts[i], "denied\n", UOTA_ERROR_REFUSED, "--legacy");
	}
}

static void without_a_secret_1_0_is_gone_on_with(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;
	Host host = {NULL, NULL, FALSE, FALSE};
	g_autoptr(UotaSession) session = greet(memory, &host, "unknown\n", &error);

	g_assert_no_error(error);
	g_assert_null(uota_session_channel(session));
	assert_greeting_fails(&host, "denied\n", UOTA_ERROR_REFUSED, "wants a password");
}

static void legacy_needs_another_connection_where_there_is_a_password(void)
{
	Host host = {"secret", NULL, TRUE, TRUE};

	assert_greeting_fails(&host, "denied\n", UOTA_ERROR_LEGACY, "");
}

static void what_is_no_hello_is_never_a_reason_for_1_0(void)
{
	Host host = {NULL, NULL, TRUE, FALSE};

	assert_greeting_fails(&host, "", UOTA_ERROR_CLOSED, "closed");
	assert_greeting_fails(&host, "ok\n", UOTA_ERROR_FAILED, "no uota board");
	assert_greeting_fails(&host, "hello 1\n", UOTA_ERROR_FAILED, "no uota board");
	assert_greeting_fails(&host, "Unknown\n", UOTA_ERROR_FAILED, "no uota board");
	assert_greeting_fails(
		&host, "error: config/ota.json is broken\n", UOTA_ERROR_FAILED, "is broken");
}

#define HELLO(auth)                                                                                \
	"hello 2 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf auth=" auth " cipher=aes128-cbc name=x\n"

static void a_board_that_claims_to_have_no_secret_is_refused(void)
{
	Host host = {"secret", NULL, TRUE, FALSE};

	assert_greeting_fails(&host, HELLO("none"), UOTA_ERROR_REFUSED, "no secret");
}

/* It never gets a proof with a hash that is guessed fast. */
static void a_fast_hash_is_refused(void)
{
	Host host = {"secret", NULL, FALSE, FALSE};

	assert_greeting_fails(&host, HELLO("sha256"), UOTA_ERROR_REFUSED, "fast hash");
}

static void assert_proof_fails(const char *answer, int code, const char *part)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;
	UotaProof proof = {.credentials = {NULL, "key"}};

	memory_expect_hello(memory);
	memory_say(memory, HELLO("key"));
	memory_expect_any(memory, strlen("proof 0 \n") + UOTA_SHA256_HEX_SIZE);
	memory_say(memory, answer);
	memory_close(memory);
	g_assert_null(
		uota_session_hello(memory_transport(memory), &proof, TIMEOUT_MS, NULL, &error));
	assert_error(error, code, part);
}

static void a_board_must_prove_itself(void)
{
	g_autofree char *zeros = g_strnfill(UOTA_SHA256_HEX_SIZE, '0');
	g_autofree char *wrong = g_strconcat("proof ", zeros, "\n", NULL);

	assert_proof_fails(wrong, UOTA_ERROR_REFUSED, "not your board");
	assert_proof_fails("denied\n", UOTA_ERROR_REFUSED, "wrong");
	assert_proof_fails("ok\n", UOTA_ERROR_FAILED, "no uota board");
	assert_proof_fails("", UOTA_ERROR_CLOSED, "closed");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_opening();
	add_answers();
	add_objections();
	add_reading();
	g_test_add_func("/session/a-secret-is-not-shown-to-1-0", a_secret_is_not_shown_to_1_0);
	g_test_add_func("/session/without-a-secret-1-0-is-gone-on-with",
		without_a_secret_1_0_is_gone_on_with);
	g_test_add_func("/session/legacy-needs-another-connection-where-there-is-a-password",
		legacy_needs_another_connection_where_there_is_a_password);
	g_test_add_func("/session/what-is-no-hello-is-never-a-reason-for-1-0",
		what_is_no_hello_is_never_a_reason_for_1_0);
	g_test_add_func("/session/a-board-that-claims-to-have-no-secret-is-refused",
		a_board_that_claims_to_have_no_secret_is_refused);
	g_test_add_func("/session/a-fast-hash-is-refused", a_fast_hash_is_refused);
	g_test_add_func("/session/a-board-must-prove-itself", a_board_must_prove_itself);
	return g_test_run();
}
