/* What becomes of a board that resets: whether it comes back, and with what. It is looked at over
 * a connection of its own each time: a board keeps the code for a connection in memory while there
 * is one, and a trial must see the memory that the app will have. */
#pragma once

#include "core/manifest.h"
#include "protocol/target.h"

/* How far the update is followed after the board has said `ok` to it. A board with micro-ota 1.0
 * knows no trial: it is followed until it is back. */
typedef enum {
	UOTA_WAIT_NOT,     /* not at all */
	UOTA_WAIT_RUNNING, /* until the new app has run for two seconds */
	UOTA_WAIT_VERDICT, /* until the update is confirmed or rolled back */
} UotaWait;

typedef enum {
	UOTA_OUTCOME_COMMITTED, /* what comes of it was not waited for */
	UOTA_OUTCOME_BACK,      /* the board is back with it, and does not say more (1.0) */
	UOTA_OUTCOME_RUNNING,   /* on trial, and its app runs */
	UOTA_OUTCOME_CONFIRMED,
	UOTA_OUTCOME_ROLLED_BACK,
	UOTA_OUTCOME_SAME,    /* nothing was done: it is installed already */
	UOTA_OUTCOME_PLANNED, /* nothing was done: a dry run */
} UotaOutcome;

typedef struct {
	UotaWait wait;
	guint return_ms;  /* for the board to come back, each time that it is away */
	guint network_ms; /* confirmNetwork: a trial may take that long without network */
	/* (nullable) The board resets, the wait begins (@status is NULL), or it is on trial. */
	void (*waiting)(const UotaStatus *status, gpointer user_data);
	gpointer user_data;
} UotaFollow;

typedef struct {
	UotaOutcome outcome;
	UotaStatus *status; /* what the board said last; NULL: it was not asked */
	UotaCrash *crash;   /* why it was rolled back; NULL: not told */
} UotaVerdict;

void uota_verdict_clear(UotaVerdict *verdict);

/* Waits for the verdict on @manifest, which the board calls @id, as @follow says; @verdict is
 * filled.
 * @answered: the board has said `ok` to it; else it is found out whether it has committed it.
 * Errors: UOTA_ERROR_ROLLED_BACK; UOTA_ERROR_UNANSWERED: it has not committed it, in protocol 2;
 * those of the connection. */
gboolean uota_verdict_await(const UotaTarget *target, const UotaManifest *manifest, const char *id,
	const UotaFollow *follow, gboolean answered, UotaVerdict *verdict, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Waits until a board that resets answers again, at most @return_ms.
 * @safe: not before it has come up without its app. Returns: (transfer full) */
UotaStatus *uota_verdict_await_return(const UotaTarget *target, guint return_ms, gboolean safe,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;
