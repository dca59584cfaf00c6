/* What a board answers to a push; all of it is hostile until checked. */
#include <string.h>

#include "core/error.h"
#include "protocol/inventory.h"

/* Files of 10, 0 and 5000 bytes. */
static UotaManifest *three_files(void)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	static const gsize sizes[] = {10, 0, 5000};
	static const char *const paths[] = {"a", "b", "c"};

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(sizes[i] + 1), sizes[i]);

		g_ptr_array_add(files, uota_file_from_bytes(paths[i], bytes));
	}
	return uota_manifest_new("1", files);
}

static UotaInventory *parse(const char *text, GError **error)
{
	g_autoptr(UotaManifest) manifest = three_files();

	return uota_inventory_parse(text, strlen(text), manifest, error);
}

static void knows_the_three_answers(void)
{
	g_autoptr(UotaInventory) same = parse("same\n", NULL);
	g_autoptr(UotaInventory) send = parse("send 1024 10\n", NULL);
	g_autoptr(UotaInventory) have = parse("have 4096 0\n0 9\n1 0\n2 0\n", NULL);

	g_assert_cmpint(same->answer, ==, UOTA_PUSH_SAME);
	g_assert_cmpint(send->answer, ==, UOTA_PUSH_SEND);
	g_assert_cmpuint(send->window, ==, 1024);
	g_assert_cmpuint(send->wbits, ==, 10);
	g_assert_cmpint(have->answer, ==, UOTA_PUSH_HAVE);
	g_assert_cmpuint(have->wbits, ==, 0);
	g_assert_cmpuint(have->missing->len, ==, 3);
	g_assert_cmpuint(g_array_index(have->missing, UotaMissing, 0).offset, ==, 9);
}

static void nothing_may_be_missing(void)
{
	g_autoptr(UotaInventory) have = parse("have 4096 12\n", NULL);

	g_assert_cmpuint(have->missing->len, ==, 0);
}

static void refuses_all_else(void)
{
	static const char *const bad[] = {"", "\n", "same", "same\n\n", "same\n0 0\n", "Same\n",
		"send 4096 12\n0 0\n", "send 511 12\n", "send 16385 12\n", "send 4096 8\n",
		"send 4096 16\n", "send 4096\n", "send  4096 12\n", "send 04096 12\n",
		"send -1 12\n", "send 4096 12 \n", "have 4096 12", "have 4096 12\n0 0",
		"have 4096 12\n3 0\n", "have 4096 12\n0 10\n", "have 4096 12\n1 1\n",
		"have 4096 12\n0 0\n0 0\n", "have 4096 12\n2 0\n0 0\n", "have 4096 12\n0\n",
		"have 4096 12\n0 0 0\n", "have 4096 12\n00 0\n", "have 4096 12\n0 -1\n",
		"have 4096 12\n4294967296 0\n", "have 4096 12\n\n0 0\n", "have 4096 12\r\n",
		"have 4096 12\n0 0x1\n", "have 4096 12\n2 18446744073709551615\n"};

	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", bad[i]);
		g_assert_null(parse(bad[i], &error));
		g_assert_error(error, UOTA_ERROR, UOTA_ERROR_FAILED);
	}
}

static void refuses_a_nul(void)
{
	g_autoptr(UotaManifest) manifest = three_files();

	g_assert_null(uota_inventory_parse("same\n\0x\n", 8, manifest, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/inventory/knows-the-three-answers", knows_the_three_answers);
	g_test_add_func("/inventory/nothing-may-be-missing", nothing_may_be_missing);
	g_test_add_func("/inventory/refuses-all-else", refuses_all_else);
	g_test_add_func("/inventory/refuses-a-nul", refuses_a_nul);
	return g_test_run();
}
