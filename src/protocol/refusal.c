/* What a board says instead of the hoped-for answer. */
#include "protocol/refusal.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"

#define QUOTE_MAX 80    /* bytes of a strange answer that a message quotes */
#define ERROR_MAX 240   /* bytes of an `error: …`, which has something to say */
#define REFUSAL_MAX 400 /* bytes of a refusal, which says why and what to do */
#define REFUSED "error: refused: "

/* What an answer that begins with `error` is to whoever branches on it. */
static UotaError error_code(const char *line)
{
	if (g_str_has_prefix(line, "error: busy"))
		return UOTA_ERROR_BUSY;
	if (g_str_has_prefix(line, "error: restarting"))
		return UOTA_ERROR_RESTARTING;
	return UOTA_ERROR_FAILED;
}

/* What would overrule a refusal, where it does not say so itself. */
static const char *cure(const char *reason)
{
	if (strstr(reason, "--"))
		return "";
	if (strstr(reason, "failed"))
		return ": --force installs it all the same";
	if (strstr(reason, "older") || strstr(reason, "lower"))
		return ": --allow-downgrade installs it all the same";
	return "";
}

static void refuse_for_good(const char *reason, GError **error)
{
	g_autofree char *quote = uota_text_printable(reason, REFUSAL_MAX);

	g_set_error(error, UOTA_ERROR, UOTA_ERROR_REFUSED, "the board refused: %s%s", quote,
		cure(reason));
}

static void report_error(const char *line, GError **error)
{
	g_autofree char *quote = uota_text_printable(line, ERROR_MAX);

	if (g_str_has_prefix(line, REFUSED))
		refuse_for_good(line + strlen(REFUSED), error);
	else
		g_set_error(error, UOTA_ERROR, error_code(line), "the board says: %s", quote);
}

void uota_refusal(const char *line, gboolean password, GError **error)
{
	g_autofree char *quote = uota_text_printable(line, QUOTE_MAX);

	if (strcmp(line, "unknown") == 0)
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNKNOWN,
			"the board does not know this command");
	else if (strcmp(line, "denied") == 0)
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_REFUSED,
			password ? "wrong password: check otaPassword in config/.ota.secrets.json"
				 : "the board wants a password: put it into "
				   "config/.ota.secrets.json as \"otaPassword\"");
	else if (strcmp(line, "sig_mismatch") == 0)
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_REFUSED,
			"the board refused the signature: check that signingKey in "
			"config/.ota.secrets.json is the board's");
	else if (g_str_has_prefix(line, "sha256_mismatch "))
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"%s arrived damaged or changed while it was sent: push again",
			quote + strlen("sha256_mismatch "));
	else if (g_str_has_prefix(line, "error"))
		report_error(line, error);
	else
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"this is no uota board: it answered \"%s\"", quote);
}

void uota_refusal_of_commit(GError *cause, GError **error)
{
	g_autoptr(GError) owned = cause;

	if (g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_CLOSED) ||
		g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNREACHABLE))
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_UNANSWERED,
			"all was sent, but no answer came: %s", cause->message);
	else
		g_propagate_error(error, g_steal_pointer(&owned));
}
