/* A board that can be reached again: what a push needs, since it ends with a reset. */
#pragma once

#include "protocol/push.h"

/* Opens a transport to the board. Returns: (transfer full) */
typedef UotaTransport *(*UotaConnect)(
	gpointer user_data, UotaDeadline deadline, GCancellable *cancellable, GError **error);

typedef struct {
	UotaConnect connect;
	gpointer connect_data;
	const char *password;      /* plaintext; NULL: none */
	guint timeout_ms;          /* for connecting, and for each silence of the board */
	GCancellable *cancellable; /* nullable */
} UotaTarget;

/* Connects and proves the password. Returns: (transfer full) */
UotaSession *uota_target_open(const UotaTarget *target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

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
} UotaOutcome;

typedef struct {
	UotaPushKind kind;
	gboolean wipe;        /* delete the user's files first */
	gboolean no_rollback; /* 2.0: keep no previous version, have no trial */
	gboolean force;       /* 2.0: install it although it has failed on the board before */
	const char *key;      /* signing key; NULL: none */
	UotaWait wait;
	guint return_ms;       /* for the board to come back, each time that it is away */
	guint network_ms;      /* confirmNetwork: a trial may take that long without network */
	UotaProgress progress; /* nullable */
	/* (nullable) The board resets, the wait begins (@status is NULL), or it is on trial. */
	void (*waiting)(const UotaStatus *status, gpointer user_data);
	/* (nullable) The board had no memory for the update: it restarts without its app, and gets
	 * the update once more. */
	void (*restarting)(gpointer user_data);
	gpointer user_data;
} UotaPushOptions;

typedef struct {
	UotaPushKind used; /* how it was pushed */
	UotaOutcome outcome;
	UotaStatus *status; /* what the board said last; NULL: it was not asked */
	UotaCrash *crash;   /* why it was rolled back; NULL: not told */
	double pushed;      /* seconds until the board had committed it */
	double waited;      /* seconds from there to the outcome */
} UotaPushResult;

void uota_push_result_clear(UotaPushResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UotaPushResult, uota_push_result_clear)

/* Opens a session, pushes @manifest, and waits as @options say. When the last answer was overtaken
 * by the reset, the board is asked, whatever they say, before this is called a success.
 *
 * @result is the caller's to clear, also on error. Errors: UOTA_ERROR_ROLLED_BACK, then @result is
 * filled; those of uota_push() and of the connection. */
gboolean uota_target_push(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, UotaPushResult *result, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Sends @command, which the board answers with `ok` and a reset. */
gboolean uota_target_command(const UotaTarget *target, const char *command, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
