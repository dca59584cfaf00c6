/* A byte stream to a board. Each way to a board (TCP, later serial and BLE) is one
 * implementation of this table; tests bring their own. */
#pragma once

#include <gio/gio.h>

typedef struct UotaTransport UotaTransport;

/* A moment on the monotonic clock, in microseconds (g_get_monotonic_time()). */
typedef gint64 UotaDeadline;

/* The deadline @ms milliseconds from now. */
static inline UotaDeadline uota_deadline(guint ms)
{
	return g_get_monotonic_time() + (gint64)ms * 1000;
}

typedef struct {
	/* Waits for at least one byte, at most until @deadline, and reads up to @len.
	 * Returns the bytes read, 0 when the peer has closed, -1 on error. */
	gssize (*read)(UotaTransport *self, void *buf, gsize len, UotaDeadline deadline,
		GCancellable *cancellable, GError **error);

	/* Writes up to @len bytes as soon as at least one can go. Returns before that, with 0,
	 * when the peer has said something: who pushes megabytes wants to hear an objection.
	 * Returns the bytes written, or -1 on error. */
	gssize (*write)(UotaTransport *self, const void *buf, gsize len, UotaDeadline deadline,
		GCancellable *cancellable, GError **error);

	/* Releases everything, self included. */
	void (*free)(UotaTransport *self);
} UotaTransportClass;

struct UotaTransport {
	const UotaTransportClass *klass;
};

/* Errors of read and write: UOTA_ERROR_UNREACHABLE at the deadline, UOTA_ERROR_CANCELLED,
 * UOTA_ERROR_CLOSED when the connection was reset, UOTA_ERROR_FAILED. */
gssize uota_transport_read(UotaTransport *transport, void *buf, gsize len, UotaDeadline deadline,
	GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gssize uota_transport_write(UotaTransport *transport, const void *buf, gsize len,
	UotaDeadline deadline, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void uota_transport_free(UotaTransport *transport);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaTransport, uota_transport_free)
