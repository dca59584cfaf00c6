/* What a user proves himself with. */
#include "protocol/credentials.h"

#include <string.h>

#include "core/error.h"
#include "core/keycache.h"

static gboolean refuse(GError **error, const char *why)
{
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_REFUSED, why);
	return FALSE;
}

gboolean uota_credentials_any(const UotaCredentials *credentials)
{
	return credentials->password || credentials->signing_key;
}

static gboolean from_nothing(
	const UotaCredentials *credentials, guint8 secret[UOTA_SECRET_SIZE], GError **error)
{
	memset(secret, 0, UOTA_SECRET_SIZE);
	return !uota_credentials_any(credentials) ||
	       refuse(error, "the board says that it has no secret, but the project has one: this "
			     "is not the board it should be, or it was never given its "
			     "configuration over the cable");
}

static gboolean from_hash(
	const char *password, gboolean legacy, guint8 secret[UOTA_SECRET_SIZE], GError **error)
{
	uota_sha256(password, strlen(password), secret);
	return legacy || refuse(error, "the board knows only a fast hash of the password, as 1.0 "
				       "set it up: --legacy proves with it all the same; with "
				       "\"minProtocol\": 2 in config/ota.json a push replaces it");
}

gboolean uota_credentials_secret(const UotaCredentials *credentials, const UotaMethod *method,
	gboolean legacy, guint8 secret[UOTA_SECRET_SIZE], GError **error)
{
	const char *password = credentials->password;

	if (method->kind == UOTA_METHOD_NONE)
		return from_nothing(credentials, secret, error);
	if (method->kind == UOTA_METHOD_KEY && !credentials->signing_key)
		return refuse(error, "the board wants the signing key: put it into "
				     "config/.ota.secrets.json as \"signingKey\"");
	if (method->kind == UOTA_METHOD_KEY) {
		uota_secret_from_key(credentials->signing_key, secret);
		return TRUE;
	}
	if (!password)
		return refuse(error, "the board wants a password: put it into "
				     "config/.ota.secrets.json as \"otaPassword\"");
	if (method->kind == UOTA_METHOD_SHA256)
		return from_hash(password, legacy, secret, error);
	uota_keycache_secret(password, method->salt, method->salt_len, method->rounds, secret);
	return TRUE;
}

char *uota_credentials_stored(const char *password, const UotaMethod *method)
{
	guint8 secret[UOTA_SECRET_SIZE];
	g_autofree char *text = uota_method_text(method);
	g_autofree char *hex = NULL;

	uota_keycache_secret(password, method->salt, method->salt_len, method->rounds, secret);
	hex = uota_hex(secret, sizeof secret);
	uota_wipe(secret, sizeof secret);
	return g_strconcat(text, ":", hex, NULL);
}
