/* PBKDF2 and HKDF by nettle. */
#include "core/keys.h"

#include <nettle/hkdf.h>
#include <nettle/pbkdf2.h>
#include <string.h>

#define SESSION_LABEL "\xFFuota 2 session"

void uota_wipe(void *data, gsize len)
{
	explicit_bzero(data, len);
}

void uota_wipe_text(char *text)
{
	if (text)
		uota_wipe(text, strlen(text));
	g_free(text);
}

void uota_secret_from_password(const char *password, const guint8 *salt, gsize salt_len,
	guint rounds, guint8 secret[UOTA_SECRET_SIZE])
{
	pbkdf2_hmac_sha256(strlen(password), (const guint8 *)password, rounds, salt_len, salt,
		UOTA_SECRET_SIZE, secret);
}

void uota_secret_from_key(const char *signing_key, guint8 secret[UOTA_SECRET_SIZE])
{
	UotaSigner signer;

	uota_signer_init(&signer, signing_key);
	uota_signer_update(&signer, SESSION_LABEL, strlen(SESSION_LABEL));
	uota_signer_finish(&signer, secret);
	uota_wipe(&signer, sizeof signer);
}

static void hash_lines(
	const char *host_line, const char *board_line, guint8 digest[UOTA_SHA256_SIZE])
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, strlen(host_line), (const guint8 *)host_line);
	sha256_update(&hash, strlen(board_line), (const guint8 *)board_line);
	sha256_digest(&hash, UOTA_SHA256_SIZE, digest);
}

/* @hmac: keyed with what was extracted. */
static void expand(struct hmac_sha256_ctx *hmac, const char *label, gsize len, guint8 *key)
{
	hkdf_expand(hmac, (nettle_hash_update_func *)hmac_sha256_update,
		(nettle_hash_digest_func *)hmac_sha256_digest, UOTA_SHA256_SIZE, strlen(label),
		(const guint8 *)label, len, key);
}

void uota_keys_derive(UotaKeys *keys, const guint8 secret[UOTA_SECRET_SIZE], const char *host_line,
	const char *board_line)
{
	guint8 transcript[UOTA_SHA256_SIZE], prk[UOTA_SHA256_SIZE];
	struct hmac_sha256_ctx hmac;

	hash_lines(host_line, board_line, transcript);
	hmac_sha256_set_key(&hmac, sizeof transcript, transcript);
	hkdf_extract(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
		(nettle_hash_digest_func *)hmac_sha256_digest, UOTA_SHA256_SIZE, UOTA_SECRET_SIZE,
		secret, prk);
	hmac_sha256_set_key(&hmac, sizeof prk, prk);
	expand(&hmac, "uota 2 host proof", UOTA_SHA256_SIZE, keys->host_proof);
	expand(&hmac, "uota 2 board proof", UOTA_SHA256_SIZE, keys->board_proof);
	expand(&hmac, "uota 2 host mac", UOTA_SHA256_SIZE, keys->host_mac);
	expand(&hmac, "uota 2 board mac", UOTA_SHA256_SIZE, keys->board_mac);
	expand(&hmac, "uota 2 host aes", UOTA_AES_KEY_SIZE, keys->host_aes);
	expand(&hmac, "uota 2 board aes", UOTA_AES_KEY_SIZE, keys->board_aes);
	uota_wipe(prk, sizeof prk);
	uota_wipe(&hmac, sizeof hmac);
}

void uota_keys_wipe(UotaKeys *keys)
{
	uota_wipe(keys, sizeof *keys);
}
