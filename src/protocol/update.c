/* An update of a board, from the first connection to what comes of it. */
#include "protocol/update.h"

#include <string.h>

#include "core/error.h"
#include "core/mpy.h"

#define RETRY_MS 500U /* before the first repetition; doubles */

void uota_update_result_clear(UotaUpdateResult *result)
{
	uota_verdict_clear(&result->verdict);
	uota_push2_result_clear(&result->push2);
	g_clear_pointer(&result->own, uota_manifest_free);
}

static char *words_of(const UotaUpdateOptions *options)
{
	return g_strconcat(options->wipe ? " wipe" : "", options->no_rollback ? " no-rollback" : "",
		options->force ? " force" : "", NULL);
}

/* What the board is to do besides: in words that a 2.0 board knows, or, as far as it can, by
 * commands of 1.0. NULL on error. Returns: (transfer full) */
static char *prepare(UotaSession *session, const UotaUpdateOptions *options, GError **error)
{
	g_autoptr(UotaStatus) status = uota_session_status(session, error);

	if (!status)
		return NULL;
	if (status->agent)
		return words_of(options);
	if (options->wipe && !uota_session_command(session, "wipe", "ok", error))
		return NULL;
	return g_strdup("");
}

/* @manifest with what @globs match compiled for @bytecode, as far as there is a compiler. */
static UotaManifest *compile(const UotaTarget *target, const UotaManifest *manifest, char **globs,
	int bytecode, GError **error)
{
	UotaManifest *compiled;
	gboolean absent;

	compiled = uota_mpy_compile(manifest, globs, bytecode, &absent, target->cancellable, error);
	if (absent && target->notice && !target->known->said_absent)
		target->notice(
			"mpy-cross is not installed: the sources are sent", target->notice_data);
	target->known->said_absent = target->known->said_absent || absent;
	return compiled;
}

/* Keeps @own, what the board gets. Takes it. */
static void sum_up(UotaManifest *own, UotaUpdateResult *result)
{
	g_clear_pointer(&result->own, uota_manifest_free);
	result->own = own;
	result->files = own->files->len;
	result->bytes = 0;
	for (guint i = 0; i < own->files->len; i++)
		result->bytes += ((const UotaFile *)own->files->pdata[i])->size;
}

/* What a board of 1.0 gets for @manifest: the same files, signed again. */
static UotaManifest *adapt_in_1(const UotaTarget *target, const UotaManifest *manifest,
	const UotaUpdateOptions *options, GError **error)
{
	const UotaConfig *config = options->config;
	char *none[] = {NULL};
	UotaManifest *own = compile(target, manifest, config ? config->mpy_files : none,
		config ? options->bytecode : -1, error);

	if (own && options->key)
		uota_manifest_sign(own, options->key);
	return own;
}

static gboolean push_in_1(const UotaTarget *target, UotaSession *session,
	const UotaManifest *manifest, const UotaUpdateOptions *options, UotaUpdateResult *result,
	GError **error)
{
	UotaManifest *own;
	g_autofree char *words = NULL;

	if (options->dry_run) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"a dry run needs protocol 2: in 1.0 all files travel each time");
		return FALSE;
	}
	own = adapt_in_1(target, manifest, options, error);
	if (!own)
		return FALSE;
	sum_up(own, result);
	words = prepare(session, options, error);
	return words && uota_push(session, own, options->kind, words, options->key,
				options->progress, options->user_data, &result->used, error);
}

/* What the board shall store of the project's password: under its own method as long as it has this
 * password, so that the file does not change from push to push. NULL on error. */
static char *stored_password(
	const UotaTarget *target, UotaSession *session, const UotaConfig *config, GError **error)
{
	const UotaMethod *proven = uota_session_method(session);
	UotaKnown *known = target->known;
	gboolean same = !known->old ||
			g_strcmp0(target->old.password, target->proof.credentials.password) == 0;

	if (proven->kind == UOTA_METHOD_PASSWORD && same)
		return uota_credentials_stored(config->ota_password, proven);
	/* hosts of 1.0 are to get in still */
	if (proven->kind == UOTA_METHOD_SHA256 && config->min_protocol < 2)
		return g_strdup(config->ota_password_hash);
	known->salted = known->salted || uota_method_new(&known->salt, error);
	return known->salted ? uota_credentials_stored(config->ota_password, &known->salt) : NULL;
}

/* The configuration as this board gets it. *@config stays NULL where it gets none: who listens
 * would read its secrets. */
static gboolean make_config(const UotaTarget *target, UotaSession *session,
	const UotaConfig *config, UotaFile **file, GError **error)
{
	g_autofree char *stored = NULL;
	g_autoptr(GBytes) json = NULL;

	*file = NULL;
	if (!uota_session_encrypted(session) && uota_config_has_secrets(config)) {
		if (target->notice)
			target->notice(UOTA_CONFIG_PATH " holds secrets: it is not sent",
				target->notice_data);
		return TRUE;
	}
	if (config->ota_password) {
		stored = stored_password(target, session, config, error);
		if (!stored)
			return FALSE;
	}
	json = uota_config_device_json2(config, stored);
	*file = uota_file_from_bytes(UOTA_CONFIG_PATH, json);
	return TRUE;
}

/* @manifest with the configuration for this board in the place of 1.0's. */
static UotaManifest *with_config(const UotaTarget *target, UotaSession *session,
	const UotaManifest *manifest, const UotaConfig *config, GError **error)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);

	for (guint i = 0; i < manifest->files->len; i++) {
		UotaFile *file = manifest->files->pdata[i];

		if (!config || strcmp(file->path, UOTA_CONFIG_PATH) != 0)
			file = uota_file_copy(file);
		else if (!make_config(target, session, config, &file, error))
			return NULL;
		if (file)
			g_ptr_array_add(files, file);
	}
	return uota_manifest_new(manifest->version, files);
}

/* The files of @manifest as this board gets them. */
static UotaManifest *adapt(const UotaTarget *target, UotaSession *session,
	const UotaManifest *manifest, const UotaInfo *info, const UotaConfig *config,
	GError **error)
{
	g_autoptr(UotaManifest) own = with_config(target, session, manifest, config, error);

	return own && config ? compile(target, own, config->mpy_files, info->mpy, error)
			     : g_steal_pointer(&own);
}

static UotaPush2Options push2_options(const UotaTarget *target, const UotaUpdateOptions *options)
{
	return (UotaPush2Options){
		.key = target->known->old ? target->old.signing_key : options->key,
		.partial = options->kind == UOTA_PUSH_STREAM,
		.config = options->config,
		.verify = options->verify,
		.downgrade = options->downgrade,
		.wipe = options->wipe,
		.no_rollback = options->no_rollback,
		.force = options->force,
		.dry_run = options->dry_run,
		.progress = options->progress,
		.phase = options->phase,
		.user_data = options->user_data,
	};
}

static gboolean push_in_2(const UotaTarget *target, UotaSession *session,
	const UotaManifest *manifest, const UotaUpdateOptions *options, UotaUpdateResult *result,
	GError **error)
{
	UotaPush2Options push2 = push2_options(target, options);
	g_autoptr(UotaInfo) info = uota_session_info(session, error);
	UotaManifest *own =
		info ? adapt(target, session, manifest, info, options->config, error) : NULL;
	gboolean ok;

	if (!own)
		return FALSE;
	sum_up(own, result);
	ok = uota_push2(session, own, info, &push2, &result->push2, error);
	result->sent += result->push2.sent;
	return ok;
}

static gboolean push_once(const UotaTarget *target, const UotaManifest *manifest,
	const UotaUpdateOptions *options, UotaUpdateResult *result, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(target, error);

	if (!session)
		return FALSE;
	result->protocol = target->known->protocol;
	return result->protocol == 2 ? push_in_2(target, session, manifest, options, result, error)
				     : push_in_1(target, session, manifest, options, result, error);
}

/* A board whose app leaves too little memory restarts without it, and is pushed to once more. */
static gboolean push(const UotaTarget *target, const UotaManifest *manifest,
	const UotaUpdateOptions *options, UotaUpdateResult *result, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(UotaStatus) status = NULL;

	if (push_once(target, manifest, options, result, &cause))
		return TRUE;
	if (!g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_RESTARTING)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	if (options->restarting)
		options->restarting(options->user_data);
	status = uota_verdict_await_return(target, options->follow.return_ms, TRUE, error);
	if (!status) {
		g_prefix_error(error, "the board restarts without its app, but is not back: ");
		return FALSE;
	}
	return push_once(target, manifest, options, result, error);
}

static double seconds_since(gint64 start)
{
	return (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
}

/* Follows what the board has, or may have, committed. */
static gboolean follow(const UotaTarget *target, const UotaUpdateOptions *options,
	gboolean answered, UotaUpdateResult *result, GError **error)
{
	gint64 start = g_get_monotonic_time();
	g_autofree char *id = NULL;
	gboolean ok;

	if (answered && result->push2.same) {
		result->verdict.outcome = UOTA_OUTCOME_SAME;
		return TRUE;
	}
	if (answered && options->dry_run) {
		result->verdict.outcome = UOTA_OUTCOME_PLANNED;
		return TRUE;
	}
	result->verdict.outcome = UOTA_OUTCOME_COMMITTED;
	if (answered && options->follow.wait == UOTA_WAIT_NOT)
		return TRUE;
	/* a connection with the secrets of before does not count in the trial */
	target->known->old = FALSE;
	id = result->protocol == 2 ? g_strdup(result->push2.id) : uota_push_id(result->own);
	ok = uota_verdict_await(
		target, result->own, id, &options->follow, answered, &result->verdict, error);
	result->waited = seconds_since(start);
	return ok;
}

/* Pushes once, and follows what comes of it. @lost: (out) it failed because the connection was
 * lost, and the board has not committed it. */
static gboolean attempt(const UotaTarget *target, const UotaManifest *manifest,
	const UotaUpdateOptions *options, gint64 start, UotaUpdateResult *result, gboolean *lost,
	GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(GError) sequel = NULL;
	gboolean answered = push(target, manifest, options, result, &cause);

	result->pushed = seconds_since(start);
	*lost = g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNREACHABLE) ||
		g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_CLOSED);
	if (!answered && !g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNANSWERED)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	if (follow(target, options, answered, result, &sequel))
		return TRUE;
	*lost = g_error_matches(sequel, UOTA_ERROR, UOTA_ERROR_UNANSWERED);
	g_propagate_error(error, g_steal_pointer(&sequel));
	return FALSE;
}

gboolean uota_update(const UotaTarget *target, const UotaManifest *manifest,
	const UotaUpdateOptions *options, UotaUpdateResult *result, GError **error)
{
	gint64 start = g_get_monotonic_time();

	target->known->old = uota_credentials_any(&target->old);
	for (guint n = 1;; n++) {
		g_autoptr(GError) cause = NULL;
		gboolean lost;

		if (attempt(target, manifest, options, start, result, &lost, &cause))
			return TRUE;
		/* a board that has been there, and is gone on with where it was cut */
		if (n > options->retries || !lost || result->protocol != 2) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		if (options->retrying)
			options->retrying(n, cause, options->user_data);
		uota_update_result_clear(result);
		if (!uota_target_pause(target, RETRY_MS << (n - 1), error))
			return FALSE;
	}
}
