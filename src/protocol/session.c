/* A conversation with a board. What 1.0 answers in lines comes in protocol 2 as one answer in
 * records; byte for byte it is the same. */
#include "protocol/session.h"

#include <string.h>

#include "core/error.h"
#include "protocol/bounded.h"
#include "protocol/line.h"

#define LISTING_MAX (1024 * 1024) /* bytes of one folder's listing that are taken */
#define LISTING2_MAX (64 * 1024)  /* the same in protocol 2 */
#define CHUNK 65536

struct UotaSession {
	UotaPlain *plain;
	UotaAgreed agreed;
};

static UotaSession *session_new(
	UotaTransport *transport, guint timeout_ms, GCancellable *cancellable)
{
	UotaSession *session = g_new0(UotaSession, 1);

	session->plain = uota_plain_new(transport, timeout_ms, cancellable);
	return session;
}

UotaSession *uota_session_open(UotaTransport *transport, const char *password, guint timeout_ms,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(UotaSession) session = session_new(transport, timeout_ms, cancellable);

	if (password && !uota_handshake_in_1(session->plain, password, error))
		return NULL;
	return g_steal_pointer(&session);
}

UotaSession *uota_session_hello(UotaTransport *transport, const UotaProof *proof, guint timeout_ms,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(UotaSession) session = session_new(transport, timeout_ms, cancellable);

	if (!uota_handshake(session->plain, proof, &session->agreed, error))
		return NULL;
	return g_steal_pointer(&session);
}

UotaChannel *uota_session_channel(UotaSession *session)
{
	return session->agreed.channel;
}

const UotaMethod *uota_session_method(const UotaSession *session)
{
	return session->agreed.channel ? &session->agreed.method : NULL;
}

gboolean uota_session_encrypted(const UotaSession *session)
{
	return session->agreed.channel && session->agreed.encrypted;
}

void uota_session_free(UotaSession *session)
{
	if (!session)
		return;
	uota_channel_free(session->agreed.channel);
	uota_plain_free(session->plain);
	g_free(session);
}

static gboolean fail(GError **error, UotaError code, const char *why)
{
	g_set_error_literal(error, UOTA_ERROR, code, why);
	return FALSE;
}

static void refuse(const UotaSession *session, const char *line, GError **error)
{
	uota_plain_refuse(session->plain, line, error);
}

gboolean uota_session_send(UotaSession *session, const void *data, gsize len, GError **error)
{
	return uota_plain_send(session->plain, data, len, error);
}

gboolean uota_session_expect(UotaSession *session, const char *expected, GError **error)
{
	return uota_plain_expect(session->plain, expected, error);
}

/* In protocol 2: sends @command and returns the whole answer. */
static GByteArray *exchange(UotaSession *session, const char *command, gsize max, GError **error)
{
	return uota_channel_command(session->agreed.channel, command, error)
		       ? uota_channel_answer_bytes(session->agreed.channel, max, error)
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

	if (!session->agreed.channel)
		return uota_plain_send_line(session->plain, command, error)
			       ? uota_plain_line(session->plain, error)
			       : NULL;
	answer = exchange(session, command, UOTA_LINE_MAX, error);
	return answer ? only_line(session, answer, error) : NULL;
}

gboolean uota_session_command(
	UotaSession *session, const char *command, const char *expected, GError **error)
{
	g_autofree char *line = uota_session_ask(session, command, error);

	return uota_plain_check(session->plain, line, expected, error);
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

	if (!session->agreed.channel) {
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

	if (!uota_plain_send_line(session->plain, command, error))
		return NULL;
	while (size <= LISTING_MAX) {
		g_autofree char *line = uota_plain_line(session->plain, error);

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

	return session->agreed.channel ? ls_in_2(session, command, error)
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
		gsize n = uota_plain_read(session->plain, buf, want, error);

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
	gboolean ok = uota_channel_command(session->agreed.channel, command, error) &&
		      uota_channel_answer(session->agreed.channel, take_piece, &download, error);

	if (ok && (download.head || download.left))
		ok = fail(error, UOTA_ERROR_FAILED, "the board sends less than it announced");
	g_clear_pointer(&download.head, g_byte_array_unref);
	return ok;
}

gboolean uota_session_get(UotaSession *session, const char *path, UotaChunkFunc sink,
	gpointer user_data, GError **error)
{
	g_autofree char *command = g_strconcat("get ", path, NULL);

	return session->agreed.channel ? get_in_2(session, command, sink, user_data, error)
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
		if (!uota_channel_data(session->agreed.channel, data + at,
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

	if (!session->agreed.channel)
		return fail(error, UOTA_ERROR_UNKNOWN, "the board speaks protocol 1.0");
	if (!uota_channel_command(session->agreed.channel, command, error) ||
		!uota_file_read(file, send_piece, session, cancellable, error) ||
		!uota_channel_flush(session->agreed.channel, error))
		return FALSE;
	answer = uota_channel_answer_bytes(session->agreed.channel, UOTA_LINE_MAX, error);
	return uota_plain_check(
		session->plain, answer ? (const char *)answer->data : NULL, "ok\n", error);
}
