/* Fuzzes the parser of a board's answer to a push: what it takes lies within the manifest. */
#include "fuzz.h"
#include "protocol/inventory.h"

#define FILES 20U

static UotaManifest *make_manifest(void)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);

	for (guint i = 0; i < FILES; i++) {
		g_autofree char *path = g_strdup_printf("f%02u", i);
		gsize len = (gsize)i * 50;
		g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(len + 1), len);

		g_ptr_array_add(files, uota_file_from_bytes(path, bytes));
	}
	return uota_manifest_new("1", files);
}

static void check(const UotaInventory *inventory, const UotaManifest *manifest)
{
	gint64 last = -1;

	for (guint i = 0; i < inventory->missing->len; i++) {
		const UotaMissing *missing = &g_array_index(inventory->missing, UotaMissing, i);
		const UotaFile *file;

		g_assert_cmpint(missing->index, >, last);
		g_assert_cmpuint(missing->index, <, manifest->files->len);
		file = manifest->files->pdata[missing->index];
		g_assert_true(!missing->offset || missing->offset < file->size);
		last = missing->index;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(UotaManifest) manifest = make_manifest();
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaInventory) inventory =
		uota_inventory_parse(size ? (const char *)data : "", size, manifest, &error);

	g_assert_true((inventory == NULL) == (error != NULL));
	if (inventory)
		check(inventory, manifest);
	return 0;
}
