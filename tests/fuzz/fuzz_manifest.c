/* Fuzzes the manifest of protocol 1.0. Whatever parses is written and parsed again without a
 * difference, verifies once it is signed, and has only paths that a board can hold. */
#include <string.h>

#include "core/manifest.h"
#include "fuzz.h"

static void check_files(const UotaManifest *manifest)
{
	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = manifest->files->pdata[i];

		g_assert_true(uota_path_check(file->path, NULL));
		g_assert_true(uota_manifest_lookup(manifest, file->path) == file);
		g_assert_cmpuint(file->size, <=, UOTA_FILE_SIZE_MAX);
	}
}

static void check_round_trip(const UotaManifest *manifest)
{
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaManifest) again = NULL;
	g_autofree char *before = uota_manifest_signing_payload(manifest);
	g_autofree char *after = NULL;

	/* without the spaces of the input it cannot be larger, but escapes may be shorter there */
	if (g_bytes_get_size(json) > UOTA_MANIFEST_MAX)
		return;
	again = uota_manifest_parse(g_bytes_get_data(json, NULL), g_bytes_get_size(json), &error);
	g_assert_no_error(error);
	after = uota_manifest_signing_payload(again);
	g_assert_cmpstr(before, ==, after);
	g_assert_cmpstr(manifest->sig, ==, again->sig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaManifest) manifest = uota_manifest_parse((const char *)data, size, &error);

	g_assert_true(manifest ? !error : error != NULL);
	if (!manifest) {
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		g_assert_null(strpbrk(error->message, "\n\r\033"));
		return 0;
	}
	check_files(manifest);
	uota_manifest_sign(manifest, "key");
	g_assert_true(uota_manifest_verify(manifest, "key"));
	check_round_trip(manifest);
	return 0;
}
