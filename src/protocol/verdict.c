/* What becomes of a board that resets. */
#include "protocol/verdict.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"
#include "protocol/push.h"

#define RESET_MS 400    /* boards reset about 0.3 s after their answer */
#define RETRY_MS 200    /* between two attempts to reach a board that restarts */
#define ATTEMPT_MS 2000 /* for one of them: a board that is joining the Wi-Fi is silent */
#define TRIAL_MS 2000   /* between two looks at a board on trial, at most */
#define VERIFY_MS 30000 /* for a board whose answer was overtaken, at least */
#define RUNNING_S 2     /* an app that has run this long has started */
#define UNCLEAN_BOOTS 3 /* that many end a trial */
#define QUOTE_MAX 200   /* bytes of the board's words that a message quotes */

typedef enum {
	STEP_FAILED,
	STEP_AGAIN, /* look once more, after a pause */
	STEP_DONE,
} Step;

typedef struct Wait Wait;

/* Judges what the board says over @session. */
typedef Step (*Judge)(Wait *wait, UotaSession *session, GError **error);

struct Wait {
	const UotaTarget *target;
	Judge judge;
	guint return_ms;
	UotaDeadline away;  /* when a board that does not come back is given up */
	guint pause_ms;     /* before the next look */
	UotaStatus *status; /* what the board said last */
};

static void wait_clear(Wait *wait)
{
	uota_status_free(wait->status);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wait, wait_clear)

/* waiting for any board */

static Step look(Wait *wait, GError **error)
{
	UotaTarget once = *wait->target;
	g_autoptr(UotaSession) session = NULL;
	gint64 left = MAX((wait->away - g_get_monotonic_time()) / 1000, 1);

	once.timeout_ms = (guint)MIN(left, ATTEMPT_MS);
	session = uota_target_open(&once, error);
	if (!session)
		return STEP_FAILED;
	g_clear_pointer(&wait->status, uota_status_free);
	wait->status = uota_session_status(session, error);
	return wait->status ? wait->judge(wait, session, error) : STEP_FAILED;
}

static gboolean may_pass(const GError *error)
{
	return g_error_matches(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE) ||
	       g_error_matches(error, UOTA_ERROR, UOTA_ERROR_CLOSED) ||
	       g_error_matches(error, UOTA_ERROR, UOTA_ERROR_RESTARTING) ||
	       g_error_matches(error, UOTA_ERROR, UOTA_ERROR_BUSY);
}

/* Looks until the judge has decided. */
static gboolean watch(Wait *wait, GError **error)
{
	wait->away = uota_deadline(wait->return_ms);
	wait->pause_ms = RESET_MS;
	while (uota_target_pause(wait->target, wait->pause_ms, error)) {
		g_autoptr(GError) cause = NULL;
		Step step = look(wait, &cause);

		if (step == STEP_DONE)
			return TRUE;
		if (step == STEP_AGAIN)
			continue;
		if (!may_pass(cause) || g_get_monotonic_time() >= wait->away) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		wait->pause_ms = RETRY_MS;
	}
	return FALSE;
}

static Step any_answer(Wait *wait, UotaSession *session, GError **error)
{
	return STEP_DONE;
}

static Step safe_mode(Wait *wait, UotaSession *session, GError **error)
{
	wait->pause_ms = RETRY_MS;
	if (wait->status->safe)
		return STEP_DONE;
	if (g_get_monotonic_time() < wait->away)
		return STEP_AGAIN;
	g_set_error_literal(
		error, UOTA_ERROR, UOTA_ERROR_FAILED, "it came back with its app running");
	return STEP_FAILED;
}

UotaStatus *uota_verdict_await_return(
	const UotaTarget *target, guint return_ms, gboolean safe, GError **error)
{
	g_auto(Wait) wait = {
		.target = target,
		.judge = safe ? safe_mode : any_answer,
		.return_ms = return_ms,
	};

	return watch(&wait, error) ? g_steal_pointer(&wait.status) : NULL;
}

/* waiting for the verdict on an update */

typedef struct {
	Wait wait;
	const UotaManifest *manifest;
	const char *id; /* what the board calls it */
	const UotaFollow *follow;
	UotaVerdict *told;
	gboolean committed; /* the board has said so, or shown it */
	gboolean doubt;     /* it looks as if not: is it still at it? */
	gboolean idle;      /* it is not */
	UotaDeadline end;   /* when the trial must be over; 0: none was seen yet */
} Verdict;

static void verdict_clear(Verdict *verdict)
{
	wait_clear(&verdict->wait);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verdict, verdict_clear)

static Step done(Verdict *verdict, UotaOutcome outcome)
{
	verdict->told->outcome = outcome;
	return STEP_DONE;
}

static Step fail(GError **error, char *message)
{
	g_autofree char *owned = message;

	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED, message);
	return STEP_FAILED;
}

static gboolean is_enough(const Verdict *verdict)
{
	const UotaStatus *status = verdict->wait.status;
	UotaWait wait = verdict->follow->wait;

	if (wait == UOTA_WAIT_NOT)
		return TRUE;
	/* a trial that ends when the app says so may have no end */
	return status->app >= RUNNING_S &&
	       (wait == UOTA_WAIT_RUNNING || uota_status_awaits_app(status));
}

/* Each unclean boot begins the seconds of the trial anew. */
static UotaDeadline end_of_trial(const Verdict *verdict)
{
	double left = MAX(verdict->wait.status->left, 0);
	double ms = UNCLEAN_BOOTS * (left * 1000 + verdict->follow->return_ms) +
		    verdict->follow->network_ms;

	return uota_deadline((guint)MIN(ms, G_MAXUINT));
}

/* Milliseconds until the board may have something new to say. */
static guint until_news(const Verdict *verdict)
{
	const UotaStatus *status = verdict->wait.status;
	double seconds = status->left;

	if (verdict->follow->wait == UOTA_WAIT_RUNNING || uota_status_awaits_app(status))
		seconds = RUNNING_S - MAX(status->app, 0);
	return (guint)CLAMP(seconds * 1000, RETRY_MS, TRIAL_MS);
}

static Step on_trial(Verdict *verdict, GError **error)
{
	const UotaFollow *follow = verdict->follow;
	Wait *wait = &verdict->wait;

	verdict->committed = TRUE;
	wait->away = uota_deadline(wait->return_ms);
	if (!verdict->end)
		verdict->end = end_of_trial(verdict);
	if (is_enough(verdict))
		return done(verdict, follow->wait == UOTA_WAIT_NOT ? UOTA_OUTCOME_COMMITTED
								   : UOTA_OUTCOME_RUNNING);
	if (g_get_monotonic_time() >= verdict->end)
		return fail(error, g_strdup("it takes too long: ask with `uota version`"));
	if (follow->waiting)
		follow->waiting(wait->status, follow->user_data);
	wait->pause_ms = until_news(verdict);
	return STEP_AGAIN;
}

/* The traceback is good to have, but no condition. */
static Step rolled_back(Verdict *verdict, UotaSession *session, GError **error)
{
	const UotaStatus *status = verdict->wait.status;
	g_autofree char *version = uota_text_printable(status->version, QUOTE_MAX);
	g_autofree char *why = uota_text_printable(status->why ? status->why : "", QUOTE_MAX);

	verdict->committed = TRUE;
	verdict->told->crash = uota_session_crash(session, NULL);
	done(verdict, UOTA_OUTCOME_ROLLED_BACK);
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_ROLLED_BACK, "rolled back to %s: %s", version,
		*why ? why : "the board does not say why");
	return STEP_FAILED;
}

/* Opens an update and gives it up: who lets us in has no other one under way. */
static gboolean is_idle(UotaSession *session, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (uota_session_command(session, "start_ota", "ready", &cause) &&
		uota_session_command(session, "abort", "aborted", &cause))
		return TRUE;
	if (g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_FAILED) ||
		g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_RESTARTING) ||
		g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_UNKNOWN))
		return TRUE; /* it says something else than that it is busy */
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

static Step installed(Verdict *verdict)
{
	return done(verdict, verdict->wait.status->state == UOTA_STATE_UNTOLD
				     ? UOTA_OUTCOME_BACK
				     : UOTA_OUTCOME_CONFIRMED);
}

/* In protocol 2 the board knows what it has installed. */
static Step lost_in_2(Verdict *verdict, UotaSession *session, GError **error)
{
	g_autoptr(UotaInfo) info = uota_session_info(session, error);

	if (!info)
		return STEP_FAILED;
	if (g_strcmp0(info->id, verdict->id) == 0)
		return installed(verdict);
	g_set_error_literal(
		error, UOTA_ERROR, UOTA_ERROR_UNANSWERED, "the board went on with its old files");
	return STEP_FAILED;
}

/* The answer was lost. What the board has is no verdict while it may still be putting our files
 * into their places: a look whether it does comes in between. A connection for each: 1.0 boards
 * serve one at a time. */
static Step lost(Verdict *verdict, UotaSession *session, GError **error)
{
	Wait *wait = &verdict->wait;
	g_autoptr(GError) cause = NULL;

	if (verdict->wait.target->known->protocol == 2)
		return lost_in_2(verdict, session, error);
	wait->pause_ms = 0;
	if (verdict->doubt) {
		verdict->doubt = FALSE;
		verdict->idle = is_idle(session, error);
		return verdict->idle ? STEP_AGAIN : STEP_FAILED;
	}
	if (uota_push_verify(session, wait->status->version, verdict->manifest, &cause))
		return installed(verdict);
	verdict->doubt = !verdict->idle && g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_FAILED);
	if (verdict->doubt)
		return STEP_AGAIN;
	g_propagate_error(error, g_steal_pointer(&cause));
	return STEP_FAILED;
}

/* It is not on trial with our update, nor was that rolled back. */
static Step came_back(Verdict *verdict, GError **error)
{
	const UotaStatus *status = verdict->wait.status;
	const char *wanted = verdict->manifest->version;
	g_autofree char *version = uota_text_printable(status->version, QUOTE_MAX);

	if (status->state == UOTA_STATE_TRIAL)
		return fail(error, g_strdup_printf("another update has come in between: %s is on "
						   "trial",
					   version));
	if (status->state == UOTA_STATE_ROLLED_BACK || strcmp(status->version, wanted) != 0)
		return fail(error, g_strdup_printf("the board took %s but came back with %s",
					   wanted, version));
	return installed(verdict);
}

static Step judge(Wait *wait, UotaSession *session, GError **error)
{
	Verdict *verdict = (Verdict *)wait;
	gboolean ours = g_strcmp0(wait->status->id, verdict->id) == 0;

	if (ours && wait->status->state == UOTA_STATE_TRIAL)
		return on_trial(verdict, error);
	if (ours && wait->status->state == UOTA_STATE_ROLLED_BACK)
		return rolled_back(verdict, session, error);
	return verdict->committed ? came_back(verdict, error) : lost(verdict, session, error);
}

static void say_where(const Verdict *verdict, GError **error)
{
	if (verdict->told->outcome == UOTA_OUTCOME_ROLLED_BACK)
		return;
	if (!verdict->committed)
		g_prefix_error(error, "the board did not answer after the last byte: ");
	else if (verdict->end)
		g_prefix_error(error, "the update is on trial, but its end was not seen: ");
	else
		g_prefix_error(error, "the update is committed, but the board is not back: ");
}

void uota_verdict_clear(UotaVerdict *verdict)
{
	g_clear_pointer(&verdict->status, uota_status_free);
	g_clear_pointer(&verdict->crash, uota_crash_free);
}

gboolean uota_verdict_await(const UotaTarget *target, const UotaManifest *manifest, const char *id,
	const UotaFollow *follow, gboolean answered, UotaVerdict *told, GError **error)
{
	g_auto(Verdict) verdict = {
		.wait = {.target = target,
			.judge = judge,
			.return_ms =
				answered ? follow->return_ms : MAX(follow->return_ms, VERIFY_MS)},
		.manifest = manifest,
		.id = id,
		.follow = follow,
		.told = told,
		.committed = answered,
	};
	gboolean ok;

	if (follow->waiting)
		follow->waiting(NULL, follow->user_data);
	ok = watch(&verdict.wait, error);
	if (!ok)
		say_where(&verdict, error);
	told->status = g_steal_pointer(&verdict.wait.status);
	return ok;
}
