/* The link over a line in memory that loses, changes and injects bytes. Time is simulated. */
#include <string.h>

#include "protocol/link.h"
#include "core/signer.h"
#include "support/vectors.h"

#define STEP 5000 /* microseconds between two looks at the line */
#define RING 256  /* bytes that a board's UART holds */

/* One direction: what is written arrives a step later, damaged by chance. */
typedef struct {
	GByteArray *bytes;
	GRand *chance;
	double share; /* of the bytes that are damaged */
	guint most;   /* bytes that were on the way at once */
} Line;

typedef struct {
	gint64 now;
	Line down, up;
	UotaLink *host, *board;
} World;

static void line_init(Line *line, guint seed, double share)
{
	*line = (Line){g_byte_array_new(), g_rand_new_with_seed(seed), share, 0};
}

static void line_clear(Line *line)
{
	g_byte_array_unref(line->bytes);
	g_rand_free(line->chance);
}

static void damage(Line *line, guint8 byte, GByteArray *out)
{
	guint8 changed = byte ^ (guint8)(1 << g_rand_int_range(line->chance, 0, 8));

	switch (g_rand_int_range(line->chance, 0, 4)) {
	case 0:
		return;
	case 1:
		g_byte_array_append(out, &changed, 1);
		return;
	case 2:
		g_byte_array_append(out, (const guint8 *)"[app] 21 C\r\n", 12);
		g_byte_array_append(out, &byte, 1);
		return;
	default:
		g_byte_array_append(out, (const guint8 *)"\xA5", 1);
	}
}

/* What arrives now. Returns: (transfer full) */
static GByteArray *line_read(Line *line)
{
	GByteArray *out = g_byte_array_new();

	line->most = MAX(line->most, line->bytes->len);
	for (guint i = 0; i < line->bytes->len; i++)
		if (g_rand_double(line->chance) < line->share)
			damage(line, line->bytes->data[i], out);
		else
			g_byte_array_append(out, line->bytes->data + i, 1);
	g_byte_array_set_size(line->bytes, 0);
	return out;
}

static void step(World *world)
{
	g_autoptr(GByteArray) down = NULL;
	g_autoptr(GByteArray) up = NULL;

	uota_link_take(world->host, world->now, world->down.bytes);
	uota_link_take(world->board, world->now, world->up.bytes);
	world->now += STEP;
	down = line_read(&world->down);
	up = line_read(&world->up);
	uota_link_receive(world->board, down->data, down->len);
	uota_link_receive(world->host, up->data, up->len);
}

static void run(World *world, guint seconds)
{
	gint64 end = world->now + (gint64)seconds * 1000000;

	while (!uota_link_idle(world->host) || !uota_link_idle(world->board)) {
		step(world);
		g_assert_cmpint(world->now, <, end);
		g_assert_false(uota_link_over(world->host));
	}
}

static void world_init(World *world, guint seed, double share)
{
	*world = (World){
		.host = uota_link_new((const guint8 *)"\1\2\3\4"), .board = uota_link_new(NULL)};
	line_init(&world->down, seed, share);
	line_init(&world->up, seed + 1000, share);
	run(world, 600);
}

static void world_clear(World *world)
{
	uota_link_free(world->host);
	uota_link_free(world->board);
	line_clear(&world->down);
	line_clear(&world->up);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static GByteArray *noise(guint len, guint seed)
{
	g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
	GByteArray *bytes = g_byte_array_new();

	g_byte_array_set_size(bytes, len);
	for (guint i = 0; i < len; i++)
		bytes->data[i] = (guint8)g_rand_int(chance);
	return bytes;
}

static void exchange(World *world, guint down_len, guint up_len, guint seed)
{
	g_autoptr(GByteArray) down = noise(down_len, seed);
	g_autoptr(GByteArray) up = noise(up_len, seed + 1);
	const GByteArray *at_board = uota_link_received(world->board);
	const GByteArray *at_host = uota_link_received(world->host);

	uota_link_send(world->host, down->data, down->len);
	uota_link_send(world->board, up->data, up->len);
	run(world, 600);
	g_assert_cmpmem(at_board->data, at_board->len, down->data, down->len);
	g_assert_cmpmem(at_host->data, at_host->len, up->data, up->len);
}

static void a_stream_arrives_in_both_directions(void)
{
	g_auto(World) world;

	world_init(&world, 1, 0);
	exchange(&world, 5000, 3000, 1);
	g_assert_cmpint(world.now, <, 2 * 1000000);
	g_assert_cmpuint(world.down.most, <=, RING);
	g_assert_cmpuint(world.down.most, >, 200);
}

static void a_stream_arrives_whole_over_a_line_that_damages_it(void)
{
	static const double shares[] = {0.001, 0.005};

	for (guint seed = 0; seed < 30; seed++)
		for (gsize i = 0; i < G_N_ELEMENTS(shares); i++) {
			g_auto(World) world;

			world_init(&world, seed, shares[i]);
			exchange(&world, 5000, 2000, seed);
		}
}

static void a_new_start_ends_the_session_before_it(void)
{
	g_auto(World) world;

	world_init(&world, 1, 0);
	uota_link_send(world.host, "half of a conv", 14);
	run(&world, 10);
	uota_link_send(world.board, "to the old one", 14);
	uota_link_free(world.host);
	world.host = uota_link_new((const guint8 *)"\5\6\7\10");
	uota_link_send(world.host, "hello", 5);
	run(&world, 10);
	g_assert_cmpmem(uota_link_received(world.board)->data, uota_link_received(world.board)->len,
		"hello", 5);
	g_assert_cmpuint(uota_link_received(world.host)->len, ==, 0);
}

static void a_repeated_start_is_not_a_new_one(void)
{
	g_auto(World) world;
	g_autoptr(GByteArray) start = g_byte_array_new();
	UotaFrame frame = {.start = TRUE, .payload = {1, 2, 3, 4}, .len = 4};

	world_init(&world, 1, 0);
	uota_link_send(world.host, "hello", 5);
	run(&world, 10);
	uota_frame_write(&frame, start);
	uota_link_receive(world.board, start->data, start->len);
	uota_link_send(world.host, " again", 6);
	run(&world, 10);
	g_assert_cmpmem(uota_link_received(world.board)->data, uota_link_received(world.board)->len,
		"hello again", 11);
}

static void the_end_ends_it(void)
{
	g_auto(World) world;

	world_init(&world, 1, 0);
	uota_link_end(world.host);
	step(&world);
	g_assert_true(uota_link_over(world.board));
	g_assert_cmpint(uota_link_due(world.host), ==, -1);
}

/* 100 bytes would have to follow what looks like a frame; only short frames do. */
static void noise_that_looks_like_a_frame_swallows_nothing(void)
{
	g_auto(World) world;

	world_init(&world, 1, 0);
	uota_link_receive(world.board, "\xA5\x98\x82\x64", 4);
	uota_link_send(world.host, "hello", 5);
	run(&world, 1);
	g_assert_cmpuint(uota_link_received(world.board)->len, ==, 5);
}

static void a_dead_line_is_noticed(void)
{
	g_autoptr(UotaLink) host = uota_link_new((const guint8 *)"\1\2\3\4");
	g_autoptr(GByteArray) out = g_byte_array_new();
	gint64 now = 0;
	guint frames = 0;

	uota_link_take(host, now, out);
	while (!uota_link_over(host)) {
		now = uota_link_due(host);
		g_assert_cmpint(now, >, 0);
		g_byte_array_set_size(out, 0);
		uota_link_take(host, now, out);
		frames += out->len > 0;
	}
	g_assert_cmpuint(frames, ==, 12);
	g_assert_cmpint(now, ==, (gint64)1000 * (300 + 600 + 1200 + 10 * 2400));
}

static gboolean is_start(const json_t *vector)
{
	return json_is_true(json_object_get(vector, "start"));
}

static void frames_are_written_and_found(void)
{
	g_autoptr(json_t) vectors = vectors_load("link2", "frames");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		g_autoptr(GBytes) payload = vector_bytes(vector, "payload");
		g_autoptr(GBytes) wire = vector_bytes(vector, "wire");
		g_autoptr(GByteArray) out = g_byte_array_new();
		gsize len = 0;
		UotaFrame frame = {
			.seq = (guint8)json_integer_value(json_object_get(vector, "seq")),
			.ack = (guint8)json_integer_value(json_object_get(vector, "ack")),
			.start = is_start(vector),
			.len = g_bytes_get_size(payload)};
		UotaFrame found;

		if (frame.len)
			memcpy(frame.payload, g_bytes_get_data(payload, NULL), frame.len);
		uota_frame_write(&frame, out);
		g_assert_cmpmem(
			out->data, out->len, g_bytes_get_data(wire, &len), g_bytes_get_size(wire));
		g_assert_true(uota_frame_next(out, &found));
		g_assert_cmpuint(found.seq, ==, frame.seq);
		g_assert_cmpuint(found.ack, ==, frame.ack);
		g_assert_cmpint(found.start, ==, frame.start);
		g_assert_cmpmem(found.payload, found.len, frame.payload, frame.len);
		g_assert_cmpuint(out->len, ==, 0);
	}
}

/* Feeds @wire in pieces of @chop; the frames of @vector's `found` must come out, in order. */
static void check_scan(const json_t *vector, GBytes *wire, gsize chop)
{
	const json_t *sent = json_object_get(vector, "sent");
	const json_t *expected = json_object_get(vector, "found");
	g_autoptr(GByteArray) pending = g_byte_array_new();
	gsize len = 0, count = 0;
	const guint8 *data = g_bytes_get_data(wire, &len);
	UotaFrame frame;

	for (gsize at = 0; at < len; at += chop) {
		g_byte_array_append(pending, data + at, (guint)MIN(chop, len - at));
		while (uota_frame_next(pending, &frame)) {
			g_autoptr(GByteArray) out = g_byte_array_new();
			g_autofree char *hex = NULL;
			gsize n = (gsize)json_integer_value(json_array_get(expected, count++));

			uota_frame_write(&frame, out);
			hex = uota_hex(out->data, out->len);
			g_assert_cmpstr(hex, ==, json_string_value(json_array_get(sent, n)));
		}
	}
	g_assert_cmpuint(count, ==, json_array_size(expected));
}

static void frames_are_found_amid_damage_however_it_is_cut(void)
{
	g_autoptr(json_t) vectors = vectors_load("link2", "scans");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		g_autoptr(GBytes) wire = vector_bytes(vector, "wire");

		check_scan(vector, wire, 1);
		check_scan(vector, wire, 7);
		check_scan(vector, wire, g_bytes_get_size(wire));
	}
}

static void what_is_no_frame_is_not_found(void)
{
	g_autoptr(json_t) vectors = vectors_load("link2", "refused");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		g_autoptr(GBytes) wire = vector_bytes(vector, "wire");
		g_autoptr(GByteArray) pending = g_byte_array_new();
		static const guint8 more[256];
		UotaFrame frame;

		g_byte_array_append(
			pending, g_bytes_get_data(wire, NULL), (guint)g_bytes_get_size(wire));
		g_byte_array_append(pending, more, sizeof more);
		g_assert_false(uota_frame_next(pending, &frame));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/link/a-stream-arrives-in-both-directions", a_stream_arrives_in_both_directions);
	g_test_add_func("/link/a-stream-arrives-whole-over-a-line-that-damages-it",
		a_stream_arrives_whole_over_a_line_that_damages_it);
	g_test_add_func("/link/a-new-start-ends-the-session-before-it",
		a_new_start_ends_the_session_before_it);
	g_test_add_func(
		"/link/a-repeated-start-is-not-a-new-one", a_repeated_start_is_not_a_new_one);
	g_test_add_func("/link/the-end-ends-it", the_end_ends_it);
	g_test_add_func("/link/noise-that-looks-like-a-frame-swallows-nothing",
		noise_that_looks_like_a_frame_swallows_nothing);
	g_test_add_func("/link/a-dead-line-is-noticed", a_dead_line_is_noticed);
	g_test_add_func("/link/frames-are-written-and-found", frames_are_written_and_found);
	g_test_add_func("/link/frames-are-found-amid-damage-however-it-is-cut",
		frames_are_found_amid_damage_however_it_is_cut);
	g_test_add_func("/link/what-is-no-frame-is-not-found", what_is_no_frame_is_not_found);
	return g_test_run();
}
