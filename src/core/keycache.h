/* The keys that passwords were stretched to, kept in the user's cache folder, so that 200,000
 * rounds of PBKDF2 are paid once for a board, and not for every command. */
#pragma once

#include "core/keys.h"

/* As uota_secret_from_password(), from the cache if it is there, else made and kept there: in a
 * file of mode 0600 whose name is a hash of all four, so that another password, salt or number of
 * rounds finds nothing. Where nothing can be kept it is made each time. */
void uota_keycache_secret(const char *password, const guint8 *salt, gsize salt_len, guint rounds,
	guint8 secret[UOTA_SECRET_SIZE]);

/* The file that keeps it. Returns: (transfer full) */
char *uota_keycache_path(const char *password, const guint8 *salt, gsize salt_len, guint rounds);
