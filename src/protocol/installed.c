/* What a board has installed. */
#include "protocol/installed.h"

#include <glib/gstdio.h>
#include <string.h>

#include "core/error.h"
#include "core/io.h"

#define ON_BOARD "/ota_manifest.json"

UotaInstalled *uota_installed_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static char *cache_path(const char *id)
{
	return g_build_filename(g_get_user_cache_dir(), "uota", "installed", id, NULL);
}

/* A line is the hash, a space, the path. */
static gboolean take_line(UotaInstalled *installed, const char *line)
{
	guint8 digest[UOTA_SHA256_SIZE];
	g_autofree char *hex = g_strndup(line, UOTA_SHA256_HEX_SIZE);
	const char *path = line + strlen(hex);

	if (!uota_sha256_from_hex(hex, digest) || *path != ' ' || !uota_path_check(path + 1, NULL))
		return FALSE;
	g_hash_table_replace(installed, g_strdup(path + 1), g_steal_pointer(&hex));
	return TRUE;
}

UotaInstalled *uota_installed_recall(const char *id)
{
	g_autofree char *path = cache_path(id);
	g_autoptr(UotaInstalled) installed = uota_installed_new();
	gsize len = 0;
	g_autofree char *text = uota_io_read_all(path, path, UOTA_MANIFEST_MAX, &len, NULL, NULL);
	g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;

	if (!lines)
		return NULL;
	for (char **line = lines; *line && **line; line++)
		if (!take_line(installed, *line))
			return NULL;
	return g_steal_pointer(&installed);
}

void uota_installed_merge(UotaInstalled *installed, const UotaManifest *manifest)
{
	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = manifest->files->pdata[i];

		g_hash_table_replace(
			installed, g_strdup(file->path), uota_sha256_hex(file->sha256));
	}
}

/* That the board has none, or one that is none, is no reason to end a push. */
static gboolean is_about_file(const GError *error)
{
	return g_error_matches(error, UOTA_ERROR, UOTA_ERROR_FAILED) ||
	       g_error_matches(error, UOTA_ERROR, UOTA_ERROR_UNKNOWN);
}

UotaInstalled *uota_installed_ask(UotaSession *session, GError **error)
{
	g_autoptr(UotaInstalled) installed = uota_installed_new();
	g_autoptr(UotaManifest) manifest = NULL;
	g_autoptr(GError) cause = NULL;
	g_autoptr(GBytes) json =
		uota_session_get_bytes(session, ON_BOARD, UOTA_MANIFEST_MAX, &cause);

	if (!json && !is_about_file(cause)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	if (json)
		manifest = uota_manifest_parse(
			g_bytes_get_data(json, NULL), g_bytes_get_size(json), NULL);
	if (manifest)
		uota_installed_merge(installed, manifest);
	return g_steal_pointer(&installed);
}

void uota_installed_keep(UotaInstalled *installed, const char *id, const char *before)
{
	g_autofree char *path = cache_path(id);
	g_autofree char *folder = g_path_get_dirname(path);
	g_autoptr(GString) text = g_string_new(NULL);
	GHashTableIter iter;
	gpointer name, hash;

	g_hash_table_iter_init(&iter, installed);
	while (g_hash_table_iter_next(&iter, &name, &hash))
		g_string_append_printf(text, "%s %s\n", (char *)hash, (char *)name);
	if (g_mkdir_with_parents(folder, 0700) != 0 ||
		!g_file_set_contents_full(path, text->str, (gssize)text->len,
			G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL))
		return;
	if (before && strcmp(before, id) != 0) {
		g_autofree char *old = cache_path(before);

		g_unlink(old);
	}
}
