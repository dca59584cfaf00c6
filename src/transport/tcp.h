/* The TCP transport. */
#pragma once

#include "transport/transport.h"

/* Connects to @host (address or name, `.local` included) at @port. Every address of the name is
 * tried in turn until one answers; @deadline bounds all of it.
 *
 * Errors: UOTA_ERROR_UNREACHABLE (no such host, refused, deadline), UOTA_ERROR_CANCELLED.
 * Returns: (transfer full) */
UotaTransport *uota_tcp_connect(const char *host, guint16 port, UotaDeadline deadline,
	GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
