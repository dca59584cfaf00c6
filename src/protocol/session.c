/* A conversation with a board in protocol 1.0. */
#include "protocol/session.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"
#include "protocol/line.h"

#define LISTING_MAX (1024 * 1024) /* bytes of one folder's listing that are taken */
#define QUOTE_MAX 80              /* bytes of a strange answer that a message quotes */
#define ERROR_MAX 240             /* bytes of an `error: …`, which has something to say */
#define REFUSAL_MAX 400           /* bytes of a refusal, which says why and what to do */
#define REFUSED "error: refused: "
#define CHUNK 65536

struct UotaSession {
	UotaTransport *transport;
	GCancellable *cancellable;
	guint timeout_ms;
	gboolean password; /* one was asked for and accepted */
	UotaLines lines;
};

/* Reads once what the board has sent into @buf. Returns the bytes, at least 1; 0 on error. */
static gsize receive(
	UotaSession *session, void *buf, gsize len, UotaDeadline deadline, GError **error)
{
	gssize n = uota_transport_read(
		session->transport, buf, len, deadline, session->cancellable, error);

	if (n == 0)
		g_set_error_literal(
			error, UOTA_ERROR, UOTA_ERROR_CLOSED, "the board closed the connection");
	return n > 0 ? (gsize)n : 0;
}

/* The whole line has one deadline: a byte now and then buys no time. */
static char *read_line(UotaSession *session, GError **error)
{
	UotaDeadline deadline = uota_deadline(session->timeout_ms);

	for (;;) {
		guint8 buf[2048];
		char *line;
		gsize n;

		if (!uota_lines_next(&session->lines, &line, error))
			return NULL;
		if (line)
			return line;
		n = receive(session, buf, sizeof buf, deadline, error);
		if (!n)
			return NULL;
		uota_lines_feed(&session->lines, buf, n);
	}
}

/* What an answer that begins with `error` is to whoever branches on it. */
static UotaError error_code(const char *line)
{
	if (g_str_has_prefix(line, "error: busy"))
		return UOTA_ERROR_BUSY;
	if (g_str_has_prefix(line, "error: restarting"))
		return UOTA_ERROR_RESTARTING;
	return UOTA_ERROR_FAILED;
}

/* The board remembers that this very update has failed on it. */
static void refuse_for_good(const char *reason, GError **error)
{
	g_autofree char *quote = uota_text_printable(reason, REFUSAL_MAX);

	g_set_error(error, UOTA_ERROR, UOTA_ERROR_REFUSED, "the board refused: %s%s", quote,
		strstr(reason, "--force") ? "" : ": --force installs it all the same");
}

static void report_error(const char *line, GError **error)
{
	g_autofree char *quote = uota_text_printable(line, ERROR_MAX);

	if (g_str_has_prefix(line, REFUSED))
		refuse_for_good(line + strlen(REFUSED), error);
	else
		g_set_error(error, UOTA_ERROR, error_code(line), "the board says: %s", quote);
}

/* Puts what the answer @line means, where it is not the hoped-for one, into @error. */
static void refuse(UotaSession *session, const char *line, GError **error)
{
	g_autofree char *quote = uota_text_printable(line, QUOTE_MAX);

	if (strcmp(line, "unknown") == 0)
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNKNOWN,
			"the board does not know this command");
	else if (strcmp(line, "denied") == 0)
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_REFUSED,
			session->password
				? "wrong password: check otaPassword in config/.ota.secrets.json"
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

gboolean uota_session_expect(UotaSession *session, const char *expected, GError **error)
{
	g_autofree char *line = read_line(session, error);

	if (!line)
		return FALSE;
	if (strcmp(line, expected) == 0)
		return TRUE;
	refuse(session, line, error);
	return FALSE;
}

/* The board spoke, or went, while it should have listened. What it said counts more than how
 * the sending failed. */
static gboolean objection(UotaSession *session, GError *cause, GError **error)
{
	g_autoptr(GError) owned = cause;
	g_autoptr(GError) silent = NULL;
	g_autofree char *line = read_line(session, &silent);

	if (line)
		refuse(session, line, error);
	else if (owned)
		g_propagate_error(error, g_steal_pointer(&owned));
	else
		g_propagate_error(error, g_steal_pointer(&silent));
	return FALSE;
}

gboolean uota_session_send(UotaSession *session, const void *data, gsize len, GError **error)
{
	const guint8 *at = data;

	/* It may have come in one piece with the answer before; the transport has it no more. */
	if (!uota_lines_empty(&session->lines))
		return objection(session, NULL, error);
	while (len) {
		g_autoptr(GError) cause = NULL;
		gssize n = uota_transport_write(session->transport, at, len,
			uota_deadline(session->timeout_ms), session->cancellable, &cause);

		if (n == 0 || g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_CLOSED))
			return objection(session, g_steal_pointer(&cause), error);
		if (n < 0) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		at += n;
		len -= (gsize)n;
	}
	return TRUE;
}

static gboolean send_line(UotaSession *session, const char *line, GError **error)
{
	g_autofree char *with_end = NULL;

	if (strpbrk(line, "\r\n")) {
		g_set_error_literal(
			error, UOTA_ERROR, UOTA_ERROR_FAILED, "a command cannot hold a line end");
		return FALSE;
	}
	with_end = g_strconcat(line, "\n", NULL);
	return uota_session_send(session, with_end, strlen(with_end), error);
}

gboolean uota_session_command(
	UotaSession *session, const char *command, const char *expected, GError **error)
{
	return send_line(session, command, error) && uota_session_expect(session, expected, error);
}

/* Sends @command and returns whatever line it is answered with. */
static char *ask(UotaSession *session, const char *command, GError **error)
{
	return send_line(session, command, error) ? read_line(session, error) : NULL;
}

/* A board without a password would obey it, and there `wipe` is no word to try. */
static gboolean is_command(const char *password)
{
	static const char *const commands[] = {"ping", "version", "ls", "get", "rm", "reset",
		"wipe", "start_ota", "stream_ota", "crash", "rollback", "safe_mode", NULL};
	g_auto(GStrv) words = g_strsplit_set(password, " \t", 2);

	return words[0] && g_strv_contains(commands, words[0]);
}

static gboolean authenticate(UotaSession *session, const char *password, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (is_command(password)) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"the OTA password begins with a command of the protocol, which a board "
			"without a password would obey: choose another one");
		return FALSE;
	}
	session->password = TRUE;
	if (uota_session_command(session, password, "ok", &cause))
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

UotaSession *uota_session_open(UotaTransport *transport, const char *password, guint timeout_ms,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(UotaSession) session = g_new0(UotaSession, 1);

	session->transport = transport;
	session->timeout_ms = timeout_ms;
	session->cancellable = cancellable ? g_object_ref(cancellable) : NULL;
	uota_lines_init(&session->lines);
	if (password && !authenticate(session, password, error))
		return NULL;
	return g_steal_pointer(&session);
}

void uota_session_free(UotaSession *session)
{
	if (!session)
		return;
	uota_transport_free(session->transport);
	g_clear_object(&session->cancellable);
	uota_lines_clear(&session->lines);
	g_free(session);
}

UotaStatus *uota_session_status(UotaSession *session, GError **error)
{
	g_autofree char *line = ask(session, "version", error);
	UotaStatus *status = line ? uota_status_parse(line) : NULL;

	if (line && !status)
		refuse(session, line, error);
	return status;
}

UotaCrash *uota_session_crash(UotaSession *session, GError **error)
{
	g_autofree char *line = ask(session, "crash", error);
	UotaCrash *crash = line ? uota_crash_parse(line) : NULL;

	if (line && !crash)
		refuse(session, line, error);
	return crash;
}

GPtrArray *uota_session_ls(UotaSession *session, const char *path, GError **error)
{
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *command = g_strconcat("ls ", path, NULL);
	gsize size = 0;

	if (!send_line(session, command, error))
		return NULL;
	while (size <= LISTING_MAX) {
		g_autofree char *line = read_line(session, error);

		if (!line)
			return NULL;
		if (*line == '\0')
			return g_steal_pointer(&entries);
		/* An entry of this name would look the same; the empty line tells them apart. */
		if (entries->len == 0 &&
			(g_str_has_prefix(line, "error: ") || strcmp(line, "denied") == 0 ||
				strcmp(line, "unknown") == 0)) {
			refuse(session, line, error);
			return NULL;
		}
		size += strlen(line) + 1;
		g_ptr_array_add(entries, g_steal_pointer(&line));
	}
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"the board lists more than %d bytes of names: gave up", LISTING_MAX);
	return NULL;
}

/* Reads the line that opens a download: its size in bytes. */
static gboolean read_size(UotaSession *session, guint64 *size, GError **error)
{
	g_autofree char *line = read_line(session, error);

	if (!line)
		return FALSE;
	if (g_ascii_string_to_unsigned(line, 10, 0, G_MAXUINT32, size, NULL))
		return TRUE;
	if (strcmp(line, "error") == 0)
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED, "no such file");
	else
		refuse(session, line, error);
	return FALSE;
}

gboolean uota_session_get(UotaSession *session, const char *path, UotaChunkFunc sink,
	gpointer user_data, GError **error)
{
	g_autofree char *command = g_strconcat("get ", path, NULL);
	g_autofree guint8 *buf = g_malloc(CHUNK);
	guint64 left;

	if (!send_line(session, command, error) || !read_size(session, &left, error))
		return FALSE;
	while (left) {
		gsize want = (gsize)MIN(left, CHUNK);
		gsize n = uota_lines_take(&session->lines, buf, want);

		if (!n)
			n = receive(session, buf, want, uota_deadline(session->timeout_ms), error);
		if (!n || !sink(buf, n, user_data, error))
			return FALSE;
		left -= n;
	}
	return TRUE;
}

typedef struct {
	GByteArray *bytes;
	gsize max;
} Memory;

static gboolean to_memory(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	Memory *memory = user_data;

	if (memory->bytes->len + len > memory->max) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"larger than the %" G_GSIZE_FORMAT " bytes that it may have", memory->max);
		return FALSE;
	}
	g_byte_array_append(memory->bytes, data, (guint)len);
	return TRUE;
}

GBytes *uota_session_get_bytes(UotaSession *session, const char *path, gsize max, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	Memory memory = {bytes, max};

	if (!uota_session_get(session, path, to_memory, &memory, error))
		return NULL;
	return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}
