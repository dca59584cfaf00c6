/* A project folder: finding the one that holds the current folder, and making a new one. */
#pragma once

#include <gio/gio.h>

/* The project folder for @dir: @dir itself (NULL: the current folder) or the nearest folder above
 * it that has config/ota.json. With an explicit @dir nothing above it is searched.
 * Error: no project; it says to run `uota init`. Returns: (transfer full) */
char *uota_project_find(const char *dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	gboolean force;   /* overwrite files that exist (never the secrets: they stay) */
	gboolean secrets; /* write config/.ota.secrets.json with random secrets */
} UotaInitOptions;

/* Writes the template project into @dir, which is made when missing: config/ota.json,
 * app/app.py, main.py, .gitignore, and the secrets file, mode 0600, with a random 256-bit
 * signingKey and a random otaPassword. Without force nothing is written when one of the files
 * exists already (a .gitignore is completed instead); the error names it.
 *
 * @written: (element-type utf8) paths are appended relative to @dir, in the order written. */
gboolean uota_project_init(const char *dir, const UotaInitOptions *options, GPtrArray *written,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;
