/* The manifest of protocol 2: the vectors, its limits, the order of versions. */
#include <string.h>

#include "core/error.h"
#include "core/manifest2.h"
#include "support/vectors.h"

static UotaFile *file_of(const json_t *entry)
{
	UotaFile *file = g_new0(UotaFile, 1);

	file->path = g_strdup(vector_text(entry, "path"));
	file->size = (guint64)json_integer_value(json_object_get(entry, "size"));
	g_assert_true(uota_sha256_from_hex(vector_text(entry, "sha256"), file->sha256));
	return file;
}

static GPtrArray *files_of(const json_t *entries)
{
	GPtrArray *files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	json_t *entry;
	gsize i;

	json_array_foreach(entries, i, entry) g_ptr_array_add(files, file_of(entry));
	return files;
}

static char **strv_of(const json_t *list)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	json_t *item;
	gsize i;

	json_array_foreach(list, i, item) g_strv_builder_add(builder, json_string_value(item));
	return g_strv_builder_end(builder);
}

static void check_manifest(const json_t *vector)
{
	g_autoptr(GPtrArray) files = files_of(json_object_get(vector, "files"));
	g_autoptr(UotaManifest) manifest = uota_manifest_new(vector_text(vector, "version"), files);
	g_auto(GStrv) needs = strv_of(json_object_get(vector, "needs"));
	g_auto(GStrv) deleted = strv_of(json_object_get(vector, "deleted"));
	const char *key = vector_text(vector, "signing_key");
	UotaTerms terms = {
		.counter = (guint64)json_integer_value(json_object_get(vector, "counter")),
		.downgrade = json_is_true(json_object_get(vector, "downgrade")),
		.partial = strcmp(vector_text(vector, "scope"), "partial") == 0,
		.needs = needs,
		.deleted = deleted,
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaManifest2) made =
		uota_manifest2_make(manifest, &terms, key && *key ? key : NULL, &error);
	g_autofree char *text = NULL;

	g_assert_no_error(error);
	text = g_strndup(g_bytes_get_data(made->text, NULL), g_bytes_get_size(made->text));
	g_assert_cmpstr(text, ==, vector_text(vector, "text"));
	g_assert_cmpstr(made->id, ==, vector_text(vector, "id"));
}

static void is_written_to_the_byte(void)
{
	g_autoptr(json_t) vectors = vectors_load("manifest2", "manifests");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		g_test_message("%s", vector_text(vector, "name"));
		check_manifest(vector);
	}
}

static void compares_versions_by_their_numbers(void)
{
	g_autoptr(json_t) vectors = vectors_load("manifest2", "order");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		const char *new = vector_text(vector, "new");
		const char *installed = vector_text(vector, "installed");

		g_test_message("%s after %s", new, installed);
		g_assert_cmpint(uota_version_is_lower(new, installed), ==,
			json_is_true(json_object_get(vector, "lower")));
	}
}

static UotaManifest *manifest_of(guint count)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	g_autoptr(GBytes) empty = g_bytes_new(NULL, 0);

	for (guint i = 0; i < count; i++) {
		g_autofree char *path = g_strdup_printf("f%05u", i);

		g_ptr_array_add(files, uota_file_from_bytes(path, empty));
	}
	return uota_manifest_new("1", files);
}

static void refuses_more_than_a_board_takes(void)
{
	UotaTerms terms = {.counter = 1};
	g_autoptr(UotaManifest) few = manifest_of(9000);
	g_autoptr(UotaManifest) many = manifest_of(10000);
	g_autoptr(UotaManifest2) made = uota_manifest2_make(few, &terms, NULL, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_nonnull(made);
	g_assert_null(uota_manifest2_make(many, &terms, NULL, &error));
	g_assert_error(error, UOTA_ERROR, UOTA_ERROR_FAILED);
	g_clear_error(&error);
	terms.counter = UOTA_COUNTER_MAX + 1;
	g_assert_null(uota_manifest2_make(few, &terms, NULL, &error));
	g_assert_error(error, UOTA_ERROR, UOTA_ERROR_FAILED);
}

static void knows_what_is_never_deleted(void)
{
	static const char *const kept[] = {"boot.py", "Boot.py", "config/ota.json", "data",
		"data/x", "lib/uota/ota.py", "LIB/UOTA", "ota_manifest.json"};
	static const char *const free_ones[] = {
		"main.py", "lib/uotax", "lib/x.py", "database", "app/boot.py", "configs/x"};

	for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
		g_assert_true(uota_path_is_kept(kept[i]));
	for (gsize i = 0; i < G_N_ELEMENTS(free_ones); i++)
		g_assert_false(uota_path_is_kept(free_ones[i]));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/manifest2/is-written-to-the-byte", is_written_to_the_byte);
	g_test_add_func("/manifest2/compares-versions-by-their-numbers",
		compares_versions_by_their_numbers);
	g_test_add_func(
		"/manifest2/refuses-more-than-a-board-takes", refuses_more_than_a_board_takes);
	g_test_add_func("/manifest2/knows-what-is-never-deleted", knows_what_is_never_deleted);
	return g_test_run();
}
