/* What a user has to prove himself with to a board, and what he must not prove with it. */
#pragma once

#include "protocol/hello.h"

typedef struct {
	const char *password;    /* plaintext; NULL: none */
	const char *signing_key; /* NULL: none */
} UotaCredentials;

/* Whether there is anything to be betrayed by a weaker protocol. */
gboolean uota_credentials_any(const UotaCredentials *credentials);

/* The secret that @method stands for, with @credentials.
 *
 * @legacy: a fast hash of the password may be proven with.
 *
 * The key that a password is stretched to is kept in the user's cache folder.
 * Error: UOTA_ERROR_REFUSED: `none` to who has a secret, a method that he has none for, or a hash
 * that is too fast. */
gboolean uota_credentials_secret(const UotaCredentials *credentials, const UotaMethod *method,
	gboolean legacy, guint8 secret[UOTA_SECRET_SIZE], GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a board stores of @password as otaPassword: the method and its secret.
 * Returns: (transfer full) */
char *uota_credentials_stored(const char *password, const UotaMethod *method);
