/* A board that can be reached again. */
#include "protocol/target.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"

#define RESET_MS 400    /* 1.0 boards reset about 0.3 s after their answer */
#define RETRY_MS 200    /* between two attempts to reach a board that restarts */
#define ATTEMPT_MS 2000 /* for one of them: a board that is joining the Wi-Fi is silent */
#define VERIFY_MS 30000 /* for a board whose answer was overtaken, at least */
#define QUOTE_MAX 80    /* bytes of the board's version that a message quotes */

UotaSession *uota_target_open(const UotaTarget *target, GError **error)
{
	UotaTransport *transport = target->connect(target->connect_data,
		uota_deadline(target->timeout_ms), target->cancellable, error);

	if (!transport)
		return NULL;
	return uota_session_open(
		transport, target->password, target->timeout_ms, target->cancellable, error);
}

/* Sleeps; FALSE when cancelled. */
static gboolean pause_ms(const UotaTarget *target, guint ms, GError **error)
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

static gboolean verify(const UotaTarget *target, const UotaManifest *manifest, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(target, error);

	return session && uota_push_verify(session, manifest, error);
}

/* Opens an update and gives it up: who lets us in has no other one under way. */
static gboolean is_idle(const UotaTarget *target, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(UotaSession) session = uota_target_open(target, &cause);

	if (session && uota_session_command(session, "start_ota", "ready", &cause) &&
		uota_session_command(session, "abort", "aborted", &cause))
		return TRUE;
	if (g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_FAILED) ||
		g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNKNOWN))
		return TRUE; /* it says something else than that it is busy */
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

/* What has become of an update whose answer was lost. What the board has is no verdict while it
 * may still be putting our files into their places. */
static gboolean judge(const UotaTarget *target, const UotaManifest *manifest, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (verify(target, manifest, &cause))
		return TRUE;
	if (!g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_FAILED)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	return is_idle(target, error) && verify(target, manifest, error);
}

/* One look at the board. After an answered push its version says enough. */
static gboolean look(const UotaTarget *target, const UotaManifest *manifest, gboolean answered,
	UotaDeadline deadline, GError **error)
{
	UotaTarget once = *target;
	g_autoptr(UotaSession) session = NULL;
	g_autofree char *version = NULL;
	g_autofree char *quote = NULL;
	gint64 left = MAX((deadline - g_get_monotonic_time()) / 1000, 1);

	once.timeout_ms = (guint)MIN(left, ATTEMPT_MS);
	if (!answered)
		return judge(&once, manifest, error);
	session = uota_target_open(&once, error);
	version = session ? uota_session_version(session, error) : NULL;
	if (!version)
		return FALSE;
	if (strcmp(version, manifest->version) == 0)
		return TRUE;
	quote = uota_text_printable(version, QUOTE_MAX);
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "the board took %s but came back with %s",
		manifest->version, quote);
	return FALSE;
}

static gboolean may_pass(const GError *error)
{
	return g_error_matches(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE) ||
	       g_error_matches(error, UOTA_ERROR, UOTA_ERROR_CLOSED) ||
	       g_error_matches(error, UOTA_ERROR, UOTA_ERROR_BUSY);
}

/* Waits until the board has come back, and looks. */
static gboolean await(const UotaTarget *target, const UotaManifest *manifest, gboolean answered,
	guint wait_ms, GError **error)
{
	UotaDeadline deadline = uota_deadline(wait_ms);
	guint before = RESET_MS;

	for (;;) {
		g_autoptr(GError) cause = NULL;

		if (!pause_ms(target, before, error))
			return FALSE;
		if (look(target, manifest, answered, deadline, &cause))
			return TRUE;
		if (!may_pass(cause) || g_get_monotonic_time() >= deadline) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		before = RETRY_MS;
	}
}

static gboolean push_once(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, UotaPushKind *used, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(target, error);

	if (!session)
		return FALSE;
	if (options->wipe && !uota_session_command(session, "wipe", "ok", error))
		return FALSE;
	return uota_push(session, manifest, options->kind, options->key, options->progress,
		options->user_data, used, error);
}

gboolean uota_target_push(const UotaTarget *target, const UotaManifest *manifest,
	const UotaPushOptions *options, UotaPushKind *used, UotaOutcome *outcome, GError **error)
{
	g_autoptr(GError) cause = NULL;
	gboolean answered = push_once(target, manifest, options, used, &cause);
	guint wait_ms = options->wait_ms;

	if (!answered && !g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNANSWERED)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	*outcome = UOTA_OUTCOME_COMMITTED;
	if (answered && wait_ms == 0)
		return TRUE;
	if (options->waiting)
		options->waiting(options->user_data);
	if (!await(target, manifest, answered, answered ? wait_ms : MAX(wait_ms, VERIFY_MS),
		    error)) {
		g_prefix_error(
			error, answered ? "the update is committed, but the board is not back: "
					: "the board did not answer after the last byte: ");
		return FALSE;
	}
	*outcome = UOTA_OUTCOME_BACK;
	return TRUE;
}
