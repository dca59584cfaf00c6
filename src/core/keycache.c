/* The cache of stretched passwords: a folder, a file a key. */
#include "core/keycache.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io.h"

#define HEX_MAX ((gsize)UOTA_SHA256_HEX_SIZE + 1) /* bytes of a file: the key in hex, and `\n` */

/* Names the key without telling anything of the password that the key itself would not tell
 * faster: who can read the name can read the file. */
static char *name_of(const char *password, const guint8 *salt, gsize salt_len, guint rounds)
{
	guint32 count = GUINT32_TO_BE(rounds);
	guint8 digest[UOTA_SHA256_SIZE];
	UotaSigner signer;

	uota_signer_init(&signer, password);
	uota_signer_update(&signer, "uota key cache", strlen("uota key cache"));
	uota_signer_update(&signer, &count, sizeof count);
	uota_signer_update(&signer, salt, salt_len);
	uota_signer_finish(&signer, digest);
	uota_wipe(&signer, sizeof signer);
	return uota_hex(digest, sizeof digest);
}

char *uota_keycache_path(const char *password, const guint8 *salt, gsize salt_len, guint rounds)
{
	g_autofree char *name = name_of(password, salt, salt_len, rounds);

	return g_build_filename(g_get_user_cache_dir(), "uota", "keys", name, NULL);
}

/* A file that others may read, or have written, is none of ours. */
static gboolean is_private(const char *path)
{
	struct stat info;

	return g_lstat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
	       !(info.st_mode & 077);
}

static gboolean recall(const char *path, guint8 secret[UOTA_SECRET_SIZE])
{
	g_autofree char *text = NULL;
	gsize len = 0;
	gboolean ok;

	if (!is_private(path))
		return FALSE;
	text = uota_io_read_all(path, path, HEX_MAX, &len, NULL, NULL);
	ok = text && uota_sha256_from_hex(g_strchomp(text), secret);
	if (text)
		uota_wipe(text, len);
	return ok;
}

/* Written beside and renamed: two of us may be at it. */
static void keep(const char *path, const guint8 secret[UOTA_SECRET_SIZE])
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *part = g_strconcat(path, ".XXXXXX", NULL);
	g_autofree char *hex = uota_hex(secret, UOTA_SECRET_SIZE);
	gsize len = strlen(hex);
	gboolean ok;
	int fd;

	if (g_mkdir_with_parents(folder, 0700) != 0)
		return;
	fd = g_mkstemp_full(part, O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	ok = write(fd, hex, len) == (gssize)len;
	uota_wipe(hex, len);
	ok = close(fd) == 0 && ok && g_rename(part, path) == 0;
	if (!ok)
		g_unlink(part);
}

void uota_keycache_secret(const char *password, const guint8 *salt, gsize salt_len, guint rounds,
	guint8 secret[UOTA_SECRET_SIZE])
{
	g_autofree char *path = uota_keycache_path(password, salt, salt_len, rounds);

	if (recall(path, secret))
		return;
	uota_secret_from_password(password, salt, salt_len, rounds, secret);
	keep(path, secret);
}
