/* Records: the vectors in both directions, however they are cut, and whatever is changed. */
#include <string.h>

#include "core/error.h"
#include "protocol/record.h"
#include "support/vectors.h"

static const void *key_of(const json_t *vector, const char *name, GBytes **owner)
{
	*owner = vector_bytes(vector, name);
	return *owner ? g_bytes_get_data(*owner, NULL) : NULL;
}

static UotaOpener *opener_for(const json_t *vector, gsize max)
{
	g_autoptr(GBytes) mac = NULL;
	g_autoptr(GBytes) aes = NULL;
	const guint8 *mac_key = key_of(vector, "mac_key", &mac);
	const guint8 *aes_key = key_of(vector, "aes_key", &aes);

	return uota_opener_new(mac_key, aes_key, max);
}

static GByteArray *wire_of(const json_t *records)
{
	GByteArray *wire = g_byte_array_new();
	json_t *record;
	gsize i;

	json_array_foreach(records, i, record)
	{
		g_autoptr(GBytes) bytes = vector_bytes(record, "wire");

		g_byte_array_append(
			wire, g_bytes_get_data(bytes, NULL), (guint)g_bytes_get_size(bytes));
	}
	return wire;
}

static void expect_record(const UotaRecord *record, const json_t *expected)
{
	g_autoptr(GBytes) payload = vector_bytes(expected, "payload");
	gsize len = 0;
	const void *data = g_bytes_get_data(payload, &len);

	g_assert_cmpuint(
		record->type, ==, (guint)json_integer_value(json_object_get(expected, "type")));
	g_assert_cmpmem(record->payload, record->len, data, len);
}

/* Feeds @wire in pieces of @chop bytes; @records must come out. */
static void expect_records(
	UotaOpener *opener, const GByteArray *wire, gsize chop, const json_t *records)
{
	gsize got = 0;
	UotaRecord record;

	for (gsize at = 0; at < wire->len; at += chop) {
		uota_opener_feed(opener, wire->data + at, MIN(chop, wire->len - at));
		for (;;) {
			g_assert_true(uota_opener_next(opener, &record, NULL));
			if (!record.type)
				break;
			expect_record(&record, json_array_get(records, got++));
		}
	}
	g_assert_cmpuint(got, ==, json_array_size(records));
	g_assert_true(uota_opener_empty(opener));
}

static void opens_the_vectors_however_they_are_cut(void)
{
	g_autoptr(json_t) vectors = vectors_load("records2", "streams");
	static const gsize chops[] = {1, 7, 48, 100000};
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		const json_t *records = json_object_get(vector, "records");
		g_autoptr(GByteArray) wire = wire_of(records);

		for (gsize n = 0; n < G_N_ELEMENTS(chops); n++) {
			g_autoptr(UotaOpener) opener = opener_for(vector, UOTA_RECORD_BOARD_MAX);

			expect_records(opener, wire, chops[n], records);
		}
	}
}

static UotaSealer *sealer_for(const json_t *vector)
{
	g_autoptr(GBytes) mac = NULL;
	g_autoptr(GBytes) aes = NULL;
	const guint8 *mac_key = key_of(vector, "mac_key", &mac);
	const guint8 *aes_key = key_of(vector, "aes_key", &aes);

	return uota_sealer_new(mac_key, aes_key);
}

static GByteArray *seal_all(const json_t *vector)
{
	g_autoptr(UotaSealer) sealer = sealer_for(vector);
	GByteArray *wire = g_byte_array_new();
	json_t *record;
	gsize i;

	json_array_foreach(json_object_get(vector, "records"), i, record)
	{
		g_autoptr(GBytes) payload = vector_bytes(record, "payload");
		guint8 type = (guint8)json_integer_value(json_object_get(record, "type"));
		gsize len = 0;
		const void *data = g_bytes_get_data(payload, &len);

		g_assert_true(uota_sealer_seal(sealer, type, data, len, wire, NULL));
	}
	return wire;
}

static void what_is_sealed_can_be_opened(void)
{
	g_autoptr(json_t) vectors = vectors_load("records2", "streams");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		const json_t *records = json_object_get(vector, "records");
		g_autoptr(UotaOpener) opener = opener_for(vector, UOTA_RECORD_BOARD_MAX);
		g_autoptr(GByteArray) theirs = wire_of(records);
		g_autoptr(GByteArray) ours = seal_all(vector);

		g_assert_cmpuint(ours->len, ==, theirs->len);
		g_assert_true(memcmp(ours->data, theirs->data, ours->len) != 0);
		expect_records(opener, ours, ours->len, records);
	}
}

/* TRUE when all of @data was taken; FALSE when something in it is refused. */
static gboolean passes(const json_t *keys, const guint8 *data, gsize len)
{
	g_autoptr(UotaOpener) opener = opener_for(keys, UOTA_RECORD_HOST_MAX);
	g_autoptr(GError) error = NULL;
	UotaRecord record;

	uota_opener_feed(opener, data, len);
	do {
		if (!uota_opener_next(opener, &record, &error)) {
			g_assert_false(uota_opener_next(opener, &record, NULL));
			return FALSE;
		}
	} while (record.type && record.type <= UOTA_RECORD_DATA);
	return !record.type && uota_opener_empty(opener);
}

static void refuses_what_was_not_sent(void)
{
	g_autoptr(json_t) vectors = vectors_load("records2", "refused");
	g_autoptr(json_t) keys = vectors_load("records2", "refused-keys");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		g_autoptr(GBytes) wire = vector_bytes(vector, "wire");
		gsize len = 0;
		const guint8 *data = g_bytes_get_data(wire, &len);

		g_test_message("%s", vector_text(vector, "why"));
		g_assert_false(passes(keys, data, len));
	}
}

static void refuses_every_flipped_bit(void)
{
	g_autoptr(json_t) keys = vectors_load("records2", "refused-keys");
	g_autoptr(UotaSealer) sealer = sealer_for(keys);
	g_autoptr(GByteArray) wire = g_byte_array_new();

	g_assert_true(uota_sealer_seal(sealer, UOTA_RECORD_TEXT, "ping", 4, wire, NULL));
	g_assert_true(passes(keys, wire->data, wire->len));
	for (gsize bit = 0; bit < (gsize)8 * wire->len; bit++) {
		wire->data[bit / 8] ^= (guint8)(1 << bit % 8);
		g_assert_false(passes(keys, wire->data, wire->len));
		wire->data[bit / 8] ^= (guint8)(1 << bit % 8);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/record/opens-the-vectors-however-they-are-cut",
		opens_the_vectors_however_they_are_cut);
	g_test_add_func("/record/what-is-sealed-can-be-opened", what_is_sealed_can_be_opened);
	g_test_add_func("/record/refuses-what-was-not-sent", refuses_what_was_not_sent);
	g_test_add_func("/record/refuses-every-flipped-bit", refuses_every_flipped_bit);
	return g_test_run();
}
