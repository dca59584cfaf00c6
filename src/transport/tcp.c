/* TCP over a non-blocking GSocket: every wait has a deadline and can be cancelled. */
#include "transport/tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "core/error.h"
#include "transport/resolve.h"

typedef struct {
	UotaTransport parent;
	GSocket *socket;
} Tcp;

static int error_code(const GError *error)
{
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return UOTA_ERROR_CANCELLED;
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED) ||
		g_error_matches(error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
		return UOTA_ERROR_CLOSED;
	return UOTA_ERROR_UNREACHABLE;
}

/* Sets our own error, of the code that callers branch on, in place of @cause. */
static void translate(const GError *cause, GError **error)
{
	switch (error_code(cause)) {
	case UOTA_ERROR_CANCELLED:
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_CANCELLED, "interrupted");
		break;
	case UOTA_ERROR_CLOSED:
		g_set_error_literal(
			error, UOTA_ERROR, UOTA_ERROR_CLOSED, "the board closed the connection");
		break;
	default:
		if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
			g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE, "timed out");
		else if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
			g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE,
				"connection refused: nothing listens there");
		else
			g_set_error(
				error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE, "%s", cause->message);
	}
}

static gboolean wait_for(GSocket *socket, GIOCondition condition, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) cause = NULL;
	gint64 left = MAX(deadline - g_get_monotonic_time(), 0);

	if (!g_socket_condition_timed_wait(socket, condition, left, cancellable, &cause)) {
		translate(cause, error);
		return FALSE;
	}
	return TRUE;
}

static gssize tcp_read(UotaTransport *self, void *buf, gsize len, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	GSocket *socket = ((Tcp *)self)->socket;

	for (;;) {
		g_autoptr(GError) cause = NULL;
		gssize n;

		if (!wait_for(socket, G_IO_IN, deadline, cancellable, error))
			return -1;
		n = g_socket_receive(socket, buf, len, cancellable, &cause);
		if (n >= 0)
			return n;
		if (!g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
			translate(cause, error);
			return -1;
		}
	}
}

static gssize tcp_write(UotaTransport *self, const void *buf, gsize len, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	GSocket *socket = ((Tcp *)self)->socket;

	for (;;) {
		g_autoptr(GError) cause = NULL;
		gssize n;

		if (!wait_for(socket, G_IO_IN | G_IO_OUT, deadline, cancellable, error))
			return -1;
		if (g_socket_condition_check(socket, G_IO_IN) & G_IO_IN)
			return 0;
		n = g_socket_send(socket, buf, len, cancellable, &cause);
		if (n >= 0)
			return n;
		if (!g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
			translate(cause, error);
			return -1;
		}
	}
}

static void tcp_free(UotaTransport *self)
{
	g_object_unref(((Tcp *)self)->socket);
	g_free(self);
}

static const UotaTransportClass tcp_class = {
	.read = tcp_read,
	.write = tcp_write,
	.free = tcp_free,
};

static gboolean connect_socket(GSocket *socket, GSocketAddress *address, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) cause = NULL;

	g_socket_set_blocking(socket, FALSE);
	if (g_socket_connect(socket, address, cancellable, &cause))
		return TRUE;
	if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_PENDING)) {
		g_clear_error(&cause);
		if (!wait_for(socket, G_IO_OUT, deadline, cancellable, error))
			return FALSE;
		if (g_socket_check_connect_result(socket, &cause))
			return TRUE;
	}
	translate(cause, error);
	return FALSE;
}

static UotaTransport *connect_address(GInetAddress *inet, guint16 port, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(GSocketAddress) address = g_inet_socket_address_new(inet, port);
	g_autoptr(GError) cause = NULL;
	g_autoptr(GSocket) socket = g_socket_new(g_inet_address_get_family(inet),
		G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &cause);
	Tcp *tcp;

	if (!socket) {
		translate(cause, error);
		return NULL;
	}
	if (!connect_socket(socket, address, deadline, cancellable, error))
		return NULL;
	/* A header and its body are two writes; Nagle would hold the second back for 40 ms. */
	g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
	tcp = g_new0(Tcp, 1);
	tcp->parent.klass = &tcp_class;
	tcp->socket = g_steal_pointer(&socket);
	return &tcp->parent;
}

UotaTransport *uota_tcp_connect(const char *host, guint16 port, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) last = NULL;
	g_autoptr(GPtrArray) addresses = uota_resolve(host, deadline, cancellable, error);

	if (!addresses)
		return NULL;
	for (guint i = 0; i < addresses->len; i++) {
		/* A silent address must leave time for those after it. */
		gint64 now = g_get_monotonic_time();
		UotaDeadline share = now + (deadline - now) / (addresses->len - i);
		UotaTransport *transport;

		g_clear_error(&last);
		transport = connect_address(
			g_ptr_array_index(addresses, i), port, share, cancellable, &last);
		if (transport)
			return transport;
		if (g_error_matches(last, UOTA_ERROR, UOTA_ERROR_CANCELLED))
			break;
	}
	g_propagate_error(error, g_steal_pointer(&last));
	return NULL;
}
