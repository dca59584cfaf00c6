/* Fuzzes the parser of multicast DNS responses. */
#include <string.h>

#include "fuzz.h"
#include "transport/mdns.h"

#define HEADER_SIZE 12
#define RECORD_SIZE 15 /* of an address, at least: root name, type, class, TTL, size, 4 bytes */

static void check_address(gpointer address, gpointer unused)
{
	g_autofree char *text = g_inet_address_to_string(address);

	g_assert_true(g_hostname_is_ip_address(text));
}

static void check_response(const uint8_t *data, size_t size, const char *name)
{
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_object_unref);
	gboolean well_formed = uota_mdns_parse(data, size, name, addresses);

	g_assert_true(!well_formed || size >= HEADER_SIZE);
	g_assert_cmpuint(addresses->len, <=, size / RECORD_SIZE);
	g_ptr_array_foreach(addresses, check_address, NULL);
}

/* A query for any name is refused or well-formed, and is no response. */
static void check_query(const uint8_t *data, size_t size)
{
	g_autofree char *name = g_strndup((const char *)data, size);
	g_autoptr(GByteArray) query = g_byte_array_new();
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_object_unref);

	if (!uota_mdns_query(name, query))
		return;
	g_assert_cmpuint(query->len, <=, HEADER_SIZE + 2 * (255 + 4));
	g_assert_false(uota_mdns_parse(query->data, query->len, name, addresses));
	query->data[2] = 0x80;
	g_assert_true(uota_mdns_parse(query->data, query->len, name, addresses));
	g_assert_cmpuint(addresses->len, ==, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_response(data, size, "kitchen.local");
	check_response(data, size, "");
	check_query(data, size);
	return 0;
}
