/* What a board says instead of the hoped-for answer, as an error for people and for branching. */
#pragma once

#include <glib.h>

/* Sets @error to what the answer @line means: `denied`, `sig_mismatch`, `error: refused` →
 * UOTA_ERROR_REFUSED, `unknown` → _UNKNOWN, `error: busy` → _BUSY, `error: restarting` →
 * _RESTARTING, the rest _FAILED.
 * @password: one was shown. */
void uota_refusal(const char *line, gboolean password, GError **error);

/* Sets @error to what it means that a push, all of which was sent, ended with @cause (transfer
 * full) in the place of its last answer. Silence or a closed connection are no failure yet, since
 * the reset may have overtaken the answer: UOTA_ERROR_UNANSWERED; the rest stays what it is. */
void uota_refusal_of_commit(GError *cause, GError **error);
