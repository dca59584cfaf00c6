/* The secrets of protocol 2 and the keys of a session (docs/protocol.md, 3 and 4). */
#pragma once

#include "core/signer.h"

#define UOTA_SECRET_SIZE 32U /* bytes of a session's secret */
#define UOTA_AES_KEY_SIZE 16U
#define UOTA_SALT_MAX 32U /* bytes */

/* All keys of one connection, for both directions. To be wiped after use. */
typedef struct {
	guint8 host_proof[UOTA_SHA256_SIZE], board_proof[UOTA_SHA256_SIZE];
	guint8 host_mac[UOTA_SHA256_SIZE], board_mac[UOTA_SHA256_SIZE];
	guint8 host_aes[UOTA_AES_KEY_SIZE], board_aes[UOTA_AES_KEY_SIZE];
} UotaKeys;

/* Overwrites @len bytes that were secret; no compiler leaves this out. */
void uota_wipe(void *data, gsize len);

/* Wipes and frees @text (nullable). */
void uota_wipe_text(char *text);

/* The secret that a password is: PBKDF2-HMAC-SHA256. Takes a tenth of a second or more. */
void uota_secret_from_password(const char *password, const guint8 *salt, gsize salt_len,
	guint rounds, guint8 secret[UOTA_SECRET_SIZE]);

/* The secret of a board that has a signing key and no password. */
void uota_secret_from_key(const char *signing_key, guint8 secret[UOTA_SECRET_SIZE]);

/* The keys that follow from @secret and both hello lines as they were sent, with their `\n`. */
void uota_keys_derive(UotaKeys *keys, const guint8 secret[UOTA_SECRET_SIZE], const char *host_line,
	const char *board_line);

void uota_keys_wipe(UotaKeys *keys);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UotaKeys, uota_keys_wipe)
