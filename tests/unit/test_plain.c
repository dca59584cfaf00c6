/* Lines over a transport, under a session: answers, objections, and every way to be refused. */
#include "protocol/session.h"

#include "support/errors.h"
#include "support/memory.h"

/* Asks for `ping` and gets @answer, in one piece and byte by byte. */
static void assert_command_fails(const char *answer, gsize len, int code, const char *part)
{
	for (gsize chop = 1; chop; chop = chop == 1 ? G_MAXSIZE : 0) {
		g_autoptr(Memory) memory = memory_new();
		g_autoptr(UotaSession) session = memory_session(memory, NULL);
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

/* answers */

static void carries_many_commands(void)
{
	for (gsize chop = 1; chop < 16; chop++) {
		g_autoptr(Memory) memory = memory_new();
		g_autoptr(UotaSession) session = memory_session(memory, NULL);

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
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "ping\n");
	memory_say(memory, "pon");
	memory_silence(memory);
	g_assert_false(uota_session_command(session, "ping", "pong", &error));
	assert_error(error, UOTA_ERROR_UNREACHABLE, "timed out");
	g_assert_cmpuint(memory_patience(memory), <=, MEMORY_TIMEOUT_MS);
	g_assert_cmpuint(memory_patience(memory), >, MEMORY_TIMEOUT_MS - 1000);
}

static void reset_is_a_closed_connection(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
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
	g_autoptr(UotaSession) session = memory_session(memory, cancellable);

	memory_expect(memory, "ping\n");
	memory_call(memory, cancel, cancellable);
	memory_silence(memory);
	g_assert_false(uota_session_command(session, "ping", "pong", &error));
	assert_error(error, UOTA_ERROR_CANCELLED, "interrupted");
}

static void never_sends_a_command_of_two_lines(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
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
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
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
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
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
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
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
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
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
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "rm a\n");
	memory_say(memory, "ok\nok\n");
	g_assert_true(uota_session_command(session, "rm a", "ok", &error));
	g_assert_false(uota_session_command(session, "rm b", "ok", &error));
	assert_error(error, UOTA_ERROR_FAILED, "it answered \"ok\"");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plain/carries-many-commands", carries_many_commands);
	g_test_add_func("/plain/unknown-command-is-told-apart", unknown_command_is_told_apart);
	g_test_add_func("/plain/denied-without-a-password-asks-for-one",
		denied_without_a_password_asks_for_one);
	g_test_add_func("/plain/wrong-signature-is-a-refusal", wrong_signature_is_a_refusal);
	g_test_add_func("/plain/damaged-file-is-named", damaged_file_is_named);
	g_test_add_func("/plain/error-of-the-board-is-passed-on", error_of_the_board_is_passed_on);
	g_test_add_func("/plain/hostile-text-is-made-printable", hostile_text_is_made_printable);
	g_test_add_func("/plain/another-protocol-is-no-board", another_protocol_is_no_board);
	g_test_add_func("/plain/binary-answer-is-no-board", binary_answer_is_no_board);
	g_test_add_func("/plain/over-long-line-is-no-board", over_long_line_is_no_board);
	g_test_add_func(
		"/plain/long-strange-answer-is-quoted-short", long_strange_answer_is_quoted_short);
	g_test_add_func("/plain/closed-connection-is-told-apart", closed_connection_is_told_apart);
	g_test_add_func("/plain/silence-ends-at-the-deadline", silence_ends_at_the_deadline);
	g_test_add_func("/plain/reset-is-a-closed-connection", reset_is_a_closed_connection);
	g_test_add_func("/plain/cancel-ends-the-wait", cancel_ends_the_wait);
	g_test_add_func(
		"/plain/never-sends-a-command-of-two-lines", never_sends_a_command_of_two_lines);
	g_test_add_func("/plain/objection-ends-the-sending", objection_ends_the_sending);
	g_test_add_func("/plain/objection-counts-more-than-the-reset-behind-it",
		objection_counts_more_than_the_reset_behind_it);
	g_test_add_func("/plain/hanging-up-ends-the-sending", hanging_up_ends_the_sending);
	g_test_add_func(
		"/plain/objection-behind-an-answer-is-heard", objection_behind_an_answer_is_heard);
	g_test_add_func("/plain/unasked-answer-does-not-shift-the-next-one",
		unasked_answer_does_not_shift_the_next_one);
	return g_test_run();
}
