/* SHA-256 and HMAC-SHA256 as the protocol uses them, and comparison in constant time.
 * FIPS 180-4, RFC 2104; the arithmetic is nettle's. */
#pragma once

#include <glib.h>
#include <nettle/hmac.h>
#include <nettle/sha2.h>

#define UOTA_SHA256_SIZE 32U    /* bytes of a digest */
#define UOTA_SHA256_HEX_SIZE 64 /* characters of its hex form, without the terminator */

/* A running HMAC-SHA256; plain memory, nothing to free. */
typedef struct {
	struct hmac_sha256_ctx hmac;
} UotaSigner;

/* Starts a MAC under @key (UTF-8 text as the configuration has it; its bytes are the HMAC key). */
void uota_signer_init(UotaSigner *signer, const char *key);

/* Adds @len bytes of @data. */
void uota_signer_update(UotaSigner *signer, const void *data, gsize len);

/* Writes the 32 bytes of the MAC to @mac. The signer must be initialised again before reuse. */
void uota_signer_finish(UotaSigner *signer, guint8 mac[UOTA_SHA256_SIZE]);

/* Writes the SHA-256 of @len bytes at @data to @digest. */
void uota_sha256(const void *data, gsize len, guint8 digest[UOTA_SHA256_SIZE]);

/* Lower-case hex of a digest. Returns: (transfer full) */
char *uota_sha256_hex(const guint8 digest[UOTA_SHA256_SIZE]);

/* Parses exactly 64 hex digits (either case) into @digest; FALSE on anything else. */
gboolean uota_sha256_from_hex(const char *hex, guint8 digest[UOTA_SHA256_SIZE])
	G_GNUC_WARN_UNUSED_RESULT;

/* TRUE when both 32-byte values are equal; the time taken does not depend on where they differ. */
gboolean uota_sha256_equal(const guint8 a[UOTA_SHA256_SIZE], const guint8 b[UOTA_SHA256_SIZE])
	G_GNUC_WARN_UNUSED_RESULT;

/* Lower-case hex of any @len bytes. Returns: (transfer full) */
char *uota_hex(const void *data, gsize len);

/* Fills @data with @len random bytes, at most 256, fit for keys. */
gboolean uota_random(void *data, gsize len, GError **error) G_GNUC_WARN_UNUSED_RESULT;
