/* Whether a board that does not answer any more has got what was pushed. */
#include "support/pushes.h"

static gboolean verify(const char *version, const char *installed, GError **error)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(UotaManifest) manifest = two_files(NULL);

	if (installed) {
		g_autofree char *answer = g_strdup_printf("%zu\n%s", strlen(installed), installed);

		memory_expect(memory, "get /ota_manifest.json\n");
		memory_say(memory, answer);
	}
	memory_close(memory);
	return uota_push_verify(session, version, manifest, error);
}

static void assert_verified(const char *installed)
{
	g_autoptr(GError) error = NULL;
	gboolean ok = verify("1.2.3", installed, &error);

	g_assert_no_error(error);
	g_assert_true(ok);
}

static void assert_not_verified(const char *version, const char *installed, const char *part)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(verify(version, installed, &error));
	assert_error(error, UOTA_ERROR_FAILED, part);
}

static void same_manifest_is_verified(void)
{
	assert_verified(UNSIGNED);
	assert_verified(SIGNED);
}

/* A stream is merged into what is installed. */
static void more_files_on_the_board_are_verified(void)
{
	assert_verified("{\"version\": \"1.2.3\", \"files\": {\n"
			"\"lib/x.py\": {\"size\": 0, \"sha256\": \"" ZEROS "\"},\n"
			"\"main.py\": {\"size\": 11, \"sha256\": \"" MAIN_HASH "\"},\n"
			"\"app/app.py\": {\"size\": 6, \"sha256\": \"" APP_HASH "\"}}}\n");
}

static void other_version_is_not_verified(void)
{
	assert_not_verified("1.2.2", NULL, "went on with version 1.2.2");
	assert_not_verified("unknown", NULL, "version unknown");
}

static void hostile_version_is_made_printable(void)
{
	assert_not_verified("\x1b[2J", NULL, "version \\x1b[2J");
}

/* The version is often the same while an app is being written. */
static void other_hash_is_not_verified(void)
{
	assert_not_verified("1.2.3",
		"{\"version\":\"1.2.3\",\"files\":{"
		"\"app/app.py\":{\"size\":6,\"sha256\":\"" APP_HASH "\"},"
		"\"main.py\":{\"size\":11,\"sha256\":\"" ZEROS "\"}}}",
		"main.py is not the new one");
	assert_not_verified("1.2.3",
		"{\"version\":\"1.2.3\",\"files\":{"
		"\"main.py\":{\"size\":11,\"sha256\":\"" MAIN_HASH "\"}}}",
		"app/app.py is not the new one");
}

static void broken_manifest_is_not_verified(void)
{
	assert_not_verified("1.2.3", "{\"version\":\"1.2.3\"", "manifest");
	assert_not_verified("1.2.3", "[]", "manifest");
}

static void missing_manifest_is_not_verified(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(UotaManifest) manifest = two_files(NULL);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "get /ota_manifest.json\n");
	memory_say(memory, "error\n");
	g_assert_false(uota_push_verify(session, "1.2.3", manifest, &error));
	assert_error(error, UOTA_ERROR_FAILED, "/ota_manifest.json: no such file");
}

/* What can be pushed can be read back: 4,000 files are more than 256 KiB of manifest. */
static void large_manifest_is_verified(void)
{
	g_autoptr(GString) json = g_string_new("{\"version\":\"1.2.3\",\"files\":{");

	for (guint i = 0; i < 4000; i++)
		g_string_append_printf(
			json, "\"lib/%u.py\":{\"size\":0,\"sha256\":\"" ZEROS "\"},", i);
	g_string_append(json, "\"app/app.py\":{\"size\":6,\"sha256\":\"" APP_HASH "\"},"
			      "\"main.py\":{\"size\":11,\"sha256\":\"" MAIN_HASH "\"}}}");
	g_assert_cmpuint(json->len, >, 256 * 1024);
	assert_verified(json->str);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/push-verify/same-manifest-is-verified", same_manifest_is_verified);
	g_test_add_func("/push-verify/more-files-on-the-board-are-verified",
		more_files_on_the_board_are_verified);
	g_test_add_func(
		"/push-verify/other-version-is-not-verified", other_version_is_not_verified);
	g_test_add_func("/push-verify/hostile-version-is-made-printable",
		hostile_version_is_made_printable);
	g_test_add_func("/push-verify/other-hash-is-not-verified", other_hash_is_not_verified);
	g_test_add_func(
		"/push-verify/broken-manifest-is-not-verified", broken_manifest_is_not_verified);
	g_test_add_func(
		"/push-verify/missing-manifest-is-not-verified", missing_manifest_is_not_verified);
	g_test_add_func("/push-verify/large-manifest-is-verified", large_manifest_is_verified);
	return g_test_run();
}
