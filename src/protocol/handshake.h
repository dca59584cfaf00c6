/* How a conversation with a board begins: which protocol is spoken, and that both ends are who they
 * should be. */
#pragma once

#include "protocol/credentials.h"
#include "protocol/plain.h"

typedef struct {
	UotaCredentials credentials;
	/* To go on in 1.0, which shows the password to who listens, although there is a secret; and
	 * to prove with a hash that is guessed fast. */
	gboolean legacy;
	gboolean old;   /* these secrets are those of before: the board's second way in */
	gboolean only2; /* the project wants protocol 2; only @legacy overrides it */
} UotaProof;

typedef struct {
	UotaChannel *channel; /* the records of protocol 2; NULL: it is 1.0 */
	UotaMethod method;    /* in protocol 2: how we have proven ourselves */
	gboolean encrypted;   /* in protocol 2 */
} UotaAgreed;

/* Says hello, and proves both ends to each other. A board that knows only 1.0 is gone on with
 * in 1.0 where @proof allows it. @agreed: its channel is the caller's to free, before @plain.
 * Errors: uota_session_hello()'s. */
gboolean uota_handshake(UotaPlain *plain, const UotaProof *proof, UotaAgreed *agreed,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* In 1.0: proves ourselves with @password. A board that wants none is refused: it is not the board
 * it should be. */
gboolean uota_handshake_in_1(UotaPlain *plain, const char *password, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
