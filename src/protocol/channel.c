/* Commands and answers over records. */
#include "protocol/channel.h"

#include <string.h>

#include "core/error.h"
#include "protocol/bounded.h"
#include "protocol/patience.h"
#include "protocol/refusal.h"

#define READ 16384           /* bytes that are read at once */
#define GATHER (64U * 1024U) /* bytes that are gathered before they leave */
#define SILENCE_MS 30000     /* a board may be at work for that long without a word */

struct UotaChannel {
	UotaTransport *transport;
	UotaOpener *opener;
	UotaSealer *sealer;
	guint timeout_ms;
	GCancellable *cancellable;
	UotaPatience patience; /* with the command under way */
	GByteArray *out;       /* sealed, has not left yet */
	guint64 sent;
};

UotaChannel *uota_channel_new(UotaTransport *transport, UotaOpener *opener, UotaSealer *sealer,
	guint timeout_ms, GCancellable *cancellable)
{
	UotaChannel *channel = g_new0(UotaChannel, 1);

	channel->transport = transport;
	channel->opener = opener;
	channel->sealer = sealer;
	channel->timeout_ms = timeout_ms;
	channel->cancellable = cancellable ? g_object_ref(cancellable) : NULL;
	uota_patience_renew(&channel->patience);
	channel->out = g_byte_array_new();
	return channel;
}

void uota_channel_free(UotaChannel *channel)
{
	if (!channel)
		return;
	uota_opener_free(channel->opener);
	uota_sealer_free(channel->sealer);
	g_clear_object(&channel->cancellable);
	g_byte_array_unref(channel->out);
	g_free(channel);
}

/* Waits for the next record. The whole record has one deadline: a byte now and then buys no time.
 */
static gboolean receive(UotaChannel *channel, guint timeout_ms, UotaRecord *record, GError **error)
{
	UotaDeadline deadline = uota_deadline(timeout_ms);

	for (;;) {
		guint8 buf[READ];
		gssize n;

		if (!uota_opener_next(channel->opener, record, error))
			return FALSE;
		if (record->type)
			return TRUE;
		n = uota_transport_read(
			channel->transport, buf, sizeof buf, deadline, channel->cancellable, error);
		if (n == 0)
			g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_CLOSED,
				"the board closed the connection");
		if (n <= 0)
			return FALSE;
		uota_opener_feed(channel->opener, buf, (gsize)n);
	}
}

static gboolean unexpected(GError **error)
{
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"the board does not follow the protocol: it spoke out of turn");
	return FALSE;
}

static void refuse(const UotaRecord *record, GError **error)
{
	g_autofree char *text = g_strndup((const char *)record->payload, record->len);

	uota_refusal(text, TRUE, error);
}

static gboolean spend(UotaChannel *channel, gint64 since, gsize len, GError **error)
{
	return uota_patience_spend(&channel->patience, g_get_monotonic_time() - since, len, error);
}

static gboolean is_sign_of_life(const UotaRecord *record)
{
	return record->type == UOTA_RECORD_DATA && !record->len;
}

/* The board spoke, or went, while it should have listened. What it said counts more than how the
 * sending failed. */
static gboolean objection(UotaChannel *channel, GError *cause, GError **error)
{
	g_autoptr(GError) owned = cause;
	UotaRecord record;

	for (;;) {
		gint64 since = g_get_monotonic_time();
		g_autoptr(GError) silent = NULL;

		if (!receive(channel, channel->timeout_ms, &record, &silent)) {
			g_propagate_error(
				error, owned ? g_steal_pointer(&owned) : g_steal_pointer(&silent));
			return FALSE;
		}
		if (!is_sign_of_life(&record))
			break;
		if (!owned)
			return TRUE;
		if (!spend(channel, since, 0, error))
			return FALSE;
	}
	if (record.type != UOTA_RECORD_ERROR)
		return unexpected(error);
	refuse(&record, error);
	return FALSE;
}

gboolean uota_channel_flush(UotaChannel *channel, GError **error)
{
	gsize at = 0;

	while (at < channel->out->len) {
		gint64 since = g_get_monotonic_time();
		g_autoptr(GError) cause = NULL;
		gssize n = uota_transport_write(channel->transport, channel->out->data + at,
			channel->out->len - at, uota_deadline(channel->timeout_ms),
			channel->cancellable, &cause);

		if ((n == 0 || g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_CLOSED)) &&
			!objection(channel, g_steal_pointer(&cause), error))
			return FALSE;
		if (n < 0) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		if (!spend(channel, since, (gsize)n, error))
			return FALSE;
		at += (gsize)n;
		channel->sent += (gsize)n;
	}
	g_byte_array_set_size(channel->out, 0);
	return TRUE;
}

gboolean uota_channel_data(UotaChannel *channel, const void *payload, gsize len, GError **error)
{
	return uota_sealer_seal(
		       channel->sealer, UOTA_RECORD_DATA, payload, len, channel->out, error) &&
	       (channel->out->len < GATHER || uota_channel_flush(channel, error));
}

gboolean uota_channel_command(UotaChannel *channel, const char *text, GError **error)
{
	gsize len = strlen(text);

	if (len > UOTA_RECORD_HOST_MAX || strpbrk(text, "\r\n")) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"a command is one line of at most 512 bytes");
		return FALSE;
	}
	uota_patience_renew(&channel->patience);
	return uota_sealer_seal(
		       channel->sealer, UOTA_RECORD_TEXT, text, len, channel->out, error) &&
	       uota_channel_flush(channel, error);
}

gboolean uota_channel_answer(
	UotaChannel *channel, UotaChunkFunc sink, gpointer user_data, GError **error)
{
	guint silence_ms = MAX(channel->timeout_ms, SILENCE_MS);
	UotaRecord record;

	for (;;) {
		gint64 since = g_get_monotonic_time();

		if (!receive(channel, silence_ms, &record, error))
			return FALSE;
		switch (record.type) {
		case UOTA_RECORD_END:
			return record.len == 0 || unexpected(error);
		case UOTA_RECORD_ERROR:
			refuse(&record, error);
			return FALSE;
		case UOTA_RECORD_DATA:
			if (!spend(channel, since, record.len, error) ||
				(record.len && !sink(record.payload, record.len, user_data, error)))
				return FALSE;
			break;
		default:
			return unexpected(error);
		}
	}
}

GByteArray *uota_channel_answer_bytes(UotaChannel *channel, gsize max, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	UotaBounded bounded = {bytes, max};

	if (!uota_channel_answer(channel, uota_bounded_take, &bounded, error))
		return NULL;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	g_byte_array_set_size(bytes, bytes->len - 1);
	return g_steal_pointer(&bytes);
}

guint64 uota_channel_sent(const UotaChannel *channel)
{
	return channel->sent;
}
