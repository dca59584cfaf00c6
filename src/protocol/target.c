/* A board that can be reached again. */
#include "protocol/target.h"

#include <string.h>

#include "core/error.h"
#include "core/mpy.h"
#include "protocol/verdict.h"

#define RETRY_MS 500U /* before the first repetition; doubles */

static UotaTransport *connect_to(const UotaTarget *target, GError **error)
{
	return target->connect(target->connect_data, uota_deadline(target->timeout_ms),
		target->cancellable, error);
}

/* A connection of its own, in protocol 1.0. */
static UotaSession *open_in_1(const UotaTarget *target, GError **error)
{
	UotaTransport *transport = connect_to(target, error);

	return transport ? uota_session_open(transport, target->proof.credentials.password,
				   target->timeout_ms, target->cancellable, error)
			 : NULL;
}

static UotaSession *greet(const UotaTarget *target, gboolean old, GError **error)
{
	UotaTransport *transport = connect_to(target, error);
	UotaProof proof = target->proof;

	if (old) {
		proof.credentials = target->old;
		proof.old = TRUE;
	}
	return transport ? uota_session_hello(transport, &proof, target->timeout_ms,
				   target->cancellable, error)
			 : NULL;
}

/* Those secrets that opened it last come first. What is said of the first ones counts: the others
 * are a second try. */
static UotaSession *greet_with_any(const UotaTarget *target, GError **error)
{
	gboolean first = target->known->old;
	g_autoptr(GError) cause = NULL;
	UotaSession *session = greet(target, first, &cause);

	if (!session && uota_credentials_any(&target->old) &&
		g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_REFUSED)) {
		session = greet(target, !first, NULL);
		if (session)
			target->known->old = !first;
	}
	if (!session)
		g_propagate_error(error, g_steal_pointer(&cause));
	return session;
}

static const char *lack_of(UotaSession *session)
{
	const UotaMethod *method = uota_session_method(session);

	if (!method)
		return "the board speaks protocol 1.0: nothing is encrypted";
	if (method->kind == UOTA_METHOD_NONE)
		return "no secret is configured: whoever reaches the board can change it";
	return uota_session_encrypted(session) ? NULL
					       : "the board cannot encrypt: who listens can read";
}

static void get_to_know(const UotaTarget *target, UotaSession *session)
{
	UotaKnown *known = target->known;
	const char *lack = lack_of(session);

	known->protocol = uota_session_channel(session) ? 2 : 1;
	if (lack && !known->said && target->notice)
		target->notice(lack, target->notice_data);
	known->said = TRUE;
}

UotaSession *uota_target_open(const UotaTarget *target, GError **error)
{
	g_autoptr(GError) cause = NULL;
	UotaSession *session;

	if (target->known->protocol == 1)
		return open_in_1(target, error);
	session = greet_with_any(target, &cause);
	if (!session && g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_LEGACY)) {
		session = open_in_1(target, error);
		if (!session)
			return NULL;
	}
	if (session)
		get_to_know(target, session);
	else
		g_propagate_error(error, g_steal_pointer(&cause));
	return session;
}

gboolean uota_target_command(const UotaTarget *target, const char *command, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(target, error);

	return session && uota_session_command(session, command, "ok", error);
}

void uota_push_result_clear(UotaPushResult *result)
{
	g_clear_pointer(&result->status, uota_status_free);
	g_clear_pointer(&result->crash, uota_crash_free);
	uota_push2_result_clear(&result->push2);
	g_clear_pointer(&result->own, uota_manifest_free);
}

static char *words_of(const UotaPushOptions *options)
{
	return g_strconcat(options->wipe ? " wipe" : "", options->no_rollback ? " no-rollback" : "",
		options->force ? " force" : "", NULL);
}

/* What the board is to do besides: in words that a 2.0 board knows, or, as far as it can, by
 * commands of 1.0. NULL on error. Returns: (transfer full) */
static char *prepare(UotaSession *session, const UotaPushOptions *options, GError **error)
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
static void sum_up(UotaManifest *own, UotaPushResult *result)
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
	const UotaPushOptions *options, GError **error)
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
	const UotaManifest *manifest, const UotaPushOptions *options, UotaPushResult *result,
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

static UotaPush2Options push2_options(const UotaTarget *target, const UotaPushOptions *options)
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
	const UotaManifest *manifest, const UotaPushOptions *options, UotaPushResult *result,
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
	const UotaPushOptions *options, UotaPushResult *result, GError **error)
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
	const UotaPushOptions *options, UotaPushResult *result, GError **error)
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
	status = uota_verdict_await_return(target, options->return_ms, TRUE, error);
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

gboolean uota_target_pause(const UotaTarget *target, guint ms, GError **error)
{
	UotaDeadline end = uota_deadline(ms);
	gint64 left = (gint64)ms * 1000;
	GPollFD fd;
	gboolean pollable =
		target->cancellable && g_cancellable_make_pollfd(target->cancellable, &fd);

	/* read once a turn: a clock that went on would make a negative, endless timeout of it */
	while (left > 0 && !g_cancellable_is_cancelled(target->cancellable)) {
		g_poll(&fd, pollable ? 1 : 0, (gint)((left + 999) / 1000));
		left = end - g_get_monotonic_time();
	}
	if (pollable)
		g_cancellable_release_fd(target->cancellable);
	if (!g_cancellable_is_cancelled(target->cancellable))
		return TRUE;
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_CANCELLED, "interrupted");
	return FALSE;
}

/* Follows what the board has, or may have, committed. */
static gboolean follow(const UotaTarget *target, const UotaPushOptions *options, gboolean answered,
	UotaPushResult *result, GError **error)
{
	gint64 start = g_get_monotonic_time();
	gboolean ok;

	if (answered && result->push2.same) {
		result->outcome = UOTA_OUTCOME_SAME;
		return TRUE;
	}
	if (answered && options->dry_run) {
		result->outcome = UOTA_OUTCOME_PLANNED;
		return TRUE;
	}
	result->outcome = UOTA_OUTCOME_COMMITTED;
	if (answered && options->wait == UOTA_WAIT_NOT)
		return TRUE;
	/* a connection with the secrets of before does not count in the trial */
	target->known->old = FALSE;
	ok = uota_verdict_await(target, result->own, options, answered, result, error);
	result->waited = seconds_since(start);
	return ok;
}

/* Pushes once, and follows what comes of it. @lost: (out) it failed because the connection was
 * lost, and the board has not committed it. */
static gboolean attempt(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, gint64 start, UotaPushResult *result, gboolean *lost,
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

gboolean uota_target_push(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, UotaPushResult *result, GError **error)
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
		uota_push_result_clear(result);
		if (!uota_target_pause(target, RETRY_MS << (n - 1), error))
			return FALSE;
	}
}
