/* An update of a board, from the first connection to what comes of it: a push in the protocol that
 * the board speaks, again where the connection is lost, and then its verdict. */
#pragma once

#include "core/config.h"
#include "protocol/push2.h"
#include "protocol/verdict.h"

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
	UotaFollow follow;
	UotaProgress progress; /* nullable */
	/* (nullable) The board had no memory for the update: it restarts without its app, and gets
	 * the update once more. */
	void (*restarting)(gpointer user_data);
	gpointer user_data;
} UotaUpdateOptions;

typedef struct {
	UotaPushKind used; /* how it was pushed */
	UotaVerdict verdict;
	guint protocol;        /* 1 or 2 */
	UotaPush2Result push2; /* protocol 2 */
	guint64 sent;          /* protocol 2: bytes on the wire, over all attempts */
	UotaManifest *own;     /* as this board got it: its configuration, what is compiled */
	guint files;           /* in it */
	guint64 bytes;         /* of those files */
	double pushed;         /* seconds until the board had committed it */
	double waited;         /* seconds from there to the outcome */
} UotaUpdateResult;

void uota_update_result_clear(UotaUpdateResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UotaUpdateResult, uota_update_result_clear)

/* Opens a session, pushes @manifest, and waits as @options say. When the last answer was overtaken
 * by the reset, the board is asked, whatever they say, before this is called a success.
 *
 * @result is the caller's to clear, also on error. Errors: UOTA_ERROR_ROLLED_BACK, then @result is
 * filled; those of uota_push() and of the connection. */
gboolean uota_update(const UotaTarget *target, const UotaManifest *manifest,
	const UotaUpdateOptions *options, UotaUpdateResult *result, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
