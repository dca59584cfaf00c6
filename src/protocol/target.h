/* A board that can be reached again: what a push needs, since it ends with a reset. */
#pragma once

#include "core/config.h"
#include "protocol/push2.h"

/* Opens a transport to the board. Returns: (transfer full) */
typedef UotaTransport *(*UotaConnect)(
	gpointer user_data, UotaDeadline deadline, GCancellable *cancellable, GError **error);

/* What is found out about a board while it is worked with. */
typedef struct {
	guint protocol;       /* 1, 2, or 0: not known yet */
	gboolean old;         /* the old secrets opened the last session; they are tried first */
	gboolean said;        /* what its protection lacks has been said */
	gboolean said_absent; /* as has been that there is no compiler */
	UotaMethod salt;      /* for a password that the board does not have yet */
	gboolean salted;      /* @salt is set */
} UotaKnown;

typedef struct {
	UotaConnect connect;
	gpointer connect_data;
	UotaProof proof;     /* who we are, and what we do not stoop to */
	UotaCredentials old; /* the secrets before these; all NULL: there are none */
	UotaKnown *known;    /* what is found out is kept here */
	/* (nullable) One line about what the connection lacks. */
	void (*notice)(const char *text, gpointer user_data);
	gpointer notice_data;
	guint timeout_ms;          /* for connecting, and for each silence of the board */
	GCancellable *cancellable; /* nullable */
} UotaTarget;

/* Connects, and proves who we are, in the protocol that the board speaks, as far as target->proof
 * allows it. Returns: (transfer full) */
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
	UOTA_OUTCOME_SAME,    /* nothing was done: it is installed already */
	UOTA_OUTCOME_PLANNED, /* nothing was done: a dry run */
} UotaOutcome;

typedef struct {
	UotaPushKind kind;
	gboolean wipe;        /* delete the user's files first */
	gboolean no_rollback; /* 2.0: keep no previous version, have no trial */
	gboolean force; /* 2.0: install it although it is installed, or has failed on the board */
	/* protocol 2 */
	gboolean verify, downgrade, dry_run; /* see UotaPush2Options */
	guint retries;                       /* when the connection is lost */
	const UotaConfig *config; /* (nullable) of the project, for what depends on the board */
	/* protocol 1.0, where a board does not tell: the version of bytecode that it loads; -1: not
	 * known, it gets the sources */
	int bytecode;
	void (*phase)(const char *name, gpointer user_data);
	/* (nullable) The connection was lost: it is tried again, for the @attempt-th time. */
	void (*retrying)(guint attempt, const GError *cause, gpointer user_data);

	const char *key; /* signing key; NULL: none */
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
	UotaStatus *status;    /* what the board said last; NULL: it was not asked */
	UotaCrash *crash;      /* why it was rolled back; NULL: not told */
	guint protocol;        /* 1 or 2 */
	UotaPush2Result push2; /* protocol 2 */
	guint64 sent;          /* protocol 2: bytes on the wire, over all attempts */
	UotaManifest *own;     /* as this board got it: its configuration, what is compiled */
	guint files;           /* in it */
	guint64 bytes;         /* of those files */
	double pushed;         /* seconds until the board had committed it */
	double waited;         /* seconds from there to the outcome */
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

/* Sleeps. Error: UOTA_ERROR_CANCELLED. */
gboolean uota_target_pause(const UotaTarget *target, guint ms, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Sends @command, which the board answers with `ok` and a reset. */
gboolean uota_target_command(const UotaTarget *target, const char *command, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
