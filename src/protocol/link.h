/* The link of protocol 2 (docs/protocol.md, 8): a reliable stream over a line that loses, changes
 * and injects bytes. No I/O and no clock: bytes are given to it, it gives bytes, and the caller
 * says what time it is, in microseconds of any clock that only goes forward. Both ends are here:
 * a host starts, a board is started. */
#pragma once

#include <glib.h>

#define UOTA_LINK_PAYLOAD_MAX 112U /* bytes in a frame */
#define UOTA_LINK_ID_SIZE 4U

typedef struct {
	guint8 seq, ack;
	gboolean start; /* begins a session; without payload: ends it */
	guint8 payload[UOTA_LINK_PAYLOAD_MAX];
	gsize len; /* bytes of payload; 0: a bare acknowledgement */
} UotaFrame;

/* Appends @frame as the line carries it. */
void uota_frame_write(const UotaFrame *frame, GByteArray *out);

/* Takes the next frame off @pending, and what is none before it. FALSE: there is none yet. */
gboolean uota_frame_next(GByteArray *pending, UotaFrame *frame) G_GNUC_WARN_UNUSED_RESULT;

typedef struct UotaLink UotaLink;

/* One end. @id: UOTA_LINK_ID_SIZE random bytes of a host, which starts a session with them; NULL:
 * the end of a board. Returns: (transfer full) */
UotaLink *uota_link_new(const guint8 *id);

/* Gives @len bytes to the stream. */
void uota_link_send(UotaLink *link, const void *data, gsize len);

/* Ends the session; the next uota_link_take() says so to the peer. */
void uota_link_end(UotaLink *link);

/* Gives it @len bytes as they came from the line. */
void uota_link_receive(UotaLink *link, const void *data, gsize len);

/* Appends to @out what is to be written to the line now. */
void uota_link_take(UotaLink *link, gint64 now, GByteArray *out);

/* When uota_link_take() will have something though nothing came; -1: never. */
gint64 uota_link_due(const UotaLink *link);

/* What has come of the stream; the caller takes off its front. */
GByteArray *uota_link_received(UotaLink *link);

/* TRUE when all that was sent has arrived. */
gboolean uota_link_idle(const UotaLink *link);

/* TRUE when the session is over: ended by the peer or by us, or the line is dead. */
gboolean uota_link_over(const UotaLink *link);

void uota_link_free(UotaLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaLink, uota_link_free)
