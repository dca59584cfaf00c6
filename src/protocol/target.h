/* A board that can be reached again: what an update needs, since it ends with a reset. */
#pragma once

#include "protocol/session.h"

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

/* Sleeps. Error: UOTA_ERROR_CANCELLED. */
gboolean uota_target_pause(const UotaTarget *target, guint ms, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Sends @command, which the board answers with `ok` and a reset. */
gboolean uota_target_command(const UotaTarget *target, const char *command, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
