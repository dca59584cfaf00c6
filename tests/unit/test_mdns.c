/* Multicast DNS packets: the query, and responses of boards, strangers and enemies. Nothing here
 * touches a network. */
#include "transport/mdns.h"

#include <string.h>

#define NAME "kitchen.local"

/* kitchen.local, as a packet has it */
#define OWNER "\007kitchen\005local\000"
#define A "\000\001"
#define AAAA "\000\034"
#define IN "\000\001"
#define IN_FLUSH "\200\001"
#define TTL "\000\000\000\170"
#define POINTER(at) "\300" at

#define HEADER(questions, answers)                                                                 \
	"\000\000\204\000\000" questions "\000" answers "\000\000\000\000"

/* A string literal and its size, without the terminator. */
#define BYTES(literal) (const guint8 *)(literal), sizeof(literal) - 1

static gboolean parse(const guint8 *packet, gsize len, const char *name, char **found)
{
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_object_unref);
	/* on the heap, where the sanitizer sees a read behind the end */
	g_autofree guint8 *copy = g_memdup2(packet, len);
	gboolean ok = uota_mdns_parse(copy, len, name, addresses);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < addresses->len; i++) {
		g_autofree char *address =
			g_inet_address_to_string(g_ptr_array_index(addresses, i));

		g_string_append_printf(text, "%s%s", i ? " " : "", address);
	}
	*found = g_string_free(g_steal_pointer(&text), FALSE);
	return ok;
}

static void assert_found(const guint8 *packet, gsize len, const char *expected)
{
	g_autofree char *found = NULL;

	g_assert_true(parse(packet, len, NAME, &found));
	g_assert_cmpstr(found, ==, expected);
}

static void assert_malformed(const guint8 *packet, gsize len)
{
	g_autofree char *found = NULL;

	g_assert_false(parse(packet, len, NAME, &found));
}

/* query */

static void assert_query(const char *name, const guint8 *expected, gsize len)
{
	g_autoptr(GByteArray) packet = g_byte_array_new();

	g_assert_true(uota_mdns_query(name, packet));
	g_assert_cmpmem(packet->data, packet->len, expected, len);
}

static void query_asks_for_both_kinds_of_address(void)
{
	static const char expected[] =
		"\000\000\000\000\000\002\000\000\000\000\000\000" OWNER A IN OWNER AAAA IN;

	assert_query(NAME, BYTES(expected));
	assert_query(NAME ".", BYTES(expected));
}

static void assert_no_query(const char *name)
{
	g_autoptr(GByteArray) packet = g_byte_array_new();

	g_assert_false(uota_mdns_query(name, packet));
}

static void name_that_dns_cannot_carry_is_refused(void)
{
	g_autofree char *label = g_strnfill(64, 'x');
	g_autofree char *long_label = g_strconcat(label, ".local", NULL);
	g_autofree char *part = g_strnfill(49, 'x');
	g_autofree char *long_name = g_strjoin(".", part, part, part, part, part, "local", NULL);

	assert_no_query(long_label);
	g_assert_cmpuint(strlen(long_name), ==, 255);
	assert_no_query(long_name);
	assert_no_query("");
	assert_no_query(".");
	assert_no_query(".local");
	assert_no_query("kitchen..local");
	assert_no_query("kitchen.local..");
}

static void longest_label_is_asked_for(void)
{
	g_autofree char *label = g_strnfill(63, 'x');
	g_autofree char *name = g_strconcat(label, ".local", NULL);
	g_autoptr(GByteArray) packet = g_byte_array_new();

	g_assert_true(uota_mdns_query(name, packet));
	g_assert_cmpuint(packet->data[12], ==, 63);
}

/* responses */

static const char both[] = HEADER("\000", "\002") OWNER A IN_FLUSH TTL
	"\000\004\300\250\001\052" POINTER("\014") AAAA IN_FLUSH TTL
	"\000\020\375\000\000\000\000\000\000\000\000\000\000\000\000\000\000\001";

static void addresses_are_found(void)
{
	assert_found(BYTES(both), "192.168.1.42 fd00::1");
	assert_found(BYTES(HEADER("\000", "\001") OWNER A IN TTL "\000\004\012\000\000\007"),
		"10.0.0.7");
}

/* A one-shot answer repeats the question, RFC 6762 section 6.7. */
static void question_in_the_response_is_passed_over(void)
{
	assert_found(BYTES(HEADER("\001", "\001") OWNER A IN POINTER("\014") A IN TTL
			     "\000\004\012\000\000\007"),
		"10.0.0.7");
}

static void address_is_found_in_any_section(void)
{
	assert_found(BYTES("\000\000\204\000\000\000\000\000\000\000\000\001" OWNER A IN TTL
			   "\000\004\012\000\000\007"),
		"10.0.0.7");
}

static void case_of_the_name_does_not_matter(void)
{
	assert_found(BYTES(HEADER("\000", "\001") "\007KITCHEN\005Local\000" A IN TTL
						  "\000\004\012\000\000\007"),
		"10.0.0.7");
}

static void dot_at_the_end_does_not_matter(void)
{
	g_autofree char *found = NULL;

	g_assert_true(parse(BYTES(both), "Kitchen.local.", &found));
	g_assert_cmpstr(found, ==, "192.168.1.42 fd00::1");
}

static void assert_foreign(const char *name)
{
	g_autofree char *found = NULL;

	g_assert_true(parse(BYTES(both), name, &found));
	g_assert_cmpstr(found, ==, "");
}

static void address_of_another_name_is_passed_over(void)
{
	assert_foreign("cellar.local");
	assert_foreign("kitchen");
	assert_foreign("kitchen.loca");
	assert_foreign("kitchen.locale");
	assert_foreign("my.kitchen.local");
	assert_foreign("itchen.local");
	assert_found(BYTES(HEADER("\000", "\002") "\006cellar\005local\000" A IN TTL
						  "\000\004\012\000\000\006" OWNER A IN TTL
						  "\000\004\012\000\000\007"),
		"10.0.0.7");
}

/* TXT and SRV records, other classes, and addresses of a wrong size. */
static void record_that_is_no_address_is_passed_over(void)
{
	assert_found(BYTES(HEADER("\000", "\001") OWNER "\000\020" IN TTL "\000\004\003abc"), "");
	assert_found(BYTES(HEADER("\000", "\001") OWNER A "\000\003" TTL "\000\004abcd"), "");
	assert_found(BYTES(HEADER("\000", "\001") OWNER A IN TTL "\000\003abc"), "");
	assert_found(BYTES(HEADER("\000", "\001") OWNER AAAA IN TTL "\000\004abcd"), "");
	assert_found(BYTES(HEADER("\000", "\001") OWNER A IN TTL "\000\000"), "");
}

static void response_without_answers_finds_nothing(void)
{
	assert_found(BYTES(HEADER("\000", "\000")), "");
}

/* A query of a neighbour, or an answer that tells of an error: RFC 6762 18.2, 18.3, 18.11. */
static void packet_that_is_no_response_is_refused(void)
{
	assert_malformed(BYTES("\000\000\000\000\000\000\000\000\000\000\000\000"));
	assert_malformed(BYTES("\000\000\210\000\000\000\000\000\000\000\000\000"));
	assert_malformed(BYTES("\000\000\200\003\000\000\000\000\000\000\000\000"));
	assert_malformed(BYTES(""));
}

static void packet_cut_at_any_byte_is_refused(void)
{
	for (gsize len = 0; len < sizeof both - 1; len++)
		assert_malformed((const guint8 *)both, len);
}

static void pointer_that_loops_is_refused(void)
{
	assert_malformed(BYTES(HEADER("\000", "\001") POINTER("\014") A IN TTL "\000\004abcd"));
	assert_malformed(BYTES(
		HEADER("\000", "\001") POINTER("\016") POINTER("\014") A IN TTL "\000\004abcd"));
	assert_malformed(
		BYTES(HEADER("\000", "\001") "\001x" POINTER("\014") A IN TTL "\000\004abcd"));
}

static void pointer_out_of_the_packet_is_refused(void)
{
	assert_malformed(BYTES(HEADER("\000", "\001") "\377\377" A IN TTL "\000\004abcd"));
	assert_malformed(BYTES(HEADER("\000", "\001") POINTER("\100") A IN TTL "\000\004abcd"));
	assert_malformed(BYTES(HEADER("\000", "\001") "\300"));
}

static void label_of_a_reserved_kind_is_refused(void)
{
	assert_malformed(BYTES(HEADER("\000", "\001") "\100" A IN TTL "\000\004abcd"));
	assert_malformed(BYTES(HEADER("\000", "\001") "\200" A IN TTL "\000\004abcd"));
}

static void counts_that_lie_are_refused(void)
{
	assert_malformed(BYTES("\000\000\204\000\377\377\377\377\377\377\377\377"));
	assert_malformed(BYTES("\000\000\204\000\000\000\377\377\377\377\377\377" OWNER A IN TTL
			       "\000\004\012\000\000\007"));
	assert_malformed(BYTES(HEADER("\000", "\001") OWNER A IN TTL "\377\377\012\000\000\007"));
}

static void endless_name_is_refused(void)
{
	g_autoptr(GByteArray) packet = g_byte_array_new();

	g_byte_array_append(packet, BYTES(HEADER("\000", "\001")));
	for (guint i = 0; i < 1000; i++)
		g_byte_array_append(packet, BYTES("\001x"));
	g_byte_array_append(packet, BYTES("\000" A IN TTL "\000\004abcd"));
	assert_malformed(packet->data, packet->len);
}

/* Every byte of a good response set to every value. */
static void damaged_response_is_safe_to_parse(void)
{
	for (gsize i = 0; i < sizeof both - 1; i++) {
		g_autofree guint8 *packet = g_memdup2(both, sizeof both - 1);

		for (guint value = 0; value < 256; value++) {
			g_autofree char *found = NULL;

			packet[i] = (guint8)value;
			(void)parse(packet, sizeof both - 1, NAME, &found);
		}
	}
}

#define TEST(path, func) g_test_add_func("/mdns/" path, func)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("query-asks-for-both-kinds-of-address", query_asks_for_both_kinds_of_address);
	TEST("name-that-dns-cannot-carry-is-refused", name_that_dns_cannot_carry_is_refused);
	TEST("longest-label-is-asked-for", longest_label_is_asked_for);
	TEST("addresses-are-found", addresses_are_found);
	TEST("question-in-the-response-is-passed-over", question_in_the_response_is_passed_over);
	TEST("address-is-found-in-any-section", address_is_found_in_any_section);
	TEST("case-of-the-name-does-not-matter", case_of_the_name_does_not_matter);
	TEST("dot-at-the-end-does-not-matter", dot_at_the_end_does_not_matter);
	TEST("address-of-another-name-is-passed-over", address_of_another_name_is_passed_over);
	TEST("record-that-is-no-address-is-passed-over", record_that_is_no_address_is_passed_over);
	TEST("response-without-answers-finds-nothing", response_without_answers_finds_nothing);
	TEST("packet-that-is-no-response-is-refused", packet_that_is_no_response_is_refused);
	TEST("packet-cut-at-any-byte-is-refused", packet_cut_at_any_byte_is_refused);
	TEST("pointer-that-loops-is-refused", pointer_that_loops_is_refused);
	TEST("pointer-out-of-the-packet-is-refused", pointer_out_of_the_packet_is_refused);
	TEST("label-of-a-reserved-kind-is-refused", label_of_a_reserved_kind_is_refused);
	TEST("counts-that-lie-are-refused", counts_that_lie_are_refused);
	TEST("endless-name-is-refused", endless_name_is_refused);
	TEST("damaged-response-is-safe-to-parse", damaged_response_is_safe_to_parse);
	return g_test_run();
}
