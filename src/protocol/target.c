/* A board that can be reached again. */
#include "protocol/target.h"

#include "core/error.h"
#include "protocol/verdict.h"

UotaSession *uota_target_open(const UotaTarget *target, GError **error)
{
	UotaTransport *transport = target->connect(target->connect_data,
		uota_deadline(target->timeout_ms), target->cancellable, error);

	if (!transport)
		return NULL;
	return uota_session_open(
		transport, target->password, target->timeout_ms, target->cancellable, error);
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

static gboolean push_once(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, UotaPushKind *used, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(target, error);
	g_autofree char *words = session ? prepare(session, options, error) : NULL;

	return words && uota_push(session, manifest, options->kind, words, options->key,
				options->progress, options->user_data, used, error);
}

/* A board whose app leaves too little memory restarts without it, and is pushed to once more. */
static gboolean push(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, UotaPushKind *used, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(UotaStatus) status = NULL;

	if (push_once(target, manifest, options, used, &cause))
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
	return push_once(target, manifest, options, used, error);
}

static double seconds_since(gint64 start)
{
	return (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
}

gboolean uota_target_push(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, UotaPushResult *result, GError **error)
{
	g_autoptr(GError) cause = NULL;
	gint64 start = g_get_monotonic_time();
	gboolean answered = push(target, manifest, options, &result->used, &cause);
	gboolean ok;

	if (!answered && !g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNANSWERED)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	result->outcome = UOTA_OUTCOME_COMMITTED;
	result->pushed = seconds_since(start);
	if (answered && options->wait == UOTA_WAIT_NOT)
		return TRUE;
	ok = uota_verdict_await(target, manifest, options, answered, result, error);
	result->waited = seconds_since(start) - result->pushed;
	return ok;
}
