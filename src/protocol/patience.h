/* How long a board may keep a host busy with one command (docs/protocol.md, 5). No clock: the
 * caller says for how long it has waited. */
#pragma once

#include <glib.h>

#define UOTA_PATIENCE_US ((gint64)60 * 60 * G_USEC_PER_SEC)

typedef struct {
	gint64 left; /* microseconds */
} UotaPatience;

/* All of it, for a new command. */
void uota_patience_renew(UotaPatience *patience);

/* @waited: microseconds until @len bytes have travelled; 0: there was only a sign of life.
 * Error: UOTA_ERROR_FAILED, the board does not come to an end. */
gboolean uota_patience_spend(UotaPatience *patience, gint64 waited, gsize len, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
