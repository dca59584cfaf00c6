/* One-shot multicast DNS (RFC 6762, section 5.1): the address of a `.local` name on systems that
 * have no mDNS resolver of their own. */
#pragma once

#include "transport/transport.h"

#define UOTA_MDNS_PORT 5353

/* Asks on every interface that can multicast; repeats after 1 s and 3 s (RFC 6762 5.2) until the
 * first answer or @deadline.
 * Returns: (transfer full) (element-type GInetAddress), empty when nobody answered; NULL on error
 */
GPtrArray *uota_mdns_lookup(const char *name, UotaDeadline deadline, GCancellable *cancellable,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Builds the query for @name, both A and AAAA; an empty label, one over 63 bytes, and a name over
 * 253 are refused with FALSE. */
gboolean uota_mdns_query(const char *name, GByteArray *packet) G_GNUC_WARN_UNUSED_RESULT;

/* Appends to @addresses (element-type GInetAddress) each A and AAAA answer for @name in @packet.
 * Whatever @packet holds is safe to parse; FALSE when it is no well-formed response. */
gboolean uota_mdns_parse(const guint8 *packet, gsize len, const char *name, GPtrArray *addresses)
	G_GNUC_WARN_UNUSED_RESULT;
