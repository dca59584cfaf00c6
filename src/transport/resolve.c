/* Host names to addresses: the system's resolver first, our own mDNS query after it. */
#include "transport/resolve.h"

#include "core/error.h"
#include "transport/mdns.h"

static GPtrArray *from_list(GList *list)
{
	GPtrArray *addresses = g_ptr_array_new_with_free_func(g_object_unref);

	for (GList *l = list; l; l = l->next)
		g_ptr_array_add(addresses, g_object_ref(l->data));
	return addresses;
}

static gboolean is_local(const char *host)
{
	g_autofree char *lower = g_ascii_strdown(host, -1);

	return g_str_has_suffix(lower, ".local") || g_str_has_suffix(lower, ".local.");
}

typedef struct {
	GMainLoop *loop;
	GList *list;
	GError *error;
} Lookup;

static void on_lookup(GObject *source, GAsyncResult *result, gpointer data)
{
	Lookup *lookup = data;

	lookup->list = g_resolver_lookup_by_name_finish(G_RESOLVER(source), result, &lookup->error);
	g_main_loop_quit(lookup->loop);
}

static void on_cancelled(GCancellable *cancellable, gpointer stop)
{
	g_cancellable_cancel(stop);
}

static gboolean on_deadline(gpointer stop)
{
	g_cancellable_cancel(stop);
	return G_SOURCE_REMOVE;
}

/* getaddrinfo() knows neither deadline nor cancelling: GLib runs it in a thread, which is left
 * behind when either comes first. */
static GList *system_lookup(
	const char *host, UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	g_autoptr(GMainContext) context = g_main_context_new();
	g_autoptr(GMainLoop) loop = g_main_loop_new(context, FALSE);
	g_autoptr(GResolver) resolver = g_resolver_get_default();
	g_autoptr(GCancellable) stop = g_cancellable_new();
	g_autoptr(GSource) timer =
		g_timeout_source_new((guint)(MAX(deadline - g_get_monotonic_time(), 0) / 1000));
	Lookup lookup = {.loop = loop};
	gulong id = 0;

	if (cancellable)
		id = g_cancellable_connect(
			cancellable, G_CALLBACK(on_cancelled), g_object_ref(stop), g_object_unref);
	g_source_set_callback(timer, on_deadline, stop, NULL);
	g_source_attach(timer, context);
	g_main_context_push_thread_default(context);
	g_resolver_lookup_by_name_async(resolver, host, stop, on_lookup, &lookup);
	g_main_loop_run(loop);
	g_main_context_pop_thread_default(context);
	g_source_destroy(timer);
	g_cancellable_disconnect(cancellable, id);
	if (lookup.error)
		g_propagate_error(error, lookup.error);
	return lookup.list;
}

static GPtrArray *by_name(
	const char *host, UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) cause = NULL;
	GList *list = system_lookup(host, deadline, cancellable, &cause);

	if (list) {
		GPtrArray *addresses = from_list(list);

		g_resolver_free_addresses(list);
		return addresses;
	}
	if (g_cancellable_is_cancelled(cancellable))
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_CANCELLED, "interrupted");
	else if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		g_set_error_literal(
			error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE, "looking up the name timed out");
	else
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE,
			"no such host: check the name, or give the board's address with --host");
	return NULL;
}

GPtrArray *uota_resolve(
	const char *host, UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	g_autoptr(GInetAddress) literal = g_inet_address_new_from_string(host);
	g_autoptr(GPtrArray) addresses = NULL;
	g_autoptr(GError) cause = NULL;

	if (literal) {
		addresses = g_ptr_array_new_with_free_func(g_object_unref);
		g_ptr_array_add(addresses, g_steal_pointer(&literal));
		return g_steal_pointer(&addresses);
	}
	/* Half of the time for the system's resolver, so that ours has its turn. */
	if (is_local(host)) {
		gint64 now = g_get_monotonic_time();

		addresses = by_name(host, now + (deadline - now) / 2, cancellable, &cause);
		if (addresses || g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_CANCELLED)) {
			if (cause)
				g_propagate_error(error, g_steal_pointer(&cause));
			return g_steal_pointer(&addresses);
		}
		addresses = uota_mdns_lookup(host, deadline, cancellable, error);
		if (addresses && addresses->len == 0) {
			g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE,
				"no board answers to that name on this network: is it on, and "
				"on the same Wi-Fi? its address works too (--host)");
			return NULL;
		}
		return g_steal_pointer(&addresses);
	}
	return by_name(host, deadline, cancellable, error);
}
