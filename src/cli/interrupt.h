/* Ctrl-C and SIGTERM as a cancellable: what runs ends in order, the second time at once. */
#pragma once

#include <gio/gio.h>

/* From here on SIGINT and SIGTERM trigger the returned cancellable. Call once, before any
 * thread. Returns: (transfer full) */
GCancellable *uota_interrupt_cancellable(void);

/* Waits until standard input has something, or its end: reading it does not hear of Ctrl-C.
 * Error: UOTA_ERROR_CANCELLED. */
gboolean uota_interrupt_await_input(GCancellable *cancellable, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
