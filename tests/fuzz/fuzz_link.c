/* Fuzzes the scanner of frames and both ends of a link. The first byte says which end, and how the
 * rest is cut; whatever comes, memory stays bounded, and what is sent is made of frames. */
#include "fuzz.h"
#include "protocol/link.h"

static void check_out(const GByteArray *out)
{
	g_autoptr(GByteArray) pending = g_byte_array_new();
	UotaFrame frame;
	gsize frames = 0;

	g_byte_array_append(pending, out->data, out->len);
	while (uota_frame_next(pending, &frame))
		frames++;
	g_assert_cmpuint(pending->len, ==, 0);
	g_assert_true(frames || !out->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const guint8 id[UOTA_LINK_ID_SIZE] = {1, 2, 3, 4};
	g_autoptr(UotaLink) link = NULL;
	gint64 now = 0;
	gsize chop;

	if (size < 1)
		return 0;
	link = uota_link_new(data[0] & 1 ? id : NULL);
	chop = (data[0] >> 1) + 1U;
	for (size_t at = 1; at < size; at += chop) {
		g_autoptr(GByteArray) out = g_byte_array_new();

		uota_link_send(link, "x", 1);
		uota_link_receive(link, data + at, MIN(chop, size - at));
		uota_link_take(link, now, out);
		check_out(out);
		g_assert_cmpuint(uota_link_received(link)->len, <=, size);
		now += 100000;
	}
	return 0;
}
