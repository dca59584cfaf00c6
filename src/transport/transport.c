/* Calls through the transport table. */
#include "transport/transport.h"

gssize uota_transport_read(UotaTransport *transport, void *buf, gsize len, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	return transport->klass->read(transport, buf, len, deadline, cancellable, error);
}

gssize uota_transport_write(UotaTransport *transport, const void *buf, gsize len,
	UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	return transport->klass->write(transport, buf, len, deadline, cancellable, error);
}

void uota_transport_free(UotaTransport *transport)
{
	if (transport)
		transport->klass->free(transport);
}
