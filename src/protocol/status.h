/* What a board says of itself: its version, how its last update stands, and why the last one
 * failed. Parsing alone, without I/O; all of it is the board's word, to be printed only through
 * uota_text_printable(). */
#pragma once

#include <glib.h>

#define UOTA_UPDATE_ID_SIZE 16 /* hex digits that name an update */

typedef enum {
	UOTA_STATE_UNTOLD,      /* the board does not say: micro-ota 1.0, or one newer than us */
	UOTA_STATE_CONFIRMED,   /* the version has passed its trial, or had none */
	UOTA_STATE_TRIAL,       /* it is on trial, and rolled back unless it passes */
	UOTA_STATE_ROLLED_BACK, /* the last update failed, and this is the version before it */
} UotaState;

typedef struct {
	char *version; /* "unknown": nothing is installed */
	char *agent; /* its version; NULL: the board has micro-ota 1.0, and nothing below is set */
	UotaState state;
	char *id;      /* of the update on trial, or of the one that failed; NULL: not told */
	double app;    /* seconds that the app has run since the boot; below 0: not told */
	double left;   /* seconds of confirmAfter that remain; below 0: not told */
	char **need;   /* what the trial waits for besides; never NULL */
	char *from;    /* the version that failed; NULL: not told */
	char *why;     /* why it failed; NULL: not told */
	char *crash;   /* what the app died of since the boot, outside of a trial; NULL: it lives */
	gboolean safe; /* the board runs without its app */
} UotaStatus;

/* Parses the answer @line to `version`. NULL when it is none: no object, no version, or a value of
 * the wrong type or out of all proportion. null is as good as absent; keys that are not known are
 * passed over.
 * Returns: (transfer full) (nullable) */
UotaStatus *uota_status_parse(const char *line);

/* TRUE when the trial has no time of its own: it ends when the app calls uota.confirm(). */
gboolean uota_status_awaits_app(const UotaStatus *status);

void uota_status_free(UotaStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaStatus, uota_status_free)

typedef struct {
	char *version; /* the one that failed; NULL: not told */
	char *why;     /* in one line; NULL: nothing has failed that the board remembers */
	char *trace;   /* the traceback, lines ended by `\n`; NULL: none */
} UotaCrash;

/* Parses the answer @line to `crash`, as uota_status_parse() does.
 * Returns: (transfer full) (nullable) */
UotaCrash *uota_crash_parse(const char *line);

void uota_crash_free(UotaCrash *crash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaCrash, uota_crash_free)
