/* Messages, deflated by zlib. */
#include "protocol/message.h"

#include <zlib.h>

#define SIZE 2U /* bytes before the content */

struct UotaPacker {
	guint window, wbits;
	z_stream zlib;
};

UotaPacker *uota_packer_new(guint window, guint wbits)
{
	UotaPacker *packer = g_new0(UotaPacker, 1);

	packer->window = window;
	packer->wbits = wbits;
	if (wbits && deflateInit2(&packer->zlib, Z_BEST_COMPRESSION, Z_DEFLATED, -(int)wbits,
			     MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		g_error("out of memory"); /* as GLib does it everywhere */
	return packer;
}

/* Deflates all of @content to @out. FALSE: it does not fit, and the stream is no longer usable. */
static gboolean squeeze(UotaPacker *packer, const void *content, gsize len, GByteArray *out)
{
	gsize max = packer->window + UOTA_MESSAGE_ROOM - SIZE;

	g_byte_array_set_size(out, (guint)(SIZE + max));
	packer->zlib.next_in = (z_const Bytef *)content;
	packer->zlib.avail_in = (uInt)len;
	packer->zlib.next_out = out->data + SIZE;
	packer->zlib.avail_out = (uInt)max;
	if (deflate(&packer->zlib, Z_SYNC_FLUSH) != Z_OK || packer->zlib.avail_out == 0)
		return FALSE;
	g_byte_array_set_size(out, (guint)(SIZE + max - packer->zlib.avail_out));
	return TRUE;
}

static void append_stored(GByteArray *out, const void *content, gsize len)
{
	guint8 head[] = {0, (guint8)len, (guint8)(len >> 8), (guint8)~len, (guint8)(~len >> 8)};

	g_byte_array_append(out, head, sizeof head);
	g_byte_array_append(out, content, (guint)len);
}

/* zlib cannot store more than its window holds, and makes incompressible content longer then. A
 * stored block of our own is no longer; what comes after it refers to nothing before. */
static void store(UotaPacker *packer, const void *content, gsize len, GByteArray *out)
{
	g_byte_array_set_size(out, SIZE);
	append_stored(out, content, len);
	append_stored(out, "", 0);
	(void)deflateReset(&packer->zlib);
}

void uota_packer_pack(UotaPacker *packer, const void *content, gsize len, GByteArray *out)
{
	guint8 size[SIZE] = {(guint8)(len >> 8), (guint8)len};

	g_return_if_fail(len >= 1 && len <= packer->window);
	g_byte_array_set_size(out, 0);
	g_byte_array_append(out, size, SIZE);
	if (!packer->wbits)
		g_byte_array_append(out, content, (guint)len);
	else if (!squeeze(packer, content, len, out))
		store(packer, content, len, out);
}

void uota_packer_free(UotaPacker *packer)
{
	if (!packer)
		return;
	if (packer->wbits)
		(void)deflateEnd(&packer->zlib);
	g_free(packer);
}
