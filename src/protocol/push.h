/* A push over protocol 1.0: the binary stream (`stream_ota`) and the session of single files
 * (`start_ota`). Both end in the board's atomic commit and its reset. */
#pragma once

#include "core/manifest.h"
#include "protocol/session.h"

typedef enum {
	UOTA_PUSH_STREAM,   /* partial: what it carries is merged into what is installed */
	UOTA_PUSH_COMPLETE, /* what the manifest does not name is deleted from the board */
} UotaPushKind;

/* Called as bytes of @path leave; @done and @total are bytes of the whole push. */
typedef void (*UotaProgress)(const char *path, guint64 done, guint64 total, gpointer user_data);

/* Pushes the files of @manifest, signed under @key (nullable: unsigned).
 *
 * @words: what follows the command that opens the update, each word after a space; "" for none,
 * as a 1.0 board must have it.
 *
 * A board that does not know `stream_ota` gets a UOTA_PUSH_STREAM by `start_ota`, as 1.0's tool
 * does it. *@used says which was used (nullable).
 *
 * Errors: UOTA_ERROR_UNANSWERED when everything was sent but no answer came (the reset may have
 * overtaken it: see uota_push_verify()); UOTA_ERROR_REFUSED; the session's. After an error the
 * session is of no further use, and the board, which then sees the connection close, discards
 * what it had staged. */
gboolean uota_push(UotaSession *session, const UotaManifest *manifest, UotaPushKind kind,
	const char *words, const char *key, UotaProgress progress, gpointer user_data,
	UotaPushKind *used, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Asks a board, over a new session, whether it has @manifest installed: @version, which it has
 * said, and each file's hash in its /ota_manifest.json. FALSE with an error that says what is there
 * instead. */
gboolean uota_push_verify(UotaSession *session, const char *version, const UotaManifest *manifest,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a board calls the update that @manifest is: UOTA_UPDATE_ID_SIZE hex digits of the SHA-256
 * of its signing payload. Returns: (transfer full) */
char *uota_push_id(const UotaManifest *manifest);

/* The bytes that `stream_ota` announces for @manifest, from the magic to the trailer's end. */
guint64 uota_push_stream_size(const UotaManifest *manifest);
