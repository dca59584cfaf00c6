/* A conversation with a board. What 1.0 answers in lines comes in protocol 2 as one answer in
 * records; byte for byte it is the same. */
#include "protocol/session.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"
#include "protocol/bounded.h"
#include "protocol/line.h"
#include "protocol/refusal.h"

#define LISTING_MAX (1024 * 1024) /* bytes of one folder's listing that are taken */
#define LISTING2_MAX (64 * 1024)  /* the same in protocol 2 */
#define CHUNK 65536

struct UotaSession {
	UotaTransport *transport;
	GCancellable *cancellable;
	guint timeout_ms;
	gboolean password; /* one was asked for and accepted */
	UotaLines lines;
	/* protocol 2 */
	UotaChannel *channel; /* NULL: 1.0 */
	UotaMethod method;
	gboolean encrypted;
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

/* Puts what the answer @line means, where it is not the hoped-for one, into @error. */
static void refuse(const UotaSession *session, const char *line, GError **error)
{
	uota_refusal(line, session->password, error);
}

/* @line: (nullable) the answer; NULL: @error says why there is none. */
static gboolean must_be(
	const UotaSession *session, const char *line, const char *expected, GError **error)
{
	if (!line)
		return FALSE;
	if (strcmp(line, expected) == 0)
		return TRUE;
	refuse(session, line, error);
	return FALSE;
}

gboolean uota_session_expect(UotaSession *session, const char *expected, GError **error)
{
	g_autofree char *line = read_line(session, error);

	return must_be(session, line, expected, error);
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

/* In protocol 2: sends @command and returns the whole answer. */
static GByteArray *exchange(UotaSession *session, const char *command, gsize max, GError **error)
{
	return uota_channel_command(session->channel, command, error)
		       ? uota_channel_answer_bytes(session->channel, max, error)
		       : NULL;
}

/* The one line that @answer must be, without its end. */
static char *only_line(UotaSession *session, const GByteArray *answer, GError **error)
{
	const char *text = (const char *)answer->data;
	gsize len = strcspn(text, "\n");
	g_autofree char *line = g_strndup(text, len);

	if (len + 1 == answer->len)
		return g_steal_pointer(&line);
	refuse(session, line, error);
	return NULL;
}

char *uota_session_ask(UotaSession *session, const char *command, GError **error)
{
	g_autoptr(GByteArray) answer = NULL;

	if (!session->channel)
		return send_line(session, command, error) ? read_line(session, error) : NULL;
	answer = exchange(session, command, UOTA_LINE_MAX, error);
	return answer ? only_line(session, answer, error) : NULL;
}

gboolean uota_session_command(
	UotaSession *session, const char *command, const char *expected, GError **error)
{
	g_autofree char *line = uota_session_ask(session, command, error);

	return must_be(session, line, expected, error);
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

static UotaSession *session_new(
	UotaTransport *transport, guint timeout_ms, GCancellable *cancellable)
{
	UotaSession *session = g_new0(UotaSession, 1);

	session->transport = transport;
	session->timeout_ms = timeout_ms;
	session->cancellable = cancellable ? g_object_ref(cancellable) : NULL;
	uota_lines_init(&session->lines);
	return session;
}

UotaSession *uota_session_open(UotaTransport *transport, const char *password, guint timeout_ms,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(UotaSession) session = session_new(transport, timeout_ms, cancellable);

	if (password && !authenticate(session, password, error))
		return NULL;
	return g_steal_pointer(&session);
}

static gboolean fail(GError **error, UotaError code, const char *why)
{
	g_set_error_literal(error, UOTA_ERROR, code, why);
	return FALSE;
}

/* The board knows no hello. FALSE: this connection, or this board, is of no use. */
static gboolean go_on_in_1(
	UotaSession *session, const UotaProof *proof, const char *line, GError **error)
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
	       authenticate(session, proof->credentials.password, error);
}

/* Derives the keys, shows our proof, checks the board's. @line: ours, as it was sent. */
static gboolean prove(UotaSession *session, const UotaProof *proof, const char *line,
	const UotaHello *hello, UotaKeys *keys, GError **error)
{
	guint8 secret[UOTA_SECRET_SIZE];
	g_autofree char *ours = NULL;
	g_autofree char *theirs = NULL;
	g_autofree char *with_end = NULL;
	guint index = proof->old && hello->methods[1] ? 1 : 0;

	if (!uota_method_parse(hello->methods[index], &session->method, error) ||
		!uota_credentials_secret(
			&proof->credentials, &session->method, proof->legacy, secret, error))
		return FALSE;
	uota_keys_derive(keys, secret, line, hello->line);
	uota_wipe(secret, sizeof secret);
	ours = uota_proof_line(keys, index);
	if (!uota_session_send(session, ours, strlen(ours), error))
		return FALSE;
	theirs = read_line(session, error);
	if (!theirs)
		return FALSE;
	with_end = g_strconcat(theirs, "\n", NULL);
	if (uota_proof_check(keys, with_end))
		return TRUE;
	if (!g_str_has_prefix(theirs, "proof "))
		refuse(session, theirs, error);
	else
		(void)fail(error, UOTA_ERROR_REFUSED,
			"what answers does not know the project's secret: it is not your board");
	return FALSE;
}

/* What came behind the proof belongs to the records. */
static void open_channel(UotaSession *session, const UotaKeys *keys)
{
	gboolean encrypted = session->encrypted;
	UotaOpener *opener = uota_opener_new(
		keys->board_mac, encrypted ? keys->board_aes : NULL, UOTA_RECORD_BOARD_MAX);
	UotaSealer *sealer = uota_sealer_new(keys->host_mac, encrypted ? keys->host_aes : NULL);
	guint8 buf[256];
	gsize n;

	while ((n = uota_lines_take(&session->lines, buf, sizeof buf)))
		uota_opener_feed(opener, buf, n);
	session->channel = uota_channel_new(
		session->transport, opener, sealer, session->timeout_ms, session->cancellable);
}

static gboolean shake_hands(UotaSession *session, const UotaProof *proof, const char *line,
	const char *answer, GError **error)
{
	g_autofree char *with_end = g_strconcat(answer, "\n", NULL);
	g_autoptr(UotaHello) hello = uota_hello_parse(with_end, error);
	g_auto(UotaKeys) keys = {0};

	if (!hello)
		return FALSE;
	session->encrypted = hello->encrypted;
	if (!prove(session, proof, line, hello, &keys, error))
		return FALSE;
	open_channel(session, &keys);
	return TRUE;
}

static gboolean greet(UotaSession *session, const UotaProof *proof, GError **error)
{
	g_autofree char *line = uota_hello_make(error);
	g_autofree char *answer = NULL;

	if (!line || !uota_session_send(session, line, strlen(line), error))
		return FALSE;
	session->password = proof->credentials.password || proof->credentials.signing_key;
	answer = read_line(session, error);
	if (!answer)
		return FALSE;
	if (g_str_has_prefix(answer, "hello "))
		return shake_hands(session, proof, line, answer, error);
	if (strcmp(answer, "unknown") == 0 || strcmp(answer, "denied") == 0)
		return go_on_in_1(session, proof, answer, error);
	refuse(session, answer, error);
	return FALSE;
}

UotaSession *uota_session_hello(UotaTransport *transport, const UotaProof *proof, guint timeout_ms,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(UotaSession) session = session_new(transport, timeout_ms, cancellable);

	return greet(session, proof, error) ? g_steal_pointer(&session) : NULL;
}

UotaChannel *uota_session_channel(UotaSession *session)
{
	return session->channel;
}

const UotaMethod *uota_session_method(const UotaSession *session)
{
	return session->channel ? &session->method : NULL;
}

gboolean uota_session_encrypted(const UotaSession *session)
{
	return session->channel && session->encrypted;
}

void uota_session_free(UotaSession *session)
{
	if (!session)
		return;
	uota_channel_free(session->channel);
	uota_transport_free(session->transport);
	g_clear_object(&session->cancellable);
	uota_lines_clear(&session->lines);
	g_free(session);
}

UotaStatus *uota_session_status(UotaSession *session, GError **error)
{
	g_autofree char *line = uota_session_ask(session, "version", error);
	UotaStatus *status = line ? uota_status_parse(line) : NULL;

	if (line && !status)
		refuse(session, line, error);
	return status;
}

UotaInfo *uota_session_info(UotaSession *session, GError **error)
{
	g_autofree char *line = NULL;
	UotaInfo *info;

	if (!session->channel) {
		(void)fail(error, UOTA_ERROR_UNKNOWN, "the board speaks protocol 1.0");
		return NULL;
	}
	line = uota_session_ask(session, "info", error);
	info = line ? uota_info_parse(line) : NULL;
	if (line && !info)
		refuse(session, line, error);
	return info;
}

UotaCrash *uota_session_crash(UotaSession *session, GError **error)
{
	g_autofree char *line = uota_session_ask(session, "crash", error);
	UotaCrash *crash = line ? uota_crash_parse(line) : NULL;

	if (line && !crash)
		refuse(session, line, error);
	return crash;
}

static GPtrArray *ls_in_1(UotaSession *session, const char *command, GError **error)
{
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(g_free);
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

/* The answer is the entries, and an empty line. */
static GPtrArray *ls_in_2(UotaSession *session, const char *command, GError **error)
{
	g_autoptr(GByteArray) answer = exchange(session, command, LISTING2_MAX, error);
	g_auto(GStrv) lines = answer ? g_strsplit((const char *)answer->data, "\n", -1) : NULL;
	GPtrArray *entries;

	if (!answer)
		return NULL;
	entries = g_ptr_array_new_with_free_func(g_free);
	for (char **line = lines; *line && **line; line++)
		g_ptr_array_add(entries, g_strdup(*line));
	return entries;
}

GPtrArray *uota_session_ls(UotaSession *session, const char *path, GError **error)
{
	g_autofree char *command = g_strconcat("ls ", path, NULL);

	return session->channel ? ls_in_2(session, command, error)
				: ls_in_1(session, command, error);
}

/* Takes the line that opens a download: its size in bytes. */
static gboolean take_size(UotaSession *session, const char *line, guint64 *size, GError **error)
{
	if (g_ascii_string_to_unsigned(line, 10, 0, G_MAXUINT32, size, NULL))
		return TRUE;
	if (strcmp(line, "error") == 0)
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED, "no such file");
	else
		refuse(session, line, error);
	return FALSE;
}

static gboolean get_in_1(UotaSession *session, const char *command, UotaChunkFunc sink,
	gpointer user_data, GError **error)
{
	g_autofree guint8 *buf = g_malloc(CHUNK);
	g_autofree char *line = uota_session_ask(session, command, error);
	guint64 left;

	if (!line || !take_size(session, line, &left, error))
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
	UotaSession *session;
	GByteArray *head; /* of the answer, until its first line is complete; then NULL */
	guint64 left;
	UotaChunkFunc sink;
	gpointer user_data;
} Download;

static gboolean take_body(Download *download, const guint8 *data, gsize len, GError **error)
{
	if (len > download->left)
		return fail(error, UOTA_ERROR_FAILED, "the board sends more than it announced");
	download->left -= len;
	return !len || download->sink(data, len, download->user_data, error);
}

static gboolean take_piece(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	Download *download = user_data;
	g_autoptr(GByteArray) head = NULL;
	guint8 *end;

	if (!download->head)
		return take_body(download, data, len, error);
	g_byte_array_append(download->head, data, (guint)len);
	end = memchr(download->head->data, '\n', download->head->len);
	if (!end)
		return download->head->len <= UOTA_LINE_MAX ||
		       fail(error, UOTA_ERROR_FAILED, "the board announces no size");
	head = g_steal_pointer(&download->head);
	*end = '\0';
	return take_size(download->session, (const char *)head->data, &download->left, error) &&
	       take_body(download, end + 1, head->len - (gsize)(end + 1 - head->data), error);
}

static gboolean get_in_2(UotaSession *session, const char *command, UotaChunkFunc sink,
	gpointer user_data, GError **error)
{
	Download download = {session, g_byte_array_new(), 0, sink, user_data};
	gboolean ok = uota_channel_command(session->channel, command, error) &&
		      uota_channel_answer(session->channel, take_piece, &download, error);

	if (ok && (download.head || download.left))
		ok = fail(error, UOTA_ERROR_FAILED, "the board sends less than it announced");
	g_clear_pointer(&download.head, g_byte_array_unref);
	return ok;
}

gboolean uota_session_get(UotaSession *session, const char *path, UotaChunkFunc sink,
	gpointer user_data, GError **error)
{
	g_autofree char *command = g_strconcat("get ", path, NULL);

	return session->channel ? get_in_2(session, command, sink, user_data, error)
				: get_in_1(session, command, sink, user_data, error);
}

GBytes *uota_session_get_bytes(UotaSession *session, const char *path, gsize max, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	UotaBounded bounded = {bytes, max};

	if (!uota_session_get(session, path, uota_bounded_take, &bounded, error))
		return NULL;
	return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

static gboolean send_piece(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	UotaSession *session = user_data;

	for (gsize at = 0; at < len; at += UOTA_RECORD_HOST_MAX)
		if (!uota_channel_data(session->channel, data + at,
			    MIN(len - at, UOTA_RECORD_HOST_MAX), error))
			return FALSE;
	return TRUE;
}

gboolean uota_session_put(
	UotaSession *session, const UotaFile *file, GCancellable *cancellable, GError **error)
{
	g_autofree char *hex = uota_sha256_hex(file->sha256);
	g_autofree char *command =
		g_strdup_printf("put %" G_GUINT64_FORMAT " %s %s", file->size, hex, file->path);
	g_autoptr(GByteArray) answer = NULL;

	if (!session->channel)
		return fail(error, UOTA_ERROR_UNKNOWN, "the board speaks protocol 1.0");
	if (!uota_channel_command(session->channel, command, error) ||
		!uota_file_read(file, send_piece, session, cancellable, error) ||
		!uota_channel_flush(session->channel, error))
		return FALSE;
	answer = uota_channel_answer_bytes(session->channel, UOTA_LINE_MAX, error);
	return must_be(session, answer ? (const char *)answer->data : NULL, "ok\n", error);
}
