/* Lines and bytes over a transport: all of protocol 1.0, and how 2 begins. */
#pragma once

#include "protocol/channel.h"
#include "transport/transport.h"

typedef struct UotaPlain UotaPlain;

/* @transport: (transfer full). @timeout_ms: the longest that the board may be silent when it is its
 * turn. @cancellable: (nullable) ends any wait; a reference is kept. Returns: (transfer full) */
UotaPlain *uota_plain_new(UotaTransport *transport, guint timeout_ms, GCancellable *cancellable);

void uota_plain_free(UotaPlain *plain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaPlain, uota_plain_free)

/* A secret is about to be shown: from here on `denied` says that it is the wrong one. */
void uota_plain_show(UotaPlain *plain);

/* Sends @len bytes. What the board says meanwhile is an objection, and the error. */
gboolean uota_plain_send(UotaPlain *plain, const void *data, gsize len, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Sends @line, which has no end yet. */
gboolean uota_plain_send_line(UotaPlain *plain, const char *line, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* The next line of the board, without its end. Returns: (transfer full) */
char *uota_plain_line(UotaPlain *plain, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads up to @len of the bytes behind the last line. Returns how many, at least 1; 0 on error. */
gsize uota_plain_read(UotaPlain *plain, void *buf, gsize len, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Puts what the answer @line means, where it is not the hoped-for one, into @error. */
void uota_plain_refuse(const UotaPlain *plain, const char *line, GError **error);

/* Whether the answer @line is @expected, else uota_plain_refuse(). @line: NULL: there is none, and
 * @error says so already. */
gboolean uota_plain_check(const UotaPlain *plain, const char *line, const char *expected,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes a line, and checks it. */
gboolean uota_plain_expect(UotaPlain *plain, const char *expected, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Goes on in records; what came behind the last line belongs to them. @opener, @sealer: (transfer
 * full). @plain must outlive the channel. Returns: (transfer full) */
UotaChannel *uota_plain_channel(UotaPlain *plain, UotaOpener *opener, UotaSealer *sealer);
