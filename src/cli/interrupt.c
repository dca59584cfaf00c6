/* Ctrl-C as a cancellable. g_cancellable_cancel() may not be called in a signal handler, so a
 * thread of its own waits for the signals. */
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "core/error.h"

static G_NORETURN gpointer wait_for_signal(gpointer cancellable)
{
	sigset_t signals;
	int number = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigwait(&signals, &number);
	g_cancellable_cancel(cancellable);
	g_object_unref(cancellable);
	/* Whoever asks again does not want to wait for anything. */
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	for (;;)
		pause();
}

GCancellable *uota_interrupt_cancellable(void)
{
	GCancellable *cancellable = g_cancellable_new();
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	g_thread_unref(g_thread_new("interrupt", wait_for_signal, g_object_ref(cancellable)));
	return cancellable;
}

gboolean uota_interrupt_await_input(GCancellable *cancellable, GError **error)
{
	GPollFD fds[] = {{STDIN_FILENO, G_IO_IN | G_IO_HUP, 0}, {0}};
	gboolean pollable = g_cancellable_make_pollfd(cancellable, &fds[1]);

	while (g_poll(fds, pollable ? 2 : 1, -1) < 0 && errno == EINTR)
		;
	if (pollable)
		g_cancellable_release_fd(cancellable);
	if (!g_cancellable_is_cancelled(cancellable))
		return TRUE;
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_CANCELLED, "interrupted");
	return FALSE;
}
