/* Host names to addresses. */
#pragma once

#include "transport/transport.h"

/* All addresses of @host: itself when it is an address, else what the system's resolver knows,
 * else, for a `.local` name, what a multicast DNS query of our own finds.
 * Error: UOTA_ERROR_UNREACHABLE. Returns: (transfer full) (element-type GInetAddress) */
GPtrArray *uota_resolve(const char *host, UotaDeadline deadline, GCancellable *cancellable,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;
