/* Ctrl-C and SIGTERM as a cancellable: what runs ends in order, the second time at once. */
#pragma once

#include <gio/gio.h>

/* From here on SIGINT and SIGTERM trigger the returned cancellable. Call once, before any
 * thread. Returns: (transfer full) */
GCancellable *uota_interrupt_cancellable(void);
