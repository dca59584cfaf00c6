/* Fuzzes the opener of records. The first byte says how the rest is cut, and whether it is what a
 * peer that has the keys sends: then it is sealed first, and must come out again. */
#include <string.h>

#include "fuzz.h"
#include "protocol/record.h"

static const guint8 mac_key[UOTA_SHA256_SIZE] = "mac", aes_key[UOTA_AES_KEY_SIZE] = "aes";

/* Bytes of payload that came out before the end, or before something was wrong. */
static gsize open_all(const guint8 *data, gsize size, gsize chop, gboolean *failed)
{
	g_autoptr(UotaOpener) opener = uota_opener_new(mac_key, aes_key, UOTA_RECORD_BOARD_MAX);
	UotaRecord record = {0};
	gsize sum = 0;

	*failed = FALSE;
	for (gsize at = 0; at < size && !*failed; at += chop) {
		uota_opener_feed(opener, data + at, MIN(chop, size - at));
		do {
			*failed = !uota_opener_next(opener, &record, NULL);
			sum += record.len;
			g_assert_cmpuint(record.len, <=, UOTA_RECORD_BOARD_MAX);
		} while (!*failed && record.type);
	}
	return sum;
}

static void check_sealed(const guint8 *data, gsize size, gsize chop)
{
	g_autoptr(UotaSealer) sealer = uota_sealer_new(mac_key, aes_key);
	g_autoptr(GByteArray) wire = g_byte_array_new();
	gboolean failed;

	for (gsize at = 0; at < size; at += chop)
		g_assert_true(uota_sealer_seal(
			sealer, UOTA_RECORD_DATA, data + at, MIN(chop, size - at), wire, NULL));
	g_assert_cmpuint(open_all(wire->data, wire->len, chop + 1, &failed), ==, size);
	g_assert_false(failed);
	if (!wire->len)
		return;
	wire->data[size % wire->len] ^= 1;
	g_assert_cmpuint(open_all(wire->data, wire->len, chop + 1, &failed), <, size + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gboolean failed;

	if (size < 1)
		return 0;
	(void)open_all(data + 1, size - 1, data[0] + 1U, &failed);
	check_sealed(data + 1, size - 1, data[0] + 1U);
	return 0;
}
