/* Reading files with care: only regular ones, never through a last symbolic link, and without
 * hanging on a FIFO. The one place of core that knows file descriptors. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/* Called with each piece of a file in turn; FALSE with @error set stops the reading. */
typedef gboolean (*UotaChunkFunc)(
	const guint8 *data, gsize len, gpointer user_data, GError **error);

/* Opens the regular file @path for reading. @name: how messages call it. @info: (out) (nullable)
 * what fstat() says of it. Errors: G_FILE_ERROR as errno has it; anything but a regular file is
 * G_FILE_ERROR_INVAL. Returns: a file descriptor for the caller to close, or -1. */
int uota_io_open(const char *path, const char *name, struct stat *info, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Reads @fd to its end in pieces of at most 64 KiB, each handed to @func. */
gboolean uota_io_read(int fd, const char *name, UotaChunkFunc func, gpointer user_data,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The whole of a file of at most @max bytes, links followed. A terminator follows the *@len bytes.
 * @mode: (out) (nullable) its permission bits. Errors: uota_io_open()'s, and too large.
 * Returns: (transfer full) */
char *uota_io_read_all(const char *path, const char *name, gsize max, gsize *len, guint *mode,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sets @error to "@name: what errno means", in our words where a user meets it often. */
void uota_io_error(GError **error, const char *name, int code);
