/* A board that can be reached again. */
#include "protocol/target.h"

#include "core/error.h"

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
