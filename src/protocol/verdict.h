/* What becomes of a board that resets: whether it comes back, and with what. It is looked at over
 * a connection of its own each time: a board keeps the code for a connection in memory while there
 * is one, and a trial must see the memory that the app will have. */
#pragma once

#include "protocol/target.h"

/* Waits for the verdict on @manifest as @options say; result->status, crash and outcome are filled.
 * @answered: the board has said `ok` to it; else it is found out whether it has committed it.
 * Errors: as uota_target_push(). */
gboolean uota_verdict_await(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, gboolean answered, UotaPushResult *result, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Waits until a board that resets answers again, at most @return_ms.
 * @safe: not before it has come up without its app. Returns: (transfer full) */
UotaStatus *uota_verdict_await_return(const UotaTarget *target, guint return_ms, gboolean safe,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;
