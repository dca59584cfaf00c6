/* TCP against listeners on the loopback interface, under names that a resolver of our own knows:
 * nothing leaves the machine. */
#include "transport/tcp.h"

#include <string.h>
#include <sys/socket.h>

#include "support/errors.h"

#define LONG_MS 20000 /* a wait that an event ends */
#define SHORT_MS 100  /* a wait that only its deadline ends */

/* a resolver that knows one name, or never answers */

#define NAME "kitchen"

typedef struct {
	GResolver parent;
	const char *const *addresses; /* what NAME stands for; NULL: never answers */
} TestResolver;

typedef GResolverClass TestResolverClass;

GType test_resolver_get_type(void);
G_DEFINE_TYPE(TestResolver, test_resolver, G_TYPE_RESOLVER)

static void on_stopped(GCancellable *cancellable, gpointer task)
{
	g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
}

static void free_addresses(gpointer list)
{
	g_resolver_free_addresses(list);
}

static void lookup_async(GResolver *resolver, const char *name, GCancellable *cancellable,
	GAsyncReadyCallback callback, gpointer user_data)
{
	const char *const *addresses = ((TestResolver *)resolver)->addresses;
	/* without @cancellable, which keeps the task: each would keep the other for ever */
	g_autoptr(GTask) task = g_task_new(resolver, NULL, callback, user_data);
	GList *list = NULL;

	if (!addresses) {
		g_cancellable_connect(
			cancellable, G_CALLBACK(on_stopped), g_object_ref(task), g_object_unref);
		return;
	}
	if (strcmp(name, NAME) != 0) {
		g_task_return_new_error(
			task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "not found");
		return;
	}
	for (; *addresses; addresses++)
		list = g_list_append(list, g_inet_address_new_from_string(*addresses));
	g_task_return_pointer(task, list, free_addresses);
}

static GList *lookup_finish(GResolver *resolver, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

static void test_resolver_class_init(TestResolverClass *klass)
{
	klass->lookup_by_name_async = lookup_async;
	klass->lookup_by_name_finish = lookup_finish;
}

static void test_resolver_init(TestResolver *resolver)
{
}

/* NAME stands for @addresses from now on. */
static void resolve_as(const char *const *addresses)
{
	g_autoptr(GResolver) resolver = g_object_new(test_resolver_get_type(), NULL);

	((TestResolver *)resolver)->addresses = addresses;
	g_resolver_set_default(resolver);
}

/* listeners */

/* Binds to @port of @address, 0 for any. Returns: (transfer full), NULL where the machine has no
 * such address. */
static GSocket *bind_to(const char *address, guint16 port)
{
	g_autoptr(GSocketAddress) at = g_inet_socket_address_new_from_string(address, port);
	g_autoptr(GSocket) socket = g_socket_new(
		g_socket_address_get_family(at), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

	if (!socket || !g_socket_bind(socket, at, TRUE, NULL))
		return NULL;
	g_socket_set_timeout(socket, LONG_MS / 1000);
	return g_steal_pointer(&socket);
}

static GSocket *listen_on(const char *address, guint16 port)
{
	GSocket *socket = bind_to(address, port);
	g_autoptr(GError) error = NULL;

	if (socket) {
		g_assert_true(g_socket_listen(socket, &error));
		g_assert_no_error(error);
	}
	return socket;
}

static guint16 port_of(GSocket *socket)
{
	g_autoptr(GSocketAddress) address = g_socket_get_local_address(socket, NULL);

	return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address));
}

static GSocket *accept_from(GSocket *listener)
{
	g_autoptr(GError) error = NULL;
	GSocket *peer = g_socket_accept(listener, NULL, &error);

	g_assert_no_error(error);
	g_socket_set_timeout(peer, LONG_MS / 1000);
	return peer;
}

static void say(GSocket *peer, const char *text)
{
	g_assert_cmpint(g_socket_send(peer, text, strlen(text), NULL, NULL), ==, strlen(text));
}

typedef struct {
	GSocket *listener, *peer;
	UotaTransport *transport;
} Pair;

static void pair_setup(Pair *pair, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	pair->listener = listen_on("127.0.0.1", 0);
	pair->transport = uota_tcp_connect(
		"127.0.0.1", port_of(pair->listener), uota_deadline(LONG_MS), NULL, &error);
	g_assert_no_error(error);
	pair->peer = accept_from(pair->listener);
}

static void pair_teardown(Pair *pair, gconstpointer data)
{
	uota_transport_free(pair->transport);
	g_clear_object(&pair->peer);
	g_clear_object(&pair->listener);
}

static void assert_connect_fails(
	const char *host, guint16 port, guint timeout_ms, int code, const char *part)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(uota_tcp_connect(host, port, uota_deadline(timeout_ms), NULL, &error));
	assert_error(error, code, part);
}

/* A listener that answers nobody: its queue is full. Returns: (transfer full) */
static GSocket *listen_silently(const char *address, guint16 port, GPtrArray *queue)
{
	GSocket *listener = bind_to(address, port);
	g_autoptr(GSocketAddress) at = NULL;

	if (!listener)
		return NULL;
	g_socket_set_listen_backlog(listener, 0);
	g_assert_true(g_socket_listen(listener, NULL));
	at = g_socket_get_local_address(listener, NULL);
	for (guint i = 0; i < 8; i++) {
		GSocket *socket = g_socket_new(g_socket_get_family(listener), G_SOCKET_TYPE_STREAM,
			G_SOCKET_PROTOCOL_TCP, NULL);

		g_socket_set_blocking(socket, FALSE);
		(void)g_socket_connect(socket, at, NULL, NULL);
		g_ptr_array_add(queue, socket);
	}
	return listener;
}

/* connecting */

static void refused_connection_is_unreachable(void)
{
	g_autoptr(GSocket) bound = bind_to("127.0.0.1", 0); /* and not listening */

	assert_connect_fails(
		"127.0.0.1", port_of(bound), LONG_MS, UOTA_ERROR_UNREACHABLE, "connection refused");
}

static void silent_host_is_unreachable_at_the_deadline(void)
{
	g_autoptr(GPtrArray) queue = g_ptr_array_new_with_free_func(g_object_unref);
	g_autoptr(GSocket) listener = listen_silently("127.0.0.1", 0, queue);
	gint64 begin = g_get_monotonic_time();

	assert_connect_fails(
		"127.0.0.1", port_of(listener), SHORT_MS, UOTA_ERROR_UNREACHABLE, "timed out");
	/* poll() counts whole milliseconds */
	g_assert_cmpint(g_get_monotonic_time() - begin, >=, (SHORT_MS - 2) * 1000);
	g_assert_cmpint(g_get_monotonic_time() - begin, <, LONG_MS * 1000);
}

static void unknown_name_is_unreachable(void)
{
	resolve_as((const char *const[]){"127.0.0.1", NULL});
	assert_connect_fails("cellar", 2018, LONG_MS, UOTA_ERROR_UNREACHABLE, "no such host");
}

static void silent_resolver_is_unreachable_at_the_deadline(void)
{
	resolve_as(NULL);
	assert_connect_fails(NAME, 2018, SHORT_MS, UOTA_ERROR_UNREACHABLE, "timed out");
}

static void assert_connects(const char *host, GSocket *listener, guint timeout_ms)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaTransport) transport =
		uota_tcp_connect(host, port_of(listener), uota_deadline(timeout_ms), NULL, &error);
	g_autoptr(GSocket) peer = NULL;

	g_assert_no_error(error);
	peer = accept_from(listener);
	g_assert_nonnull(peer);
}

static void name_is_resolved(void)
{
	g_autoptr(GSocket) listener = listen_on("127.0.0.1", 0);

	resolve_as((const char *const[]){"127.0.0.1", NULL});
	assert_connects(NAME, listener, LONG_MS);
}

/* As `localhost` is where the board, or its simulator, has IPv4 only. */
static void address_that_refuses_is_passed_over(void)
{
	g_autoptr(GSocket) listener = listen_on("127.0.0.1", 0);

	resolve_as((const char *const[]){"::1", "127.0.0.1", NULL});
	assert_connects(NAME, listener, LONG_MS);
	resolve_as((const char *const[]){"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL});
	assert_connects(NAME, listener, LONG_MS);
}

static void ipv6_is_connected_to(void)
{
	g_autoptr(GSocket) listener = listen_on("::1", 0);

	if (!listener) {
		g_test_skip("no IPv6 on the loopback interface");
		return;
	}
	assert_connects("::1", listener, LONG_MS);
	resolve_as((const char *const[]){"127.0.0.1", "::1", NULL});
	assert_connects(NAME, listener, LONG_MS);
}

static void silent_address_leaves_time_for_the_next(void)
{
	g_autoptr(GSocket) listener = listen_on("127.0.0.1", 0);
	g_autoptr(GPtrArray) queue = g_ptr_array_new_with_free_func(g_object_unref);
	g_autoptr(GSocket) silent = listen_silently("127.0.0.2", port_of(listener), queue);

	resolve_as((const char *const[]){"127.0.0.2", "127.0.0.1", NULL});
	assert_connects(NAME, listener, 10 * SHORT_MS);
}

static void name_with_no_address_that_answers_is_unreachable(void)
{
	g_autoptr(GSocket) bound = bind_to("127.0.0.1", 0);

	resolve_as((const char *const[]){"127.0.0.2", "127.0.0.1", NULL});
	assert_connect_fails(
		NAME, port_of(bound), LONG_MS, UOTA_ERROR_UNREACHABLE, "connection refused");
}

/* carrying */

static void bytes_are_carried_both_ways(Pair *pair, gconstpointer data)
{
	char buf[16];
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(uota_transport_write(
				pair->transport, "ping\n", 5, uota_deadline(LONG_MS), NULL, &error),
		==, 5);
	g_assert_cmpint(g_socket_receive(pair->peer, buf, sizeof buf, NULL, &error), ==, 5);
	g_assert_cmpmem(buf, 5, "ping\n", 5);
	say(pair->peer, "pong\n");
	g_assert_cmpint(uota_transport_read(pair->transport, buf, sizeof buf,
				uota_deadline(LONG_MS), NULL, &error),
		==, 5);
	g_assert_cmpmem(buf, 5, "pong\n", 5);
}

static void short_read_leaves_the_rest(Pair *pair, gconstpointer data)
{
	char buf[2];

	say(pair->peer, "abc");
	g_assert_cmpint(
		uota_transport_read(pair->transport, buf, 2, uota_deadline(LONG_MS), NULL, NULL),
		==, 2);
	g_assert_cmpint(
		uota_transport_read(pair->transport, buf, 2, uota_deadline(LONG_MS), NULL, NULL),
		==, 1);
	g_assert_cmpint(buf[0], ==, 'c');
}

static gpointer count_bytes(gpointer peer)
{
	g_autofree char *buf = g_malloc(65536);
	gsize sum = 0;
	gssize n;

	while ((n = g_socket_receive(peer, buf, 65536, NULL, NULL)) > 0)
		sum += (gsize)n;
	return GSIZE_TO_POINTER(sum);
}

static void megabytes_are_carried(Pair *pair, gconstpointer data)
{
	const gsize size = 20 * 1024 * 1024;
	g_autofree char *buf = g_malloc0(size);
	GThread *reader = g_thread_new("reader", count_bytes, pair->peer);
	gpointer received;
	gsize sent = 0;

	while (sent < size) {
		g_autoptr(GError) error = NULL;
		gssize n = uota_transport_write(pair->transport, buf + sent, size - sent,
			uota_deadline(LONG_MS), NULL, &error);

		g_assert_no_error(error);
		g_assert_cmpint(n, >, 0);
		sent += (gsize)n;
	}
	g_clear_pointer(&pair->transport, uota_transport_free);
	received = g_thread_join(reader);
	g_assert_cmpuint(GPOINTER_TO_SIZE(received), ==, size);
}

/* Reads from @pair, which must fail as told. */
static void assert_read_fails(
	Pair *pair, guint timeout_ms, GCancellable *cancellable, int code, const char *part)
{
	g_autoptr(GError) error = NULL;
	char buf[16];

	g_assert_cmpint(uota_transport_read(pair->transport, buf, sizeof buf,
				uota_deadline(timeout_ms), cancellable, &error),
		==, -1);
	assert_error(error, code, part);
}

static void silence_ends_a_read_at_the_deadline(Pair *pair, gconstpointer data)
{
	assert_read_fails(pair, SHORT_MS, NULL, UOTA_ERROR_UNREACHABLE, "timed out");
	assert_read_fails(pair, 0, NULL, UOTA_ERROR_UNREACHABLE, "timed out");
}

static void what_is_there_is_read_after_the_deadline(Pair *pair, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	gssize n = -1;
	char buf[4];

	say(pair->peer, "abcd");
	/* the bytes may be on their way for a moment */
	while (n < 0) {
		g_clear_error(&error);
		n = uota_transport_read(
			pair->transport, buf, sizeof buf, uota_deadline(0), NULL, &error);
	}
	g_assert_cmpint(n, ==, 4);
}

static void peer_that_does_not_read_ends_a_write_at_the_deadline(Pair *pair, gconstpointer data)
{
	g_autofree char *buf = g_malloc0(1024 * 1024);
	g_autoptr(GError) error = NULL;
	gssize n;

	do
		n = uota_transport_write(
			pair->transport, buf, 1024 * 1024, uota_deadline(SHORT_MS), NULL, &error);
	while (n > 0);
	g_assert_cmpint(n, ==, -1);
	assert_error(error, UOTA_ERROR_UNREACHABLE, "timed out");
}

static void closed_connection_reads_as_its_end(Pair *pair, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	char buf[4];

	g_assert_true(g_socket_close(pair->peer, NULL));
	g_assert_cmpint(uota_transport_read(pair->transport, buf, sizeof buf,
				uota_deadline(LONG_MS), NULL, &error),
		==, 0);
	g_assert_no_error(error);
}

static void reset_connection_is_told_apart(Pair *pair, gconstpointer data)
{
	static const struct linger at_once = {.l_onoff = 1};

	g_assert_cmpint(setsockopt(g_socket_get_fd(pair->peer), SOL_SOCKET, SO_LINGER, &at_once,
				sizeof at_once),
		==, 0);
	g_assert_true(g_socket_close(pair->peer, NULL));
	assert_read_fails(pair, LONG_MS, NULL, UOTA_ERROR_CLOSED, "closed the connection");
}

/* writing to a peer that speaks */

/* Writes until the peer is heard. */
static void assert_write_hears_the_peer(Pair *pair)
{
	g_autoptr(GError) error = NULL;
	gssize n;

	do
		n = uota_transport_write(
			pair->transport, "x", 1, uota_deadline(LONG_MS), NULL, &error);
	while (n > 0);
	g_assert_no_error(error);
	g_assert_cmpint(n, ==, 0);
}

static void write_hears_a_peer_that_speaks(Pair *pair, gconstpointer data)
{
	char buf[16];

	say(pair->peer, "error: full\n");
	assert_write_hears_the_peer(pair);
	g_assert_cmpint(uota_transport_read(pair->transport, buf, sizeof buf,
				uota_deadline(LONG_MS), NULL, NULL),
		==, 12);
	g_assert_cmpint(
		uota_transport_write(pair->transport, "x", 1, uota_deadline(LONG_MS), NULL, NULL),
		==, 1);
}

static gpointer object(gpointer peer)
{
	char byte;

	g_assert_cmpint(g_socket_receive(peer, &byte, 1, NULL, NULL), ==, 1);
	say(peer, "error: full\n");
	return NULL;
}

/* The peer takes no more, and speaks while the host waits for room. */
static void blocked_write_hears_a_peer_that_speaks(Pair *pair, gconstpointer data)
{
	g_autofree char *buf = g_malloc0(1024 * 1024);
	GThread *thread = g_thread_new("peer", object, pair->peer);
	g_autoptr(GError) error = NULL;
	gssize n;

	do
		n = uota_transport_write(
			pair->transport, buf, 1024 * 1024, uota_deadline(LONG_MS), NULL, &error);
	while (n > 0);
	g_assert_no_error(error);
	g_assert_cmpint(n, ==, 0);
	g_thread_join(thread);
}

static void write_hears_a_peer_that_hangs_up(Pair *pair, gconstpointer data)
{
	g_assert_true(g_socket_shutdown(pair->peer, FALSE, TRUE, NULL));
	assert_write_hears_the_peer(pair);
}

/* cancelling */

static gpointer cancel(gpointer cancellable)
{
	g_cancellable_cancel(cancellable);
	return NULL;
}

static void cancel_from_another_thread_ends_a_read(Pair *pair, gconstpointer data)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	GThread *thread = g_thread_new("cancel", cancel, cancellable);

	assert_read_fails(pair, LONG_MS, cancellable, UOTA_ERROR_CANCELLED, "interrupted");
	g_thread_join(thread);
	assert_read_fails(pair, LONG_MS, cancellable, UOTA_ERROR_CANCELLED, "interrupted");
}

static void assert_cancel_ends_a_connect(const char *host, guint16 port)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	GThread *thread = g_thread_new("cancel", cancel, cancellable);

	for (guint i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(
			uota_tcp_connect(host, port, uota_deadline(LONG_MS), cancellable, &error));
		assert_error(error, UOTA_ERROR_CANCELLED, "interrupted");
	}
	g_thread_join(thread);
}

static void cancel_from_another_thread_ends_a_connect(void)
{
	g_autoptr(GPtrArray) queue = g_ptr_array_new_with_free_func(g_object_unref);
	g_autoptr(GSocket) listener = listen_silently("127.0.0.1", 0, queue);

	assert_cancel_ends_a_connect("127.0.0.1", port_of(listener));
}

static void cancel_from_another_thread_ends_a_lookup(void)
{
	resolve_as(NULL);
	assert_cancel_ends_a_connect(NAME, 2018);
}

#define TEST(path, func) g_test_add_func("/tcp/" path, func)
#define PAIR_TEST(path, func) g_test_add("/tcp/" path, Pair, NULL, pair_setup, func, pair_teardown)

static void add_connecting(void)
{
	TEST("refused-connection-is-unreachable", refused_connection_is_unreachable);
	TEST("silent-host-is-unreachable-at-the-deadline",
		silent_host_is_unreachable_at_the_deadline);
	TEST("unknown-name-is-unreachable", unknown_name_is_unreachable);
	TEST("silent-resolver-is-unreachable-at-the-deadline",
		silent_resolver_is_unreachable_at_the_deadline);
	TEST("name-is-resolved", name_is_resolved);
	TEST("address-that-refuses-is-passed-over", address_that_refuses_is_passed_over);
	TEST("ipv6-is-connected-to", ipv6_is_connected_to);
	TEST("silent-address-leaves-time-for-the-next", silent_address_leaves_time_for_the_next);
	TEST("name-with-no-address-that-answers-is-unreachable",
		name_with_no_address_that_answers_is_unreachable);
	TEST("cancel-from-another-thread-ends-a-connect",
		cancel_from_another_thread_ends_a_connect);
	TEST("cancel-from-another-thread-ends-a-lookup", cancel_from_another_thread_ends_a_lookup);
}

static void add_carrying(void)
{
	PAIR_TEST("bytes-are-carried-both-ways", bytes_are_carried_both_ways);
	PAIR_TEST("short-read-leaves-the-rest", short_read_leaves_the_rest);
	PAIR_TEST("megabytes-are-carried", megabytes_are_carried);
	PAIR_TEST("silence-ends-a-read-at-the-deadline", silence_ends_a_read_at_the_deadline);
	PAIR_TEST("what-is-there-is-read-after-the-deadline",
		what_is_there_is_read_after_the_deadline);
	PAIR_TEST("peer-that-does-not-read-ends-a-write-at-the-deadline",
		peer_that_does_not_read_ends_a_write_at_the_deadline);
	PAIR_TEST("closed-connection-reads-as-its-end", closed_connection_reads_as_its_end);
	PAIR_TEST("reset-connection-is-told-apart", reset_connection_is_told_apart);
	PAIR_TEST("write-hears-a-peer-that-speaks", write_hears_a_peer_that_speaks);
	PAIR_TEST("blocked-write-hears-a-peer-that-speaks", blocked_write_hears_a_peer_that_speaks);
	PAIR_TEST("write-hears-a-peer-that-hangs-up", write_hears_a_peer_that_hangs_up);
	PAIR_TEST("cancel-from-another-thread-ends-a-read", cancel_from_another_thread_ends_a_read);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_connecting();
	add_carrying();
	return g_test_run();
}
