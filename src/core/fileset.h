/* Which files of a project a push carries, under which paths, in which order. */
#pragma once

#include "core/config.h"
#include "core/signer.h"

#define UOTA_PATH_MAX 255 /* bytes of a path on the board, as agent and file systems hold it */

typedef enum {
	UOTA_SCOPE_FAST, /* fastOtaFiles */
	UOTA_SCOPE_FULL, /* fastOtaFiles and fullOtaFiles */
} UotaScope;

typedef struct {
	char *path;      /* on the board: relative, '/'-separated, UTF-8 */
	char *source;    /* file on the host; NULL when @content has it */
	GBytes *content; /* made content (config/ota.json); else NULL */
	guint64 size;    /* bytes */
	guint8 sha256[UOTA_SHA256_SIZE];
} UotaFile;

void uota_file_free(UotaFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaFile, uota_file_free)

/* Collects the files of @scope: those that a glob of the scope matches and none of excludedFiles
 * does. Never in it: config/.ota.secrets.json, .git, __pycache__, .uota_cache.json. Always in it
 * unless excluded: config/ota.json, as uota_config_device_json() makes it (a 1.0 board that gets
 * an update without it deletes its own and is gone).
 *
 * A symbolic link is followed inside the project; one that leaves it is an error, as are an
 * unreadable file, a path that a board cannot hold, and an empty set.
 * Returns: (transfer full) (element-type UotaFile) in code-point order of the paths, hashed. */
GPtrArray *uota_fileset_collect(const char *project_dir, const UotaConfig *config,
	UotaScope scope, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether @path matches @glob. Both are '/'-separated and relative. `*` and `?` stay within one
 * component, `[…]` is a set, `**` is any number of components (also none); a glob that names a
 * folder, with or without a slash at its end, matches all that is below it. */
gboolean uota_glob_match(const char *glob, const char *path);

/* FALSE, saying why, unless a board can hold @path: relative, no empty, `.` or `..` component, no
 * control character or backslash or any of :*?"<>|; valid UTF-8, at most UOTA_PATH_MAX bytes, not
 * below a top-level name that begins with `ota_` (the agent's own). */
gboolean uota_path_check(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
