/* SHA-256 and HMAC-SHA256, by nettle; the random bytes are the operating system's. */
#include "core/signer.h"

#include <errno.h>
#include <nettle/memops.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

#define RANDOM_MAX 256 /* bytes that getentropy() gives at once */

void uota_signer_init(UotaSigner *signer, const char *key)
{
	hmac_sha256_set_key(&signer->hmac, strlen(key), (const guint8 *)key);
}

void uota_signer_update(UotaSigner *signer, const void *data, gsize len)
{
	hmac_sha256_update(&signer->hmac, len, data);
}

void uota_signer_finish(UotaSigner *signer, guint8 mac[UOTA_SHA256_SIZE])
{
	hmac_sha256_digest(&signer->hmac, UOTA_SHA256_SIZE, mac);
}

void uota_sha256(const void *data, gsize len, guint8 digest[UOTA_SHA256_SIZE])
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, len, data);
	sha256_digest(&hash, UOTA_SHA256_SIZE, digest);
}

char *uota_hex(const void *data, gsize len)
{
	static const char digits[] = "0123456789abcdef";
	const guint8 *bytes = data;
	char *hex = g_malloc(2 * len + 1);

	for (gsize i = 0; i < len; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * len] = '\0';
	return hex;
}

char *uota_sha256_hex(const guint8 digest[UOTA_SHA256_SIZE])
{
	return uota_hex(digest, UOTA_SHA256_SIZE);
}

gboolean uota_sha256_from_hex(const char *hex, guint8 digest[UOTA_SHA256_SIZE])
{
	guint8 bytes[UOTA_SHA256_SIZE];

	for (gsize i = 0; i < UOTA_SHA256_HEX_SIZE; i++) {
		int nibble = g_ascii_xdigit_value(hex[i]);

		/* the terminator is no digit either, so nothing is read behind it */
		if (nibble < 0)
			return FALSE;
		bytes[i / 2] = (guint8)((i % 2 ? bytes[i / 2] << 4 : 0) | nibble);
	}
	if (hex[UOTA_SHA256_HEX_SIZE])
		return FALSE;
	memcpy(digest, bytes, sizeof(bytes));
	return TRUE;
}

gboolean uota_sha256_equal(const guint8 a[UOTA_SHA256_SIZE], const guint8 b[UOTA_SHA256_SIZE])
{
	return memeql_sec(a, b, UOTA_SHA256_SIZE);
}

gboolean uota_random(void *data, gsize len, GError **error)
{
	g_return_val_if_fail(len <= RANDOM_MAX, FALSE);

	if (getentropy(data, len) != 0) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"no random numbers from the operating system: %s", g_strerror(errno));
		return FALSE;
	}
	return TRUE;
}
