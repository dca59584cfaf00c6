/* The manifest of protocol 1.0: version and the hash of each file, signed. */
#pragma once

#include "core/config.h"
#include "core/file.h"

#define UOTA_MANIFEST_MAX (1024 * 1024) /* bytes of JSON that are parsed at most */

typedef struct {
	char *version;
	GPtrArray *files; /* (element-type UotaFile) in code-point order of the paths */
	char *sig;        /* hex as parsed; NULL: unsigned */
} UotaManifest;

/* Makes the manifest of @files (in code-point order of the paths; a reference is taken) under
 * @version. Returns: (transfer full) */
UotaManifest *uota_manifest_new(const char *version, GPtrArray *files);

/* Parses @len bytes of JSON: strict, no duplicate keys, paths checked by uota_path_check(),
 * digests of 64 hex digits, sizes below 2^31, no file that is a folder of another; unknown keys
 * are skipped. Returns: (transfer full) */
UotaManifest *uota_manifest_parse(const char *json, gsize len, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

void uota_manifest_free(UotaManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaManifest, uota_manifest_free)

/* What a signature covers: the version, then for each path in code-point order `\n`, the path,
 * `:` and the hash in lower-case hex; no newline at the end. Returns: (transfer full) */
char *uota_manifest_signing_payload(const UotaManifest *manifest);

/* Sets manifest->sig to the hex HMAC-SHA256 of the signing payload under @key. */
void uota_manifest_sign(UotaManifest *manifest, const char *key);

/* TRUE when manifest->sig is the right signature under @key; compared in constant time. */
gboolean uota_manifest_verify(const UotaManifest *manifest, const char *key)
	G_GNUC_WARN_UNUSED_RESULT;

/* The manifest as the wire carries it, compact JSON. Returns: (transfer full) */
GBytes *uota_manifest_to_json(const UotaManifest *manifest);

/* The file of @path, or NULL. */
const UotaFile *uota_manifest_lookup(const UotaManifest *manifest, const char *path);
