/* The manifest of protocol 2 (docs/protocol.md, 7.2): lines, signed byte by byte. */
#pragma once

#include "core/manifest.h"

#define UOTA_MANIFEST2_MAX (1024U * 1024U) /* bytes */
#define UOTA_MANIFEST2_ENTRIES 10000U      /* files, needs and deletions */
#define UOTA_COUNTER_MAX ((G_GUINT64_CONSTANT(1) << 53) - 1)

/* What a manifest of protocol 2 says beyond version and files. */
typedef struct {
	guint64 counter;
	gboolean downgrade; /* a lower version than the installed one is meant */
	gboolean partial;   /* merged into what is installed */
	char **needs;       /* `platform esp32`, …; NULL: none */
	char **deleted;     /* paths, partial only, sorted by their bytes; NULL: none */
} UotaTerms;

typedef struct {
	char *id;     /* 64 hex digits: what is to be installed, whenever it was signed */
	GBytes *text; /* what travels */
} UotaManifest2;

/* Writes the manifest of the files of @manifest, signed under @key (nullable: unsigned).
 * Errors: more, or longer, than a board takes. Returns: (transfer full) */
UotaManifest2 *uota_manifest2_make(const UotaManifest *manifest, const UotaTerms *terms,
	const char *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void uota_manifest2_free(UotaManifest2 *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaManifest2, uota_manifest2_free)

/* Whether the version @new is lower than @installed, as boards compare them: by the numbers before
 * the first `-` or `+`. */
gboolean uota_version_is_lower(const char *new, const char *installed);

/* Whether no update may delete @path: /lib/uota, /config, /data, /boot.py, /ota_*. */
gboolean uota_path_is_kept(const char *path);
