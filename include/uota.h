/* libuota: puts code onto MicroPython boards. The public face of the library; plain C.
 *
 * A uota_client is a project and the board that it is for. Nothing here prints, and there is no
 * global state: clients are independent of each other; one client is for one thread at a time
 * (but for uota_client_cancel()).
 *
 * Functions that can fail return 0 or NULL and fill @error, when it is not NULL, with a code and
 * one line of text, which the caller frees with uota_error_clear(). */
#ifndef UOTA_H
#define UOTA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uota_client uota_client;

typedef enum {
	UOTA_OK = 0,
	UOTA_FAILED = 1,        /* anything else */
	UOTA_REFUSED = 3,       /* by the board: password, signature, a known failure */
	UOTA_UNREACHABLE = 4,   /* the board, or the connection was lost */
	UOTA_INTERRUPTED = 130, /* by uota_client_cancel() */
} uota_status;                  /* the numbers are the tool's exit status */

typedef struct {
	uota_status status;
	char *text; /* one line, UTF-8; may quote the board, so do not send it raw to a terminal */
} uota_error;

/* Frees the text and sets the status to UOTA_OK. */
void uota_error_clear(uota_error *error);

/* Opens the project in @project_dir, which holds config/ota.json.
 * @host: address or name of the board; NULL: hostname of the configuration.
 * @port: its OTA port; 0: that of the configuration.
 * @timeout_ms: the longest silence of the board; 0: 10,000.
 * Nothing is connected yet. Returns a client for uota_client_free(), or NULL. */
uota_client *uota_client_new(const char *project_dir, const char *host, uint16_t port,
	unsigned timeout_ms, uota_error *error);

void uota_client_free(uota_client *client);

/* @allowed: not 0: go on in protocol 1.0 with a board that speaks no other, although the project
 * has secrets, which who listens then gets. */
void uota_client_set_legacy(uota_client *client, int allowed);

/* Ends what the client is doing in another thread, and all that it would do later. */
void uota_client_cancel(uota_client *client);

typedef enum {
	UOTA_UNTOLD,      /* the board does not say: it has micro-ota 1.0 */
	UOTA_CONFIRMED,   /* its version has passed its trial, or had none */
	UOTA_TRIAL,       /* its version is on trial, and rolled back unless it passes */
	UOTA_ROLLED_BACK, /* the last update has failed, and its version is the one before it */
} uota_state;

/* What a board says of itself. Texts are the board's words, UTF-8, not to be sent raw to a
 * terminal; NULL: not told. */
typedef struct {
	char *version; /* installed; "unknown": nothing is */
	char *agent;   /* version of the agent; NULL: micro-ota 1.0, and nothing below is told */
	uota_state state;
	double left;    /* on trial: seconds that remain at least; below 0: not told */
	int awaits_app; /* not 0: the trial ends when the app calls uota.confirm(), not before */
	char *from;     /* rolled back: the version that failed */
	char *why;      /* rolled back: why it failed */
	char *crash;    /* what the app died of since the boot, outside of a trial */
	int safe;       /* not 0: the board runs without its app */
} uota_board_status;

/* Frees the texts and sets all to 0. */
void uota_board_status_clear(uota_board_status *status);

/* Asks the board for its version and how that stands. @status is filled, and the caller's to clear.
 * Returns 1, or 0 with @error. */
int uota_client_status(uota_client *client, uota_board_status *status, uota_error *error);

/* The traceback of the last update or app that has failed on the board, at most a kilobyte, "" when
 * it has kept none; for free(). */
char *uota_client_crash(uota_client *client, uota_error *error);

/* Makes the board go back to the version that it has kept, and waits until it answers again.
 * @return_ms: for that; 0: 60,000. @status: (may be NULL) filled with what it says then.
 * Returns 1, or 0 with @error. */
int uota_client_rollback(
	uota_client *client, unsigned return_ms, uota_board_status *status, uota_error *error);

typedef enum {
	UOTA_FAST, /* fastOtaFiles; all else on the board stays */
	UOTA_FULL, /* all files; what the project no longer has, the board loses */
} uota_push_scope;

/* How far a push is followed after the board has committed it. A board with micro-ota 1.0, which
 * knows no trial, is followed until it is back. */
typedef enum {
	UOTA_UNTIL_VERDICT,   /* until the update is confirmed or rolled back */
	UOTA_UNTIL_RUNNING,   /* until the new app has run for two seconds */
	UOTA_UNTIL_COMMITTED, /* no further */
} uota_follow;

/* @done and @total are bytes of the whole push; @path is on its way. */
typedef void (*uota_progress)(const char *path, uint64_t done, uint64_t total, void *user_data);

/* All 0 is a fast push of the configured version, followed to its verdict. */
typedef struct {
	uota_push_scope scope;
	const char *version; /* what to install; NULL: version of the configuration */
	int wipe;            /* not 0: with UOTA_FULL, delete the user's files first */
	int no_rollback;     /* not 0: the board keeps no previous version, and has no trial */
	int force;           /* not 0: also what has failed on the board before */
	uota_follow follow;
	unsigned return_ms;     /* for the board to come back; 0: 60,000 */
	uota_progress progress; /* may be NULL */
	void *user_data;        /* for @progress */
} uota_push_options;

/* Pushes the project's files, signed when it has a signing key.
 * @status: (may be NULL) filled with what the board said last, the caller's to clear; all 0 when it
 * was not asked.
 *
 * Returns 1 when the board has committed the update, and, as far as it was followed, has not rolled
 * it back. Else 0: then it is, or soon will be, on the version before. An update that failed its
 * trial is UOTA_FAILED with a state of UOTA_ROLLED_BACK; one that the board refuses because it
 * failed before is UOTA_REFUSED. */
int uota_client_push(uota_client *client, const uota_push_options *options,
	uota_board_status *status, uota_error *error);

#ifdef __cplusplus
}
#endif
#endif
