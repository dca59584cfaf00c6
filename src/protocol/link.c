/* The link: frames with a CRC, a window of two, repetition. */
#include "protocol/link.h"

#include <string.h>
#include <zlib.h>

#define SYNC 0xA5
#define START 0x80
#define HEAD 4U /* sync, seq, ack, n */
#define CRC 4U
#define WINDOW 2U                        /* sequenced frames that are unacknowledged */
#define REPEAT (300 * (gint64)1000)      /* microseconds, at first */
#define REPEAT_MAX (2400 * (gint64)1000) /* microseconds */
#define STALE (100 * (gint64)1000)       /* microseconds that a frame may pause inside */
#define TRIES 12U                        /* repetitions without progress: the line is dead */

struct UotaLink {
	gboolean host;
	gboolean up;    /* the peer's start has come */
	gboolean known; /* id is that of a session */
	gboolean over;
	guint8 id[UOTA_LINK_ID_SIZE];
	GByteArray *pending;      /* from the line, not yet taken apart */
	gboolean fresh;           /* something came since the last uota_link_take() */
	gint64 stale;             /* when what is pending is given up; -1: not set */
	GByteArray *waiting;      /* of our stream, not yet in a frame */
	GByteArray *received;     /* of the peer's stream */
	GByteArray *out;          /* to be written now */
	UotaFrame flying[WINDOW]; /* sent, unacknowledged, oldest first */
	guint flights;
	guint8 seq, expected;
	gint64 due; /* when what flies is sent again; -1: not set */
	guint tries;
	gboolean hurried; /* has repeated at a bare ack since the last progress */
};

/* frames */

static void put32(guint8 *at, guint32 value)
{
	value = GUINT32_TO_BE(value);
	memcpy(at, &value, sizeof value);
}

static guint32 crc_of(const guint8 *data, gsize len)
{
	return (guint32)crc32(crc32(0, NULL, 0), data, (uInt)len);
}

void uota_frame_write(const UotaFrame *frame, GByteArray *out)
{
	guint8 head[HEAD] = {
		SYNC, frame->seq, frame->ack, (guint8)(frame->len | (frame->start ? START : 0))};
	guint at = out->len;
	guint8 crc[CRC];

	g_byte_array_append(out, head, HEAD);
	g_byte_array_append(out, frame->payload, (guint)frame->len);
	put32(crc, crc_of(out->data + at + 1, HEAD - 1 + frame->len));
	g_byte_array_append(out, crc, CRC);
}

static gboolean is_length(guint8 n)
{
	if (n & START)
		return n == START || n == (START | UOTA_LINK_ID_SIZE);
	return n <= UOTA_LINK_PAYLOAD_MAX;
}

static gboolean is_intact(const guint8 *data, gsize len)
{
	guint8 crc[CRC];

	put32(crc, crc_of(data + 1, HEAD - 1 + len));
	return memcmp(crc, data + HEAD + len, CRC) == 0;
}

static void read_frame(const guint8 *data, gsize len, UotaFrame *frame)
{
	*frame = (UotaFrame){
		.seq = data[1], .ack = data[2], .start = (data[3] & START) != 0, .len = len};
	memcpy(frame->payload, data + HEAD, len);
}

/* Whether a frame begins at @data; *@size: its bytes, 0 when more must come to tell. */
static gboolean is_frame(const guint8 *data, gsize have, gsize *size)
{
	gsize len;

	*size = 0;
	if (data[0] != SYNC)
		return FALSE;
	if (have < HEAD)
		return TRUE;
	if (!is_length(data[3]))
		return FALSE;
	len = data[3] & ~START;
	if (have < HEAD + len + CRC)
		return TRUE;
	*size = HEAD + len + CRC;
	return is_intact(data, len);
}

gboolean uota_frame_next(GByteArray *pending, UotaFrame *frame)
{
	gsize at = 0, size = 0;

	while (at < pending->len && !is_frame(pending->data + at, pending->len - at, &size))
		at++;
	if (at < pending->len && size)
		read_frame(pending->data + at, size - HEAD - CRC, frame);
	else
		size = 0;
	if (at + size)
		g_byte_array_remove_range(pending, 0, (guint)(at + size));
	return size > 0;
}

/* sending */

static void launch(UotaLink *link, const void *payload, gsize len, gboolean start)
{
	UotaFrame *frame = &link->flying[link->flights++];

	*frame = (UotaFrame){.seq = link->seq++, .ack = link->expected, .start = start, .len = len};
	memcpy(frame->payload, payload, len);
	uota_frame_write(frame, link->out);
}

static void acknowledge(UotaLink *link)
{
	UotaFrame frame = {.seq = link->seq, .ack = link->expected};

	uota_frame_write(&frame, link->out);
}

static void repeat(UotaLink *link)
{
	for (guint i = 0; i < link->flights; i++) {
		link->flying[i].ack = link->expected;
		uota_frame_write(&link->flying[i], link->out);
	}
}

/* Begins a session; as a host, by our own start. */
static void reset(UotaLink *link)
{
	g_byte_array_set_size(link->waiting, 0);
	g_byte_array_set_size(link->received, 0);
	link->flights = link->tries = 0;
	link->seq = link->expected = 0;
	link->up = link->over = link->hurried = FALSE;
	link->due = link->stale = -1;
}

UotaLink *uota_link_new(const guint8 *id)
{
	UotaLink *link = g_new0(UotaLink, 1);

	link->pending = g_byte_array_new();
	link->waiting = g_byte_array_new();
	link->received = g_byte_array_new();
	link->out = g_byte_array_new();
	link->host = link->known = id != NULL;
	reset(link);
	if (id) {
		memcpy(link->id, id, UOTA_LINK_ID_SIZE);
		launch(link, id, UOTA_LINK_ID_SIZE, TRUE);
	}
	return link;
}

void uota_link_free(UotaLink *link)
{
	if (!link)
		return;
	g_byte_array_unref(link->pending);
	g_byte_array_unref(link->waiting);
	g_byte_array_unref(link->received);
	g_byte_array_unref(link->out);
	g_free(link);
}

void uota_link_send(UotaLink *link, const void *data, gsize len)
{
	g_byte_array_append(link->waiting, data, (guint)len);
}

void uota_link_end(UotaLink *link)
{
	UotaFrame frame = {.seq = link->seq, .ack = link->expected, .start = TRUE};

	uota_frame_write(&frame, link->out);
	link->over = TRUE;
}

static void fill_window(UotaLink *link)
{
	while (link->up && link->waiting->len && link->flights < WINDOW) {
		guint len = MIN(link->waiting->len, UOTA_LINK_PAYLOAD_MAX);

		launch(link, link->waiting->data, len, FALSE);
		g_byte_array_remove_range(link->waiting, 0, len);
	}
}

static void repeat_when_due(UotaLink *link, gint64 now)
{
	if (link->due < 0 || now < link->due)
		return;
	link->due = -1;
	if (++link->tries > TRIES)
		link->over = TRUE;
	else
		repeat(link);
}

/* receiving */

/* FALSE when @ack acknowledges nothing new. */
static gboolean take_ack(UotaLink *link, guint8 ack)
{
	guint8 count = link->flights ? (guint8)(ack - link->flying[0].seq) : 0;

	if (count == 0 || count > link->flights)
		return FALSE;
	link->flights -= count;
	memmove(link->flying, link->flying + count, link->flights * sizeof *link->flying);
	link->tries = 0;
	link->hurried = FALSE;
	link->due = -1;
	return TRUE;
}

static void take_host_start(UotaLink *link, const UotaFrame *frame)
{
	if (!link->up)
		link->expected = 1;
	link->up = TRUE;
	take_ack(link, frame->ack);
	acknowledge(link);
}

static void take_start(UotaLink *link, const UotaFrame *frame)
{
	gboolean same = link->known && memcmp(frame->payload, link->id, UOTA_LINK_ID_SIZE) == 0;

	if (!frame->len) {
		link->over = link->over || link->up;
	} else if (link->host) {
		if (same)
			take_host_start(link, frame);
	} else if (same && !link->over) {
		acknowledge(link);
	} else {
		reset(link);
		link->known = link->up = TRUE;
		link->expected = 1;
		memcpy(link->id, frame->payload, UOTA_LINK_ID_SIZE);
		launch(link, link->id, UOTA_LINK_ID_SIZE, TRUE);
	}
}

static void take_frame(UotaLink *link, const UotaFrame *frame)
{
	gboolean progress = take_ack(link, frame->ack);

	if (frame->len) {
		if (frame->seq == link->expected) {
			g_byte_array_append(link->received, frame->payload, (guint)frame->len);
			link->expected++;
		}
		acknowledge(link);
	} else if (!progress && link->flights && !link->hurried) {
		link->hurried = TRUE;
		repeat(link);
	}
}

static void take_frames(UotaLink *link)
{
	UotaFrame frame;

	while (uota_frame_next(link->pending, &frame)) {
		if (frame.start)
			take_start(link, &frame);
		else if (link->up && !link->over)
			take_frame(link, &frame);
	}
}

void uota_link_receive(UotaLink *link, const void *data, gsize len)
{
	g_byte_array_append(link->pending, data, (guint)len);
	link->fresh = link->fresh || len > 0;
	take_frames(link);
}

/* A byte that only looks like the beginning of a frame would wait for its end, and swallow the
 * few short frames that a peer in trouble sends. */
static void give_up_stale(UotaLink *link, gint64 now)
{
	if (link->fresh || !link->pending->len)
		link->stale = link->pending->len ? now + STALE : -1;
	link->fresh = FALSE;
	while (link->stale >= 0 && now >= link->stale) {
		g_byte_array_remove_index(link->pending, 0);
		take_frames(link);
		if (!link->pending->len)
			link->stale = -1;
	}
}

void uota_link_take(UotaLink *link, gint64 now, GByteArray *out)
{
	give_up_stale(link, now);
	if (!link->over) {
		repeat_when_due(link, now);
		fill_window(link);
	}
	if (link->over)
		link->due = -1;
	else if (link->flights && link->due < 0)
		link->due = now + MIN(REPEAT << MIN(link->tries, 3), REPEAT_MAX);
	g_byte_array_append(out, link->out->data, link->out->len);
	g_byte_array_set_size(link->out, 0);
}

gint64 uota_link_due(const UotaLink *link)
{
	if (link->due < 0 || link->stale < 0)
		return MAX(link->due, link->stale);
	return MIN(link->due, link->stale);
}

GByteArray *uota_link_received(UotaLink *link)
{
	return link->received;
}

gboolean uota_link_idle(const UotaLink *link)
{
	return !link->waiting->len && !link->flights;
}

gboolean uota_link_over(const UotaLink *link)
{
	return link->over;
}
