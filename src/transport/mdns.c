/* One-shot multicast DNS: a query from an ephemeral port is answered by unicast, RFC 6762 5.1
 * and 6.7; the packet format is RFC 1035, section 4. */
#include "transport/mdns.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "core/error.h"

#define HEADER_SIZE 12
#define FLAGS_MASK 0xF80F /* response, operation and error code, RFC 1035 4.1.1 */
#define FLAGS_RESPONSE 0x8000
#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1
#define CACHE_FLUSH 0x8000 /* top bit of a record's class, RFC 6762 10.2 */
#define LABEL_MAX 63
#define NAME_MAX_SIZE 253
#define POINTER_MAX 16 /* compression pointers followed in one name */

static void put_u16(GByteArray *packet, guint16 value)
{
	guint8 bytes[2] = {(guint8)(value >> 8), (guint8)value};

	g_byte_array_append(packet, bytes, sizeof bytes);
}

static gboolean put_name(GByteArray *packet, const char *name)
{
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);
	guint count = g_strv_length(labels);
	guint8 end = 0;

	if (!*name || strlen(name) > NAME_MAX_SIZE)
		return FALSE;
	if (count > 1 && *labels[count - 1] == '\0')
		count--; /* a dot at the end is the root, which ends every name anyway */
	for (guint i = 0; i < count; i++) {
		gsize len = strlen(labels[i]);
		guint8 byte = (guint8)len;

		if (len == 0 || len > LABEL_MAX)
			return FALSE;
		g_byte_array_append(packet, &byte, 1);
		g_byte_array_append(packet, (const guint8 *)labels[i], (guint)len);
	}
	g_byte_array_append(packet, &end, 1);
	return TRUE;
}

gboolean uota_mdns_query(const char *name, GByteArray *packet)
{
	static const guint16 types[] = {TYPE_A, TYPE_AAAA};
	static const guint8 header[HEADER_SIZE] = {[5] = G_N_ELEMENTS(types)};

	g_byte_array_append(packet, header, sizeof header);
	for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
		if (!put_name(packet, name))
			return FALSE;
		put_u16(packet, types[i]);
		put_u16(packet, CLASS_IN);
	}
	return TRUE;
}

typedef struct {
	const guint8 *data;
	gsize len, at;
} Packet;

static gboolean get_u16(Packet *packet, guint16 *value)
{
	if (packet->len - packet->at < 2)
		return FALSE;
	*value = (guint16)(packet->data[packet->at] << 8 | packet->data[packet->at + 1]);
	packet->at += 2;
	return TRUE;
}

static gboolean skip(Packet *packet, gsize n)
{
	if (packet->len - packet->at < n)
		return FALSE;
	packet->at += n;
	return TRUE;
}

/* Reads a name, following compression pointers; leaves packet->at behind it. */
static gboolean get_name(Packet *packet, GString *name)
{
	gsize at = packet->at;
	guint pointers = 0;

	for (;;) {
		guint8 len;

		if (at >= packet->len)
			return FALSE;
		len = packet->data[at++];
		if ((len & 0xC0) == 0xC0) {
			if (at >= packet->len || ++pointers > POINTER_MAX)
				return FALSE;
			if (pointers == 1)
				packet->at = at + 1;
			at = (gsize)(len & 0x3F) << 8 | packet->data[at];
			continue;
		}
		if (len > LABEL_MAX || packet->len - at < len || name->len > NAME_MAX_SIZE)
			return FALSE;
		if (len == 0)
			break;
		if (name->len)
			g_string_append_c(name, '.');
		/* legal, but "kitchen.local" as one label is not that name */
		if (memchr(packet->data + at, '.', len))
			g_string_append_c(name, '\\');
		g_string_append_len(name, (const char *)packet->data + at, len);
		at += len;
	}
	if (pointers == 0)
		packet->at = at;
	return TRUE;
}

static gboolean same_name(const GString *a, const char *b)
{
	gsize len = strlen(b);

	if (len && b[len - 1] == '.')
		len--;
	return a->len == len && g_ascii_strncasecmp(a->str, b, len) == 0;
}

static void add_address(Packet *packet, guint16 type, guint16 size, GPtrArray *addresses)
{
	const guint8 *bytes = packet->data + packet->at;

	if (type == TYPE_A && size == 4)
		g_ptr_array_add(
			addresses, g_inet_address_new_from_bytes(bytes, G_SOCKET_FAMILY_IPV4));
	else if (type == TYPE_AAAA && size == 16)
		g_ptr_array_add(
			addresses, g_inet_address_new_from_bytes(bytes, G_SOCKET_FAMILY_IPV6));
}

static gboolean parse_record(Packet *packet, const char *name, GPtrArray *addresses)
{
	g_autoptr(GString) owner = g_string_new(NULL);
	guint16 type, klass, size;

	if (!get_name(packet, owner) || !get_u16(packet, &type) || !get_u16(packet, &klass) ||
		!skip(packet, 4) || !get_u16(packet, &size) || packet->len - packet->at < size)
		return FALSE;
	if ((klass & ~CACHE_FLUSH) == CLASS_IN && same_name(owner, name))
		add_address(packet, type, size, addresses);
	return skip(packet, size);
}

gboolean uota_mdns_parse(const guint8 *data, gsize len, const char *name, GPtrArray *addresses)
{
	Packet packet = {data, len, 2};
	guint16 flags, questions, answers, authorities, additional;

	if (len < HEADER_SIZE || !get_u16(&packet, &flags) ||
		(flags & FLAGS_MASK) != FLAGS_RESPONSE)
		return FALSE;
	if (!get_u16(&packet, &questions) || !get_u16(&packet, &answers) ||
		!get_u16(&packet, &authorities) || !get_u16(&packet, &additional))
		return FALSE;
	for (guint i = 0; i < questions; i++) {
		g_autoptr(GString) ignored = g_string_new(NULL);

		if (!get_name(&packet, ignored) || !skip(&packet, 4))
			return FALSE;
	}
	for (guint i = 0; i < (guint)answers + authorities + additional; i++)
		if (!parse_record(&packet, name, addresses))
			return FALSE;
	return TRUE;
}

static void send_on(
	GSocket *socket, GSocketAddress *group, struct in_addr interface, const GByteArray *query)
{
	if (setsockopt(g_socket_get_fd(socket), IPPROTO_IP, IP_MULTICAST_IF, &interface,
		    sizeof interface) == 0)
		g_socket_send_to(socket, group, (const char *)query->data, query->len, NULL, NULL);
}

/* An interface on which sending fails is as good as one that is down: others may answer. */
static void send_query(GSocket *socket, const GByteArray *query)
{
	g_autoptr(GSocketAddress) group =
		g_inet_socket_address_new_from_string("224.0.0.251", UOTA_MDNS_PORT);
	struct ifaddrs *interfaces = NULL;

	if (getifaddrs(&interfaces) != 0)
		return;
	for (struct ifaddrs *i = interfaces; i; i = i->ifa_next) {
		struct sockaddr_in address;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !(i->ifa_flags & IFF_UP) ||
			!(i->ifa_flags & IFF_MULTICAST) || (i->ifa_flags & IFF_LOOPBACK))
			continue;
		memcpy(&address, i->ifa_addr, sizeof address);
		send_on(socket, group, address.sin_addr, query);
	}
	freeifaddrs(interfaces);
}

/* Waits until @until for an answer; TRUE: @addresses has one, or nothing came. */
static gboolean await_answer(GSocket *socket, const char *name, UotaDeadline until,
	GCancellable *cancellable, GPtrArray *addresses, GError **error)
{
	guint8 packet[9000]; /* the largest mDNS message, RFC 6762 section 17 */

	while (addresses->len == 0) {
		gint64 left = until - g_get_monotonic_time();
		gssize n;

		if (left <= 0)
			return TRUE;
		if (!g_socket_condition_timed_wait(socket, G_IO_IN, left, cancellable, NULL)) {
			if (!g_cancellable_is_cancelled(cancellable))
				return TRUE;
			g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_CANCELLED, "interrupted");
			return FALSE;
		}
		n = g_socket_receive(socket, (char *)packet, sizeof packet, cancellable, NULL);
		if (n > 0 && !uota_mdns_parse(packet, (gsize)n, name, addresses))
			g_ptr_array_set_size(addresses, 0);
	}
	return TRUE;
}

GPtrArray *uota_mdns_lookup(
	const char *name, UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	static const gint64 pauses[] = {G_USEC_PER_SEC, 2 * G_USEC_PER_SEC, G_MAXINT32};
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_object_unref);
	g_autoptr(GByteArray) query = g_byte_array_new();
	g_autoptr(GSocket) socket = g_socket_new(
		G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, error);

	if (!socket)
		return NULL;
	if (!uota_mdns_query(name, query)) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE,
			"not a host name: a part is empty or longer than 63 bytes");
		return NULL;
	}
	g_socket_set_blocking(socket, FALSE);
	for (gsize i = 0; i < G_N_ELEMENTS(pauses); i++) {
		UotaDeadline until = MIN(deadline, g_get_monotonic_time() + pauses[i]);

		if (g_get_monotonic_time() >= deadline)
			break;
		send_query(socket, query);
		if (!await_answer(socket, name, until, cancellable, addresses, error))
			return NULL;
		if (addresses->len)
			break;
	}
	return g_steal_pointer(&addresses);
}
