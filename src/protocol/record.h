/* The records of protocol 2 (docs/protocol.md, 5): authenticated, encrypted, in order. No I/O:
 * whoever has bytes feeds them. */
#pragma once

#include "core/keys.h"

#define UOTA_RECORD_TEXT 1U
#define UOTA_RECORD_DATA 2U
#define UOTA_RECORD_END 3U
#define UOTA_RECORD_ERROR 4U

#define UOTA_RECORD_HOST_MAX 512U   /* bytes of payload, but for the messages of a push */
#define UOTA_RECORD_BOARD_MAX 4096U /* bytes of payload */
#define UOTA_RECORD_PAYLOAD_MAX 65504U

typedef struct UotaSealer UotaSealer;
typedef struct UotaOpener UotaOpener;

/* Makes the records of one direction. @aes_key: NULL: they are authenticated only.
 * Returns: (transfer full) */
UotaSealer *uota_sealer_new(
	const guint8 mac_key[UOTA_SHA256_SIZE], const guint8 aes_key[UOTA_AES_KEY_SIZE]);

/* Appends to @out the record with @len bytes of @payload, at most UOTA_RECORD_PAYLOAD_MAX. Error:
 * no random bytes, or so many records that the sequence would wrap. */
gboolean uota_sealer_seal(UotaSealer *sealer, guint8 type, const void *payload, gsize len,
	GByteArray *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Wipes the keys. */
void uota_sealer_free(UotaSealer *sealer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaSealer, uota_sealer_free)

/* Takes apart the records of one direction. @max: bytes of payload that one may have.
 * Returns: (transfer full) */
UotaOpener *uota_opener_new(
	const guint8 mac_key[UOTA_SHA256_SIZE], const guint8 aes_key[UOTA_AES_KEY_SIZE], gsize max);

/* Adds @len bytes as they came. */
void uota_opener_feed(UotaOpener *opener, const void *data, gsize len);

typedef struct {
	guint8 type;           /* 0: there is no complete record yet */
	const guint8 *payload; /* the opener's, until it is called again */
	gsize len;
} UotaRecord;

/* Takes the next record off. Error: it is not as it was sent, and nothing after it counts. */
gboolean uota_opener_next(UotaOpener *opener, UotaRecord *record, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* TRUE when there is nothing that was fed and not taken. */
gboolean uota_opener_empty(const UotaOpener *opener);

void uota_opener_free(UotaOpener *opener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaOpener, uota_opener_free)
