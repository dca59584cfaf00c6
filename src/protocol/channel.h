/* Commands and answers over the records of protocol 2, both ends proven. */
#pragma once

#include "core/io.h"
#include "protocol/record.h"
#include "transport/transport.h"

typedef struct UotaChannel UotaChannel;

/* @transport: borrowed; it must outlive the channel. @opener, @sealer: (transfer full).
 * @timeout_ms: the longest that the board may be silent; how long it may be at work for a command,
 * in all, is in patience.h. Returns: (transfer full) */
UotaChannel *uota_channel_new(UotaTransport *transport, UotaOpener *opener, UotaSealer *sealer,
	guint timeout_ms, GCancellable *cancellable);

void uota_channel_free(UotaChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaChannel, uota_channel_free)

/* Sends the command @text, at most UOTA_RECORD_HOST_MAX bytes. */
gboolean uota_channel_command(UotaChannel *channel, const char *text, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Gathers a DATA record with @len bytes of @payload; they leave when there are enough of them, and
 * at the latest with the next command, or uota_channel_flush(). What the board says meanwhile is an
 * objection, and the error. */
gboolean uota_channel_data(UotaChannel *channel, const void *payload, gsize len, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
gboolean uota_channel_flush(UotaChannel *channel, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes an answer up to its end, each piece of it to @sink. Errors: what the board says instead
 * (see uota_refusal()), the transport's, @sink's. */
gboolean uota_channel_answer(UotaChannel *channel, UotaChunkFunc sink, gpointer user_data,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same into memory, at most @max bytes. Returns: (transfer full) with a terminator behind */
GByteArray *uota_channel_answer_bytes(UotaChannel *channel, gsize max, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Bytes that have left since the channel was made. */
guint64 uota_channel_sent(const UotaChannel *channel);
