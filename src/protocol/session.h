/* A conversation with a board, in protocol 2 or 1.0: who we are, then commands, one at a time. */
#pragma once

#include "core/file.h"
#include "protocol/handshake.h"
#include "protocol/info.h"
#include "protocol/status.h"

typedef struct UotaSession UotaSession;

/* Starts a session of protocol 1.0 over @transport (transfer full, also on error).
 *
 * @password: (nullable) plaintext to prove ourselves with; NULL: the board has none.
 * @timeout_ms: the longest that the board may be silent when it is its turn.
 * @cancellable: (nullable) ends any wait; a reference is kept.
 *
 * With a password, a board that wants none is refused: it is not the board it should be.
 * Errors here and below: UOTA_ERROR_REFUSED, _UNREACHABLE (silence), _CLOSED, _CANCELLED, _UNKNOWN
 * (the board does not know the command), _BUSY (with another update), _RESTARTING (without its app,
 * to have memory for the update), _FAILED. Returns: (transfer full) */
UotaSession *uota_session_open(UotaTransport *transport, const char *password, guint timeout_ms,
	GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Starts a session over @transport (transfer full, also on error) with `hello`, and proves both
 * ends to each other. A board that knows only 1.0 is spoken to in 1.0 where @proof allows it.
 *
 * Errors: UOTA_ERROR_LEGACY: it speaks 1.0, which is allowed, but took the hello for a password:
 * connect again, and use uota_session_open(). UOTA_ERROR_REFUSED: wrong proof, or we must not go on
 * with this board; those of uota_session_open(). Returns: (transfer full) */
UotaSession *uota_session_hello(UotaTransport *transport, const UotaProof *proof, guint timeout_ms,
	GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The records of protocol 2; NULL: the session is one of 1.0. */
UotaChannel *uota_session_channel(UotaSession *session);

/* In protocol 2: how we have proven ourselves; NULL in 1.0. */
const UotaMethod *uota_session_method(const UotaSession *session);

/* In protocol 2: FALSE where what travels can be read by who listens. */
gboolean uota_session_encrypted(const UotaSession *session);

void uota_session_free(UotaSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaSession, uota_session_free)

/* Sends @command, a line without its end, and takes the answer, which must be @expected. */
gboolean uota_session_command(UotaSession *session, const char *command, const char *expected,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The version that the board has installed, and how it stands. Returns: (transfer full) */
UotaStatus *uota_session_status(UotaSession *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the board is, and can; protocol 2 only. Returns: (transfer full) */
UotaInfo *uota_session_info(UotaSession *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The answer to @command, one line of at most 8 KiB, without its end.
 * Returns: (transfer full) */
char *uota_session_ask(UotaSession *session, const char *command, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* What the board remembers of the last failure; a 1.0 board: UOTA_ERROR_UNKNOWN.
 * Returns: (transfer full) */
UotaCrash *uota_session_crash(UotaSession *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The entries of the folder @path, folders with a `/` at their end.
 * Returns: (transfer full) (element-type utf8) */
GPtrArray *uota_session_ls(UotaSession *session, const char *path, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Downloads @path, any size, into @sink as it comes, piece by piece. After an error inside the file
 * the session is of no further use. */
gboolean uota_session_get(UotaSession *session, const char *path, UotaChunkFunc sink,
	gpointer user_data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Downloads @path, of at most @max bytes, into memory. Returns: (transfer full) */
GBytes *uota_session_get_bytes(UotaSession *session, const char *path, gsize max, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Uploads @file to its path; protocol 2 only. The board makes the folders above it. */
gboolean uota_session_put(UotaSession *session, const UotaFile *file, GCancellable *cancellable,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For the push of 1.0: sends @len bytes. What the board says meanwhile is an objection, and the
 * error. */
gboolean uota_session_send(UotaSession *session, const void *data, gsize len, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* For the push of 1.0: takes an answer, which must be @expected. Other answers become errors:
 * `denied`, `sig_mismatch`, `error: refused` → UOTA_ERROR_REFUSED, `unknown` → UOTA_ERROR_UNKNOWN,
 * `error: busy` → UOTA_ERROR_BUSY, `error: restarting` → UOTA_ERROR_RESTARTING, the rest _FAILED.
 */
gboolean uota_session_expect(UotaSession *session, const char *expected, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
