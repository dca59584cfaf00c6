/* A release: the project's files under one version, hashed and signed. */
#include "core/release.h"

UotaManifest *uota_release_make(const char *dir, const UotaConfig *config, UotaScope scope,
	const char *version, GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) files = NULL;
	UotaManifest *manifest;

	if (version && !uota_config_check_version(version, error)) {
		g_prefix_error(error, "version: ");
		return NULL;
	}
	files = uota_fileset_collect(dir, config, scope, cancellable, error);
	if (!files)
		return NULL;
	manifest = uota_manifest_new(version ? version : config->version, files);
	if (config->signing_key)
		uota_manifest_sign(manifest, config->signing_key);
	return manifest;
}
