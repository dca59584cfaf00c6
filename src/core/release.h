/* A release: the project's files of one scope under one version, hashed and signed. */
#pragma once

#include "core/fileset.h"
#include "core/manifest.h"

/* Collects the files of @scope of the project in @dir and signs them when @config has a key.
 * @version: (nullable) NULL: that of the configuration. Errors: those of the version and of the
 * file set. Returns: (transfer full) */
UotaManifest *uota_release_make(const char *dir, const UotaConfig *config, UotaScope scope,
	const char *version, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
