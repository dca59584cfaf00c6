/* One file of a push. Files are read in pieces, twice: once for the hash, once to send. */
#include "core/file.h"

#include <glib/gstdio.h>
#include <string.h>

#include "core/error.h"

#define CHUNK (64 * 1024)

typedef struct {
	struct sha256_ctx hash;
	guint64 size;
	GCancellable *cancellable;
} Hashing;

typedef struct {
	const UotaFile *file;
	guint64 left;
	UotaChunkFunc func;
	gpointer user_data;
	GCancellable *cancellable;
} Sending;

static gboolean check_cancelled(GCancellable *cancellable, GError **error)
{
	if (!g_cancellable_is_cancelled(cancellable))
		return TRUE;
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_CANCELLED, "cancelled");
	return FALSE;
}

static UotaFile *file_new(const char *path, const char *source)
{
	UotaFile *file = g_new0(UotaFile, 1);

	file->path = g_strdup(path);
	file->source = g_strdup(source);
	return file;
}

UotaFile *uota_file_from_bytes(const char *path, GBytes *content)
{
	UotaFile *file = file_new(path, NULL);
	gsize len = 0;
	gconstpointer data = g_bytes_get_data(content, &len);

	file->content = g_bytes_ref(content);
	file->size = len;
	uota_sha256(data, len, file->sha256);
	return file;
}

static gboolean hash_chunk(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	Hashing *hashing = user_data;

	if (!check_cancelled(hashing->cancellable, error))
		return FALSE;
	hashing->size += len;
	sha256_update(&hashing->hash, len, data);
	return TRUE;
}

static gboolean check_size(const UotaFile *file, guint64 size, GError **error)
{
	if (size <= UOTA_FILE_SIZE_MAX)
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"%s: larger than 2 GiB: put it into excludedFiles", file->path);
	return FALSE;
}

static gboolean read_fd(
	int fd, const char *path, UotaChunkFunc func, gpointer user_data, GError **error)
{
	gboolean ok = uota_io_read(fd, path, func, user_data, error);

	return g_close(fd, ok ? error : NULL) && ok;
}

UotaFile *uota_file_from_disk(const char *path, const char *source, struct stat *info,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(UotaFile) file = file_new(path, source);
	Hashing hashing = {.cancellable = cancellable};
	struct stat mine;
	struct stat *found = info ? info : &mine;
	int fd = uota_io_open(source, path, found, error);

	if (fd < 0)
		return NULL;
	if (!check_size(file, (guint64)found->st_size, error)) {
		(void)g_close(fd, NULL);
		return NULL;
	}
	sha256_init(&hashing.hash);
	if (!read_fd(fd, path, hash_chunk, &hashing, error) ||
		!check_size(file, hashing.size, error)) /* it may grow meanwhile */
		return NULL;
	sha256_digest(&hashing.hash, sizeof(file->sha256), file->sha256);
	file->size = hashing.size;
	return g_steal_pointer(&file);
}

UotaFile *uota_file_copy(const UotaFile *file)
{
	UotaFile *copy = file_new(file->path, file->source);

	copy->src = g_strdup(file->src);
	copy->content = file->content ? g_bytes_ref(file->content) : NULL;
	copy->size = file->size;
	memcpy(copy->sha256, file->sha256, sizeof copy->sha256);
	return copy;
}

void uota_file_free(UotaFile *file)
{
	if (!file)
		return;
	g_free(file->path);
	g_free(file->source);
	g_free(file->src);
	g_clear_pointer(&file->content, g_bytes_unref);
	g_free(file);
}

static gboolean fail_changed(const UotaFile *file, GError **error)
{
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"%s: changed while it was being pushed: push again", file->path);
	return FALSE;
}

static gboolean send_chunk(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	Sending *sending = user_data;

	if (!check_cancelled(sending->cancellable, error))
		return FALSE;
	if (len > sending->left)
		return fail_changed(sending->file, error);
	sending->left -= len;
	return sending->func(data, len, sending->user_data, error);
}

static gboolean send_bytes(Sending *sending, GBytes *content, GError **error)
{
	gsize len = 0;
	const guint8 *data = g_bytes_get_data(content, &len);

	for (gsize at = 0; at < len; at += CHUNK)
		if (!send_chunk(data + at, MIN(len - at, CHUNK), sending, error))
			return FALSE;
	return TRUE;
}

static gboolean send_source(Sending *sending, GError **error)
{
	const UotaFile *file = sending->file;
	int fd = uota_io_open(file->source, file->path, NULL, error);

	if (fd < 0 || !read_fd(fd, file->path, send_chunk, sending, error))
		return FALSE;
	return !sending->left || fail_changed(file, error);
}

gboolean uota_file_read(const UotaFile *file, UotaChunkFunc func, gpointer user_data,
	GCancellable *cancellable, GError **error)
{
	Sending sending = {file, file->size, func, user_data, cancellable};

	return file->content ? send_bytes(&sending, file->content, error)
			     : send_source(&sending, error);
}
