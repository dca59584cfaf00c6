/* How a conversation with a board begins. */
#include "protocol/handshake.h"

#include <string.h>

#include "core/error.h"

static gboolean fail(GError **error, UotaError code, const char *why)
{
	g_set_error_literal(error, UOTA_ERROR, code, why);
	return FALSE;
}

/* A board without a password would obey it, and there `wipe` is no word to try. */
static gboolean is_command(const char *password)
{
	static const char *const commands[] = {"ping", "version", "ls", "get", "rm", "reset",
		"wipe", "start_ota", "stream_ota", "crash", "rollback", "safe_mode", NULL};
	g_auto(GStrv) words = g_strsplit_set(password, " \t", 2);

	return words[0] && g_strv_contains(commands, words[0]);
}

gboolean uota_handshake_in_1(UotaPlain *plain, const char *password, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (is_command(password)) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"the OTA password begins with a command of the protocol, which a board "
			"without a password would obey: choose another one");
		return FALSE;
	}
	uota_plain_show(plain);
	if (uota_plain_send_line(plain, password, &cause) && uota_plain_expect(plain, "ok", &cause))
		return TRUE;
	if (g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNKNOWN))
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_REFUSED,
			"the board has no password, but the project has one: this is not the "
			"board it should be, or it was never given its configuration over the "
			"cable");
	else
		g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

/* The board knows no hello. FALSE: this connection, or this board, is of no use. */
static gboolean go_on_in_1(
	UotaPlain *plain, const UotaProof *proof, const char *line, GError **error)
{
	gboolean denied = strcmp(line, "denied") == 0;

	if (!proof->legacy && (proof->only2 || uota_credentials_any(&proof->credentials)))
		return fail(error, UOTA_ERROR_REFUSED,
			"what answers speaks protocol 1.0 only, which shows the password and all "
			"files to who listens: if it is your board, --legacy does it all the same");
	if (denied && !proof->credentials.password)
		return fail(error, UOTA_ERROR_REFUSED,
			"the board wants a password: put it into config/.ota.secrets.json as "
			"\"otaPassword\"");
	if (denied)
		return fail(error, UOTA_ERROR_LEGACY, "the board speaks protocol 1.0");
	return !proof->credentials.password ||
	       uota_handshake_in_1(plain, proof->credentials.password, error);
}

/* Derives the keys, shows our proof, checks the board's. @line: ours, as it was sent. */
static gboolean prove(UotaPlain *plain, const UotaProof *proof, const char *line,
	const UotaHello *hello, UotaMethod *method, UotaKeys *keys, GError **error)
{
	guint8 secret[UOTA_SECRET_SIZE];
	g_autofree char *ours = NULL;
	g_autofree char *theirs = NULL;
	g_autofree char *with_end = NULL;
	guint index = proof->old && hello->methods[1] ? 1 : 0;

	if (!uota_method_parse(hello->methods[index], method, error) ||
		!uota_credentials_secret(&proof->credentials, method, proof->legacy, secret, error))
		return FALSE;
	uota_keys_derive(keys, secret, line, hello->line);
	uota_wipe(secret, sizeof secret);
	ours = uota_proof_line(keys, index);
	if (!uota_plain_send(plain, ours, strlen(ours), error))
		return FALSE;
	theirs = uota_plain_line(plain, error);
	if (!theirs)
		return FALSE;
	with_end = g_strconcat(theirs, "\n", NULL);
	if (uota_proof_check(keys, with_end))
		return TRUE;
	if (!g_str_has_prefix(theirs, "proof "))
		uota_plain_refuse(plain, theirs, error);
	else
		(void)fail(error, UOTA_ERROR_REFUSED,
			"what answers does not know the project's secret: it is not your board");
	return FALSE;
}

static UotaChannel *open_channel(UotaPlain *plain, const UotaKeys *keys, gboolean encrypted)
{
	UotaOpener *opener = uota_opener_new(
		keys->board_mac, encrypted ? keys->board_aes : NULL, UOTA_RECORD_BOARD_MAX);
	UotaSealer *sealer = uota_sealer_new(keys->host_mac, encrypted ? keys->host_aes : NULL);

	return uota_plain_channel(plain, opener, sealer);
}

static gboolean go_on_in_2(UotaPlain *plain, const UotaProof *proof, const char *line,
	const char *answer, UotaAgreed *agreed, GError **error)
{
	g_autofree char *with_end = g_strconcat(answer, "\n", NULL);
	g_autoptr(UotaHello) hello = uota_hello_parse(with_end, error);
	g_auto(UotaKeys) keys = {0};

	if (!hello || !prove(plain, proof, line, hello, &agreed->method, &keys, error))
		return FALSE;
	agreed->encrypted = hello->encrypted;
	agreed->channel = open_channel(plain, &keys, agreed->encrypted);
	return TRUE;
}

gboolean uota_handshake(
	UotaPlain *plain, const UotaProof *proof, UotaAgreed *agreed, GError **error)
{
	g_autofree char *line = uota_hello_make(error);
	g_autofree char *answer = NULL;

	*agreed = (UotaAgreed){0};
	if (!line || !uota_plain_send(plain, line, strlen(line), error))
		return FALSE;
	if (uota_credentials_any(&proof->credentials))
		uota_plain_show(plain);
	answer = uota_plain_line(plain, error);
	if (!answer)
		return FALSE;
	if (g_str_has_prefix(answer, "hello "))
		return go_on_in_2(plain, proof, line, answer, agreed, error);
	if (strcmp(answer, "unknown") == 0 || strcmp(answer, "denied") == 0)
		return go_on_in_1(plain, proof, answer, error);
	uota_plain_refuse(plain, answer, error);
	return FALSE;
}
