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

typedef enum {
	UOTA_OUTCOME_BACK,      /* committed, and the board has come back with it */
	UOTA_OUTCOME_COMMITTED, /* committed; its return was not waited for */
} UotaOutcome;

typedef struct {
	UotaPushKind kind;
	gboolean wipe;         /* delete the user's files first (`wipe`) */
	const char *key;       /* signing key; NULL: none */
	guint wait_ms;         /* for the board to come back after its reset; 0: do not wait */
	UotaProgress progress; /* nullable */
	void (*waiting)(gpointer user_data); /* nullable; the board resets, the wait begins */
	gpointer user_data;
} UotaPushOptions;

/* Opens a session, pushes @manifest, and waits for the board to come back with it. When the last
 * answer was overtaken by the reset, the board is asked, whatever wait_ms says, before this is
 * called a success. *@used: how it was pushed. */
gboolean uota_target_push(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, UotaPushKind *used, UotaOutcome *outcome, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
