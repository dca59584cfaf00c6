/* Reading files with care; see the header. O_NONBLOCK keeps open() from waiting at a FIFO and
 * does nothing to a regular file. */
#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK (64 * 1024)

static const char *reason(int code)
{
	switch (code) {
	case ENOENT:
		return "not found";
	case EACCES:
	case EPERM:
		return "no permission to read it";
	case ELOOP:
		return "a symbolic link that leads nowhere";
	case EISDIR:
		return "a folder, not a file";
	default:
		return g_strerror(code);
	}
}

void uota_io_error(GError **error, const char *name, int code)
{
	g_set_error(
		error, G_FILE_ERROR, g_file_error_from_errno(code), "%s: %s", name, reason(code));
}

static gboolean check_regular(int fd, const char *name, struct stat *info, GError **error)
{
	if (fstat(fd, info) != 0) {
		uota_io_error(error, name, errno);
		return FALSE;
	}
	if (!S_ISREG(info->st_mode)) {
		g_set_error(
			error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: not a regular file", name);
		return FALSE;
	}
	return TRUE;
}

int uota_io_open(const char *path, const char *name, struct stat *info, GError **error)
{
	struct stat mine;
	int fd = g_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);

	/* a socket cannot be opened at all */
	if (fd < 0 && errno == ENXIO) {
		g_set_error(
			error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: not a regular file", name);
		return -1;
	}
	if (fd < 0) {
		uota_io_error(error, name, errno);
		return -1;
	}
	if (!check_regular(fd, name, info ? info : &mine, error)) {
		(void)g_close(fd, NULL);
		return -1;
	}
	return fd;
}

/* Fills @buffer as far as the file goes; short only at its end. */
static gssize read_chunk(int fd, guint8 *buffer, gsize size)
{
	gsize have = 0;

	while (have < size) {
		gssize n = read(fd, buffer + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (gsize)n;
	}
	return (gssize)have;
}

gboolean uota_io_read(
	int fd, const char *name, UotaChunkFunc func, gpointer user_data, GError **error)
{
	g_autofree guint8 *buffer = g_malloc(CHUNK);
	gssize n = read_chunk(fd, buffer, CHUNK);

	while (n > 0) {
		if (!func(buffer, (gsize)n, user_data, error))
			return FALSE;
		n = read_chunk(fd, buffer, CHUNK);
	}
	if (n < 0)
		uota_io_error(error, name, errno);
	return n == 0;
}

char *uota_io_read_all(
	const char *path, const char *name, gsize max, gsize *len, guint *mode, GError **error)
{
	g_autofree char *real = realpath(path, NULL);
	g_autofree guint8 *text = NULL;
	struct stat info;
	gssize n;
	int fd;

	if (!real) {
		uota_io_error(error, name, errno);
		return NULL;
	}
	fd = uota_io_open(real, name, &info, error);
	if (fd < 0)
		return NULL;
	/* one byte more than may be there shows that there is more */
	text = g_malloc(max + 1);
	n = read_chunk(fd, text, max + 1);
	if (n < 0)
		uota_io_error(error, name, errno);
	else if ((gsize)n > max)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			"%s: larger than %" G_GSIZE_FORMAT " bytes", name, max);
	(void)g_close(fd, NULL);
	if (n < 0 || (gsize)n > max)
		return NULL;
	text[n] = '\0';
	*len = (gsize)n;
	if (mode)
		*mode = info.st_mode & 07777;
	return (char *)g_steal_pointer(&text);
}
