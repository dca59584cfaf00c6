/* A push over protocol 1.0. */
#include "protocol/push.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"
#include "protocol/refusal.h"

#define CHUNK 65536
#define INSTALLED "/ota_manifest.json"
#define QUOTE_MAX 80 /* bytes of the board's version that a message quotes */

static const char magic[4] = {'O', 'T', 'A', 'S'};

/* What leaves is gathered into chunks, so that small headers cost no packet of their own. */
typedef struct {
	UotaSession *session;
	GByteArray *buf;
	UotaSigner *signer; /* NULL: what passes is not signed */
	UotaProgress progress;
	gpointer user_data;
	const char *words; /* behind the command */
	const char *path;  /* the file that is on its way */
	guint64 done, total;
} Out;

static gboolean flush(Out *out, GError **error)
{
	gsize len = out->buf->len;

	if (!uota_session_send(out->session, out->buf->data, len, error))
		return FALSE;
	out->done += len;
	g_byte_array_set_size(out->buf, 0);
	if (out->progress)
		out->progress(out->path, out->done, out->total, out->user_data);
	return TRUE;
}

static gboolean put(Out *out, const void *data, gsize len, GError **error)
{
	const guint8 *at = data;

	if (out->signer)
		uota_signer_update(out->signer, data, len);
	while (len) {
		gsize n = MIN(len, CHUNK - out->buf->len);

		g_byte_array_append(out->buf, at, (guint)n);
		at += n;
		len -= n;
		if (out->buf->len == CHUNK && !flush(out, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean put_u16(Out *out, gsize value, GError **error)
{
	guint16 big = GUINT16_TO_BE((guint16)value);

	return put(out, &big, sizeof big, error);
}

static gboolean put_u32(Out *out, guint64 value, GError **error)
{
	guint32 big = GUINT32_TO_BE((guint32)value);

	return put(out, &big, sizeof big, error);
}

static gboolean put_chunk(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	return put(user_data, data, len, error);
}

static gboolean put_file(Out *out, const UotaFile *file, GError **error)
{
	return uota_file_read(file, put_chunk, out, NULL, error);
}

guint64 uota_push_stream_size(const UotaManifest *manifest)
{
	guint64 sum = sizeof magic + 2 + strlen(manifest->version) + 2 + UOTA_SHA256_SIZE;

	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = g_ptr_array_index(manifest->files, i);

		sum += 2 + strlen(file->path) + 4 + UOTA_SHA256_SIZE + file->size;
	}
	return sum;
}

static gboolean put_stream_file(Out *out, const UotaFile *file, GError **error)
{
	gsize len = strlen(file->path);

	out->path = file->path;
	return put_u16(out, len, error) && put(out, file->path, len, error) &&
	       put_u32(out, file->size, error) && put(out, file->sha256, UOTA_SHA256_SIZE, error) &&
	       put_file(out, file, error);
}

static gboolean put_stream(Out *out, const UotaManifest *manifest, const char *key, GError **error)
{
	UotaSigner signer;
	guint8 trailer[UOTA_SHA256_SIZE] = {0};
	gsize len = strlen(manifest->version);

	if (!put(out, magic, sizeof magic, error))
		return FALSE;
	if (key) {
		uota_signer_init(&signer, key);
		out->signer = &signer;
	}
	if (!put_u16(out, len, error) || !put(out, manifest->version, len, error) ||
		!put_u16(out, manifest->files->len, error))
		return FALSE;
	for (guint i = 0; i < manifest->files->len; i++)
		if (!put_stream_file(out, g_ptr_array_index(manifest->files, i), error))
			return FALSE;
	if (key)
		uota_signer_finish(&signer, trailer);
	out->signer = NULL;
	return put(out, trailer, sizeof trailer, error) && flush(out, error);
}

/* The last answer of a push. */
static gboolean expect_commit(UotaSession *session, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (uota_session_expect(session, "ok", &cause))
		return TRUE;
	uota_refusal_of_commit(g_steal_pointer(&cause), error);
	return FALSE;
}

static gboolean announce_stream(Out *out, const UotaManifest *manifest, GError **error)
{
	g_autofree char *command = NULL;

	out->total = uota_push_stream_size(manifest);
	command = g_strdup_printf("stream_ota %" G_GUINT64_FORMAT "%s", out->total, out->words);
	return uota_session_command(out->session, command, "ready", error);
}

static char *file_header(const UotaFile *file)
{
	g_autofree char *hex = uota_sha256_hex(file->sha256);

	return g_strdup_printf("file %s;%" G_GUINT64_FORMAT ";%s\n", file->path, file->size, hex);
}

static guint64 files_size(const UotaManifest *manifest)
{
	guint64 sum = 0;

	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = g_ptr_array_index(manifest->files, i);
		g_autofree char *header = file_header(file);

		sum += strlen(header) + file->size;
	}
	return sum;
}

static gboolean push_one(Out *out, const UotaFile *file, GError **error)
{
	g_autofree char *header = file_header(file);

	out->path = file->path;
	return put(out, header, strlen(header), error) && put_file(out, file, error) &&
	       flush(out, error) && uota_session_expect(out->session, "ok", error);
}

static gboolean put_manifest(Out *out, const UotaManifest *manifest, GError **error)
{
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);
	gsize size = g_bytes_get_size(json);
	g_autofree char *header = g_strdup_printf("manifest %" G_GSIZE_FORMAT "\n", size);

	out->total = strlen(header) + size + files_size(manifest);
	out->path = "manifest";
	return put(out, header, strlen(header), error) &&
	       put(out, g_bytes_get_data(json, NULL), size, error) && flush(out, error) &&
	       uota_session_expect(out->session, "ok", error);
}

static gboolean push_session(Out *out, const UotaManifest *manifest, GError **error)
{
	g_autofree char *command = g_strconcat("start_ota", out->words, NULL);

	if (!uota_session_command(out->session, command, "ready", error) ||
		!put_manifest(out, manifest, error))
		return FALSE;
	for (guint i = 0; i < manifest->files->len; i++)
		if (!push_one(out, g_ptr_array_index(manifest->files, i), error))
			return FALSE;
	return uota_session_send(out->session, "end_ota\n", strlen("end_ota\n"), error) &&
	       expect_commit(out->session, error);
}

gboolean uota_push(UotaSession *session, const UotaManifest *manifest, UotaPushKind kind,
	const char *words, const char *key, UotaProgress progress, gpointer user_data,
	UotaPushKind *used, GError **error)
{
	g_autoptr(GByteArray) buf = g_byte_array_sized_new(CHUNK);
	g_autoptr(GError) cause = NULL;
	Out out = {
		.session = session,
		.buf = buf,
		.words = words,
		.progress = progress,
		.user_data = user_data,
	};

	if (used)
		*used = kind;
	if (kind == UOTA_PUSH_COMPLETE)
		return push_session(&out, manifest, error);
	if (announce_stream(&out, manifest, &cause))
		return put_stream(&out, manifest, key, error) && expect_commit(session, error);
	if (!g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNKNOWN)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	if (used)
		*used = UOTA_PUSH_COMPLETE;
	return push_session(&out, manifest, error);
}

char *uota_push_id(const UotaManifest *manifest)
{
	g_autofree char *payload = uota_manifest_signing_payload(manifest);
	guint8 digest[UOTA_SHA256_SIZE];

	uota_sha256(payload, strlen(payload), digest);
	return uota_hex(digest, UOTA_UPDATE_ID_SIZE / 2);
}

static gboolean same_files(
	const UotaManifest *installed, const UotaManifest *wanted, GError **error)
{
	for (guint i = 0; i < wanted->files->len; i++) {
		const UotaFile *file = g_ptr_array_index(wanted->files, i);
		const UotaFile *there = uota_manifest_lookup(installed, file->path);

		if (there && uota_sha256_equal(there->sha256, file->sha256))
			continue;
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"the board went on with its old files (%s is not the new one): push again",
			file->path);
		return FALSE;
	}
	return TRUE;
}

static gboolean same_version(const char *installed, const char *wanted, GError **error)
{
	g_autofree char *quote = NULL;

	if (strcmp(installed, wanted) == 0)
		return TRUE;
	quote = uota_text_printable(installed, QUOTE_MAX);
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"the board went on with version %s: push again", quote);
	return FALSE;
}

gboolean uota_push_verify(
	UotaSession *session, const char *version, const UotaManifest *manifest, GError **error)
{
	g_autoptr(GBytes) json = NULL;
	g_autoptr(UotaManifest) installed = NULL;

	if (!same_version(version, manifest->version, error))
		return FALSE;
	json = uota_session_get_bytes(session, INSTALLED, UOTA_MANIFEST_MAX, error);
	if (!json) {
		g_prefix_error(error, INSTALLED ": ");
		return FALSE;
	}
	installed =
		uota_manifest_parse(g_bytes_get_data(json, NULL), g_bytes_get_size(json), error);
	return installed && same_files(installed, manifest, error);
}
