/* SHA-256, HMAC, hex and random bytes, against published vectors. */
#include "core/signer.h"

#include <string.h>

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void assert_hex(const guint8 digest[UOTA_SHA256_SIZE], const char *expected)
{
	g_autofree char *hex = uota_sha256_hex(digest);

	g_assert_cmpstr(hex, ==, expected);
}

static void hashes_as_fips_180(void)
{
	guint8 digest[UOTA_SHA256_SIZE];

	uota_sha256("abc", 3, digest);
	assert_hex(digest, ABC);
	uota_sha256(NULL, 0, digest);
	assert_hex(digest, NOTHING);
}

static void mac_of(const char *key, const char *text, guint8 mac[UOTA_SHA256_SIZE])
{
	UotaSigner signer;

	uota_signer_init(&signer, key);
	uota_signer_update(&signer, text, strlen(text));
	uota_signer_finish(&signer, mac);
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than a block). */
static void signs_as_rfc_4231(void)
{
	g_autofree char *long_key = g_strnfill(131, (char)0xaa);
	g_autofree char *short_key = g_strnfill(20, 0x0b);
	guint8 mac[UOTA_SHA256_SIZE];

	mac_of(short_key, "Hi There", mac);
	assert_hex(mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	mac_of("Jefe", "what do ya want for nothing?", mac);
	assert_hex(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	mac_of(long_key, "Test Using Larger Than Block-Size Key - Hash Key First", mac);
	assert_hex(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void signs_the_same_in_pieces(void)
{
	const char *text = "what do ya want for nothing?";
	guint8 whole[UOTA_SHA256_SIZE], pieces[UOTA_SHA256_SIZE];
	UotaSigner signer;

	mac_of("Jefe", text, whole);
	uota_signer_init(&signer, "Jefe");
	for (const char *p = text; *p; p++)
		uota_signer_update(&signer, p, 1);
	uota_signer_finish(&signer, pieces);
	g_assert_true(uota_sha256_equal(whole, pieces));
}

static void reads_hex_in_either_case(void)
{
	g_autofree char *upper = g_ascii_strup(ABC, -1);
	guint8 a[UOTA_SHA256_SIZE], b[UOTA_SHA256_SIZE];

	g_assert_true(uota_sha256_from_hex(ABC, a));
	g_assert_true(uota_sha256_from_hex(upper, b));
	g_assert_true(uota_sha256_equal(a, b));
	assert_hex(a, ABC);
}

static void refuses_other_hex(void)
{
	g_autofree char *odd = g_strdup(ABC);
	guint8 digest[UOTA_SHA256_SIZE] = {1, 2, 3};
	const guint8 before[UOTA_SHA256_SIZE] = {1, 2, 3};

	odd[31] = 'g';
	g_assert_false(uota_sha256_from_hex(odd, digest));
	g_assert_false(uota_sha256_from_hex("", digest));
	g_assert_false(uota_sha256_from_hex(ABC "0", digest));
	g_assert_false(uota_sha256_from_hex(ABC "00", digest));
	odd[31] = '0';
	odd[63] = '\0';
	g_assert_false(uota_sha256_from_hex(odd, digest));
	g_assert_false(uota_sha256_from_hex(" " NOTHING, digest));
	g_assert_cmpmem(digest, sizeof(digest), before, sizeof(before));
}

static void tells_every_differing_byte(void)
{
	guint8 a[UOTA_SHA256_SIZE] = {0}, b[UOTA_SHA256_SIZE] = {0};

	g_assert_true(uota_sha256_equal(a, b));
	for (gsize i = 0; i < UOTA_SHA256_SIZE; i++) {
		b[i] = 0x80;
		g_assert_false(uota_sha256_equal(a, b));
		b[i] = 0;
	}
}

static void writes_hex_of_any_length(void)
{
	g_autofree char *none = uota_hex("", 0);
	g_autofree char *three = uota_hex("\x00\x7f\xff", 3);

	g_assert_cmpstr(none, ==, "");
	g_assert_cmpstr(three, ==, "007fff");
}

static void gives_random_bytes(void)
{
	guint8 a[UOTA_SHA256_SIZE] = {0}, b[UOTA_SHA256_SIZE] = {0};
	g_autoptr(GError) error = NULL;

	g_assert_true(uota_random(a, sizeof(a), &error));
	g_assert_true(uota_random(b, sizeof(b), &error));
	g_assert_no_error(error);
	g_assert_false(uota_sha256_equal(a, b));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/signer/hashes-as-fips-180", hashes_as_fips_180);
	g_test_add_func("/signer/signs-as-rfc-4231", signs_as_rfc_4231);
	g_test_add_func("/signer/signs-the-same-in-pieces", signs_the_same_in_pieces);
	g_test_add_func("/signer/reads-hex-in-either-case", reads_hex_in_either_case);
	g_test_add_func("/signer/refuses-other-hex", refuses_other_hex);
	g_test_add_func("/signer/tells-every-differing-byte", tells_every_differing_byte);
	g_test_add_func("/signer/writes-hex-of-any-length", writes_hex_of_any_length);
	g_test_add_func("/signer/gives-random-bytes", gives_random_bytes);
	return g_test_run();
}
