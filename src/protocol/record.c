/* Records: encrypt-then-MAC, AES-128-CBC, HMAC-SHA256. */
#include "protocol/record.h"

#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/memops.h>
#include <string.h>

#include "core/error.h"

#define SIZE 2U  /* bytes of the size before the body */
#define HEAD 16U /* bytes of the head in the body */
#define TAG 16U

struct UotaSealer {
	struct hmac_sha256_ctx mac;
	gboolean encrypts;
	struct CBC_CTX(struct aes128_ctx, AES_BLOCK_SIZE) cbc;
	guint32 sequence;
};

struct UotaOpener {
	struct hmac_sha256_ctx mac;
	gboolean decrypts;
	struct CBC_CTX(struct aes128_ctx, AES_BLOCK_SIZE) cbc;
	guint32 sequence;
	gsize max;           /* bytes of payload */
	GByteArray *pending; /* fed, from `taken` on not yet taken */
	gsize taken;
	gboolean broken;
};

static void put16(guint8 *at, gsize value)
{
	at[0] = (guint8)(value >> 8);
	at[1] = (guint8)value;
}

static gsize get16(const guint8 *at)
{
	return (gsize)at[0] << 8 | at[1];
}

static gsize padded(gsize len)
{
	return (len + AES_BLOCK_SIZE - 1) / AES_BLOCK_SIZE * AES_BLOCK_SIZE;
}

/* @record: size and body. The key stays set. */
static void make_tag(struct hmac_sha256_ctx *mac, guint32 sequence, const guint8 *record, gsize len,
	guint8 tag[TAG])
{
	guint32 number = GUINT32_TO_BE(sequence);

	hmac_sha256_update(mac, sizeof number, (const guint8 *)&number);
	hmac_sha256_update(mac, len, record);
	hmac_sha256_digest(mac, TAG, tag);
}

UotaSealer *uota_sealer_new(
	const guint8 mac_key[UOTA_SHA256_SIZE], const guint8 aes_key[UOTA_AES_KEY_SIZE])
{
	UotaSealer *sealer = g_new0(UotaSealer, 1);

	hmac_sha256_set_key(&sealer->mac, UOTA_SHA256_SIZE, mac_key);
	sealer->encrypts = aes_key != NULL;
	if (aes_key)
		aes128_set_encrypt_key(&sealer->cbc.ctx, aes_key);
	return sealer;
}

static gboolean write_head(
	UotaSealer *sealer, guint8 type, gsize len, guint8 head[HEAD], GError **error)
{
	put16(head, sealer->sequence >> 16);
	put16(head + 2, sealer->sequence);
	put16(head + 4, len);
	head[6] = type;
	return uota_random(head + 7, HEAD - 7, error);
}

gboolean uota_sealer_seal(UotaSealer *sealer, guint8 type, const void *payload, gsize len,
	GByteArray *out, GError **error)
{
	gsize size = HEAD + padded(len);
	guint at = out->len;
	guint8 *record;

	g_return_val_if_fail(len <= UOTA_RECORD_PAYLOAD_MAX, FALSE);
	if (sealer->sequence == G_MAXUINT32) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"the session has been used for too long: connect again");
		return FALSE;
	}
	g_byte_array_set_size(out, (guint)(at + SIZE + size + TAG));
	record = out->data + at;
	put16(record, size);
	if (!write_head(sealer, type, len, record + SIZE, error)) {
		g_byte_array_set_size(out, at);
		return FALSE;
	}
	memset(record + SIZE + HEAD, 0, size - HEAD);
	if (len)
		memcpy(record + SIZE + HEAD, payload, len);
	if (sealer->encrypts)
		CBC_ENCRYPT(&sealer->cbc, aes128_encrypt, size, record + SIZE, record + SIZE);
	make_tag(&sealer->mac, sealer->sequence++, record, SIZE + size, record + SIZE + size);
	return TRUE;
}

void uota_sealer_free(UotaSealer *sealer)
{
	if (sealer)
		uota_wipe(sealer, sizeof *sealer);
	g_free(sealer);
}

UotaOpener *uota_opener_new(
	const guint8 mac_key[UOTA_SHA256_SIZE], const guint8 aes_key[UOTA_AES_KEY_SIZE], gsize max)
{
	UotaOpener *opener = g_new0(UotaOpener, 1);

	hmac_sha256_set_key(&opener->mac, UOTA_SHA256_SIZE, mac_key);
	opener->decrypts = aes_key != NULL;
	if (aes_key)
		aes128_set_decrypt_key(&opener->cbc.ctx, aes_key);
	opener->max = max;
	opener->pending = g_byte_array_new();
	return opener;
}

void uota_opener_feed(UotaOpener *opener, const void *data, gsize len)
{
	if (opener->taken) {
		g_byte_array_remove_range(opener->pending, 0, (guint)opener->taken);
		opener->taken = 0;
	}
	g_byte_array_append(opener->pending, data, (guint)len);
}

/* One word for all that may be wrong: who has tampered is to learn nothing. */
static gboolean fail(UotaOpener *opener, GError **error)
{
	opener->broken = TRUE;
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"what came is not what the board sent: somebody, or the line, changed it");
	return FALSE;
}

static gboolean is_size(const UotaOpener *opener, gsize size)
{
	return size >= HEAD && size % AES_BLOCK_SIZE == 0 && size <= HEAD + padded(opener->max);
}

static gboolean open_record(UotaOpener *opener, guint8 *data, gsize size, UotaRecord *record)
{
	guint8 *body = data + SIZE;
	guint8 tag[TAG];
	gsize len;

	make_tag(&opener->mac, opener->sequence, data, SIZE + size, tag);
	if (!memeql_sec(tag, body + size, TAG))
		return FALSE;
	if (opener->decrypts)
		CBC_DECRYPT(&opener->cbc, aes128_decrypt, size, body, body);
	len = get16(body + 4);
	if (size != HEAD + padded(len) || len > opener->max || body[6] == 0 ||
		opener->sequence == G_MAXUINT32)
		return FALSE;
	opener->sequence++;
	*record = (UotaRecord){body[6], body + HEAD, len};
	return TRUE;
}

gboolean uota_opener_next(UotaOpener *opener, UotaRecord *record, GError **error)
{
	guint8 *data = opener->pending->data + opener->taken;
	gsize len = opener->pending->len - opener->taken;
	gsize size;

	*record = (UotaRecord){0};
	if (opener->broken)
		return fail(opener, error);
	if (len < SIZE)
		return TRUE;
	size = get16(data);
	if (!is_size(opener, size))
		return fail(opener, error);
	if (len < SIZE + size + TAG)
		return TRUE;
	opener->taken += SIZE + size + TAG;
	return open_record(opener, data, size, record) || fail(opener, error);
}

gboolean uota_opener_empty(const UotaOpener *opener)
{
	return opener->pending->len == opener->taken;
}

void uota_opener_free(UotaOpener *opener)
{
	if (!opener)
		return;
	g_clear_pointer(&opener->pending, g_byte_array_unref);
	uota_wipe(opener, sizeof *opener);
	g_free(opener);
}
