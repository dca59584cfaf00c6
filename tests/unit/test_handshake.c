/* How a conversation begins: the password of 1.0, the first line, and what a board of which kind
 * makes of it. */
#include "protocol/session.h"

#include "support/errors.h"
#include "support/memory.h"

/* password */

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
		memory_transport(memory), "s3cret word", MEMORY_TIMEOUT_MS, NULL, &error);
	g_assert_null(session);
	assert_error(error, code, part);
}

static void sends_nothing_without_a_password(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);

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
		memory_transport(memory), "s3cret wörd", MEMORY_TIMEOUT_MS, NULL, &error);
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
	g_autoptr(UotaSession) session = uota_session_open(
		memory_transport(memory), "one\ntwo", MEMORY_TIMEOUT_MS, NULL, &error);

	g_assert_null(session);
	assert_error(error, UOTA_ERROR_FAILED, "line end");
	g_assert_null(strstr(error->message, "two"));
}

/* A board without a password would obey it. */
static void a_password_that_is_a_command_is_never_sent(void)
{
	static const char *const passwords[] = {"wipe", "rm /app/app.py", "reset\tme"};

	for (gsize i = 0; i < G_N_ELEMENTS(passwords); i++) {
		g_autoptr(Memory) memory = memory_new();
		g_autoptr(GError) error = NULL;

		g_assert_null(uota_session_open(
			memory_transport(memory), passwords[i], MEMORY_TIMEOUT_MS, NULL, &error));
		assert_error(error, UOTA_ERROR_FAILED, "choose another");
	}
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
	return uota_session_hello(memory_transport(memory), &proof, MEMORY_TIMEOUT_MS, NULL, error);
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
	g_assert_null(uota_session_hello(
		memory_transport(memory), &proof, MEMORY_TIMEOUT_MS, NULL, &error));
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
	g_test_add_func(
		"/handshake/sends-nothing-without-a-password", sends_nothing_without_a_password);
	g_test_add_func("/handshake/proves-the-password-first", proves_the_password_first);
	g_test_add_func("/handshake/refuses-a-wrong-password", refuses_a_wrong_password);
	g_test_add_func("/handshake/refuses-a-board-without-a-password",
		refuses_a_board_without_a_password);
	g_test_add_func("/handshake/password-answered-by-a-stranger-fails",
		password_answered_by_a_stranger_fails);
	g_test_add_func("/handshake/never-sends-a-password-of-two-lines",
		never_sends_a_password_of_two_lines);
	g_test_add_func("/handshake/a-password-that-is-a-command-is-never-sent",
		a_password_that_is_a_command_is_never_sent);
	g_test_add_func("/handshake/a-secret-is-not-shown-to-1-0", a_secret_is_not_shown_to_1_0);
	g_test_add_func("/handshake/without-a-secret-1-0-is-gone-on-with",
		without_a_secret_1_0_is_gone_on_with);
	g_test_add_func("/handshake/legacy-needs-another-connection-where-there-is-a-password",
		legacy_needs_another_connection_where_there_is_a_password);
	g_test_add_func("/handshake/what-is-no-hello-is-never-a-reason-for-1-0",
		what_is_no_hello_is_never_a_reason_for_1_0);
	g_test_add_func("/handshake/a-board-that-claims-to-have-no-secret-is-refused",
		a_board_that_claims_to_have_no_secret_is_refused);
	g_test_add_func("/handshake/a-fast-hash-is-refused", a_fast_hash_is_refused);
	g_test_add_func("/handshake/a-board-must-prove-itself", a_board_must_prove_itself);
	return g_test_run();
}
