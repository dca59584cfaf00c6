/* One file of a push: its path on the board, what is in it, its size and hash. */
#pragma once

#include <gio/gio.h>

#include "core/io.h"
#include "core/path.h"
#include "core/signer.h"

#define UOTA_FILE_SIZE_MAX 0x7FFFFFFF /* bytes */

typedef struct {
	char *path;      /* on the board: relative, '/'-separated, UTF-8 */
	char *source;    /* file on the host, links resolved; NULL when @content has it */
	char *src;       /* parsed manifests: where to fetch it, when not at @path; else NULL */
	GBytes *content; /* made content (config/ota.json); else NULL */
	guint64 size;    /* bytes */
	guint8 sha256[UOTA_SHA256_SIZE];
} UotaFile;

/* A file with made content; a reference is taken. Returns: (transfer full) */
UotaFile *uota_file_from_bytes(const char *path, GBytes *content);

/* A regular file of the host, read once for its size and hash. @info: (out) (nullable) what
 * fstat() says of it. Errors: the file system's; too large; UOTA_ERROR_CANCELLED.
 * Returns: (transfer full) */
UotaFile *uota_file_from_disk(const char *path, const char *source, struct stat *info,
	GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Returns: (transfer full) */
UotaFile *uota_file_copy(const UotaFile *file);

void uota_file_free(UotaFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaFile, uota_file_free)

/* Reads @file, from wherever it is, in pieces of at most 64 KiB handed to @func: all of
 * @file->size bytes, never more. Errors: those of reading and of @func; a file whose size is no
 * longer what it was; UOTA_ERROR_CANCELLED. */
gboolean uota_file_read(const UotaFile *file, UotaChunkFunc func, gpointer user_data,
	GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
