/* Messages: whatever the content and the window, they inflate to it and keep within their room. */
#include <string.h>
#include <zlib.h>

#include "core/signer.h"
#include "protocol/message.h"
#include "support/vectors.h"

typedef struct {
	z_stream zlib;
	guint window, wbits;
} Board;

static void board_init(Board *board, guint window, guint wbits)
{
	*board = (Board){.window = window, .wbits = wbits};
	if (wbits)
		g_assert_cmpint(inflateInit2(&board->zlib, -(int)wbits), ==, Z_OK);
}

static void board_clear(Board *board)
{
	if (board->wbits)
		inflateEnd(&board->zlib);
}

/* Appends what @message holds to @content, as a board takes it. */
static void take(Board *board, const GByteArray *message, GByteArray *content)
{
	guint n = (guint)(message->data[0] << 8 | message->data[1]);
	guint at = content->len;

	g_assert_cmpuint(n, >=, 1);
	g_assert_cmpuint(n, <=, board->window);
	g_assert_cmpuint(message->len, <=, board->window + UOTA_MESSAGE_ROOM);
	g_byte_array_set_size(content, at + n);
	if (!board->wbits) {
		g_assert_cmpuint(message->len, ==, n + 2);
		memcpy(content->data + at, message->data + 2, n);
		return;
	}
	board->zlib.next_in = message->data + 2;
	board->zlib.avail_in = message->len - 2;
	board->zlib.next_out = content->data + at;
	board->zlib.avail_out = n;
	g_assert_cmpint(inflate(&board->zlib, Z_SYNC_FLUSH), ==, Z_OK);
	g_assert_cmpuint(board->zlib.avail_out, ==, 0);
}

static void check(const GByteArray *content, guint window, guint wbits)
{
	g_autoptr(UotaPacker) packer = uota_packer_new(window, wbits);
	g_autoptr(GByteArray) message = g_byte_array_new();
	g_autoptr(GByteArray) back = g_byte_array_new();
	Board board;

	board_init(&board, window, wbits);
	for (guint at = 0; at < content->len; at += window) {
		uota_packer_pack(
			packer, content->data + at, MIN(window, content->len - at), message);
		take(&board, message, back);
	}
	g_assert_cmpmem(back->data, back->len, content->data, content->len);
	board_clear(&board);
}

/* Text, then noise, then text that was there before. */
static GByteArray *mixed_content(void)
{
	GByteArray *content = g_byte_array_new();

	for (guint i = 0; i < 900; i++)
		g_byte_array_append(content, (const guint8 *)"def handler(request):\n", 22);
	for (guint i = 0; i < 200; i++) {
		guint8 noise[256];

		g_assert_true(uota_random(noise, sizeof noise, NULL));
		g_byte_array_append(content, noise, sizeof noise);
	}
	g_byte_array_append(content, content->data, 5000);
	return content;
}

static void any_window_holds_any_content(void)
{
	static const guint windows[] = {512, 1024, 4096, 16384};
	g_autoptr(GByteArray) content = mixed_content();

	for (gsize i = 0; i < G_N_ELEMENTS(windows); i++) {
		check(content, windows[i], 0);
		for (guint wbits = 9; wbits <= 15; wbits++)
			check(content, windows[i], wbits);
	}
}

static void text_becomes_shorter(void)
{
	g_autoptr(UotaPacker) packer = uota_packer_new(4096, 12);
	g_autoptr(GByteArray) message = g_byte_array_new();
	char text[4096];

	memset(text, 'x', sizeof text);
	uota_packer_pack(packer, text, sizeof text, message);
	g_assert_cmpuint(message->len, <, 64);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/message/any-window-holds-any-content", any_window_holds_any_content);
	g_test_add_func("/message/text-becomes-shorter", text_becomes_shorter);
	return g_test_run();
}
