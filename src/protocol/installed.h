/* What a board has installed, as far as the host knows: from its own last push, or from the board.
 * It tells which content need not travel, and what a partial push must delete; the board checks. */
#pragma once

#include "core/manifest.h"
#include "protocol/session.h"

/* Paths to hashes in hex: (element-type utf8 utf8). */
typedef GHashTable UotaInstalled;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaInstalled, g_hash_table_unref)

UotaInstalled *uota_installed_new(void);

/* What this host has kept of the update that a board calls @id. NULL: nothing.
 * Returns: (transfer full) (nullable) */
UotaInstalled *uota_installed_recall(const char *id);

/* What the board says. Where it has nothing, or nothing that can be read, it is empty.
 * Error: the session's. Returns: (transfer full) */
UotaInstalled *uota_installed_ask(UotaSession *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts the files of @manifest over what is there. */
void uota_installed_merge(UotaInstalled *installed, const UotaManifest *manifest);

/* Keeps @installed in the user's cache folder as what a board has whose last update is @id; what
 * was kept as @before (nullable) goes. Where nothing can be kept nothing is. */
void uota_installed_keep(UotaInstalled *installed, const char *id, const char *before);
