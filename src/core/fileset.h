/* Which files of a project a push carries, under which paths, in which order. */
#pragma once

#include <gio/gio.h>

#include "core/config.h"
#include "core/file.h"

#define UOTA_FILES_MAX 65535 /* files in a push: their count is 16 bits wide on the wire */

typedef enum {
	UOTA_SCOPE_FAST, /* fastOtaFiles */
	UOTA_SCOPE_FULL, /* fastOtaFiles and fullOtaFiles */
} UotaScope;

/* Collects the files of @scope: those that a glob of the scope matches and none of excludedFiles
 * does. Never in it: config/.ota.secrets.json (nor a backup copy of it that an editor left), .git,
 * __pycache__, .uota_cache.json. Always in it unless excluded: config/ota.json, as
 * uota_config_device_json() makes it (a 1.0 board that gets an update without it deletes its own
 * and is gone).
 *
 * A folder that a glob of excludedFiles matches is excluded with all below it. Such folders, and
 * those that no glob of the scope reaches, are not looked into. A symbolic link is followed inside
 * the project; one that leaves it or leads in a circle is an error, as are an unreadable file, a
 * path that a board cannot hold, and a scope that matches no file.
 * Returns: (transfer full) (element-type UotaFile) in code-point order of the paths, hashed. */
GPtrArray *uota_fileset_collect(const char *project_dir, const UotaConfig *config, UotaScope scope,
	GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the file @path of the board is one that a push of @scope may bring: a glob of the scope
 * matches it, none of excludedFiles does. What is compiled counts as its source. */
gboolean uota_fileset_covers(const UotaConfig *config, UotaScope scope, const char *path);
