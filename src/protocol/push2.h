/* A push over protocol 2 (docs/protocol.md, 7): the manifest, and only what is missing. */
#pragma once

#include "core/fileset.h"
#include "core/manifest2.h"
#include "protocol/push.h"

/* What a push of protocol 2 does besides; all 0 is a complete one. */
typedef struct {
	const char *key;  /* signing key; NULL: none */
	gboolean partial; /* what it carries is merged into what is installed */
	/* (nullable) Partial: what is installed where its fast files lie, and no longer in the
	 * manifest, is deleted. */
	const UotaConfig *config;
	gboolean verify;    /* the board hashes what it has installed */
	gboolean downgrade; /* a lower version than the installed one is meant */
	gboolean wipe, no_rollback, force;
	gboolean dry_run;      /* finds out what would travel, and stops */
	UotaProgress progress; /* nullable */
	/* (nullable) What is being done now: `manifest`, `copy`, `send`, `commit`. */
	void (*phase)(const char *name, gpointer user_data);
	gpointer user_data;
} UotaPush2Options;

/* What becomes of one file. */
typedef struct {
	char *path;
	const char *why; /* `new`, `changed`, `rest`, `copied`, `deleted` */
	guint64 bytes;   /* of it that travel, before they are deflated */
} UotaPlanned;

typedef struct {
	char *id;        /* of the update, UOTA_UPDATE_ID_SIZE digits */
	gboolean same;   /* all is installed already: nothing was done */
	GPtrArray *plan; /* (element-type UotaPlanned) */
	guint64 sent;    /* bytes on the wire */
} UotaPush2Result;

void uota_push2_result_clear(UotaPush2Result *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UotaPush2Result, uota_push2_result_clear)

/* Pushes @manifest to the board, which has told @info. Pushing the same again goes on where it was
 * cut. @result: cleared before, the caller's to clear, also on error.
 *
 * Errors: UOTA_ERROR_UNANSWERED when the commit was sent but no answer came: it may have happened;
 * UOTA_ERROR_REFUSED; the session's. After an error the session is of no further use. */
gboolean uota_push2(UotaSession *session, const UotaManifest *manifest, const UotaInfo *info,
	const UotaPush2Options *options, UotaPush2Result *result, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
