/* The manifest: what is signed, what is parsed, and all that is refused. */
#include "core/manifest.h"

#include "scratch.h"
#include "support/errors.h"
#include "support/vectors.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ENTRY "{\"size\": 3, \"sha256\": \"" HEX "\"}"

static gint by_path(gconstpointer a, gconstpointer b)
{
	const UotaFile *const *fa = a, *const *fb = b;

	return strcmp((*fa)->path, (*fb)->path);
}

static UotaManifest *manifest_of(const json_t *vector)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	const char *path;
	json_t *hex;

	json_object_foreach(json_object_get(vector, "files"), path, hex)
	{
		UotaFile *file = g_new0(UotaFile, 1);

		file->path = g_strdup(path);
		g_assert_true(uota_sha256_from_hex(json_string_value(hex), file->sha256));
		g_ptr_array_add(files, file);
	}
	g_ptr_array_sort(files, by_path);
	return uota_manifest_new(vector_text(vector, "version"), files);
}

static void signs_as_the_vectors(void)
{
	g_autoptr(json_t) list = vectors_load("signing", NULL);
	gsize i;
	json_t *vector;

	json_array_foreach(list, i, vector)
	{
		g_autoptr(UotaManifest) manifest = manifest_of(vector);
		g_autofree char *payload = uota_manifest_signing_payload(manifest);
		const char *key = vector_text(vector, "key");

		g_test_message("%s", vector_text(vector, "name"));
		g_assert_cmpstr(payload, ==, vector_text(vector, "payload"));
		g_assert_false(uota_manifest_verify(manifest, key));
		uota_manifest_sign(manifest, key);
		g_assert_cmpstr(manifest->sig, ==, vector_text(vector, "sig"));
		g_assert_true(uota_manifest_verify(manifest, key));
	}
	g_assert_cmpuint(i, >, 10);
}

static UotaManifest *parse(const char *json)
{
	g_autoptr(GError) error = NULL;
	UotaManifest *manifest = uota_manifest_parse(json, strlen(json), &error);

	g_assert_no_error(error);
	return manifest;
}

static void a_changed_manifest_does_not_verify(void)
{
	g_autoptr(UotaManifest) manifest =
		parse("{\"version\": \"1\", \"files\": {\"a\": " ENTRY ", \"b\": " ENTRY "}}");
	UotaFile *file = manifest->files->pdata[0];

	uota_manifest_sign(manifest, "key");
	g_assert_true(uota_manifest_verify(manifest, "key"));
	g_assert_false(uota_manifest_verify(manifest, "kex"));
	g_assert_false(uota_manifest_verify(manifest, "key "));
	file->sha256[31] ^= 1;
	g_assert_false(uota_manifest_verify(manifest, "key"));
	file->sha256[31] ^= 1;
	manifest->version[0] = '2';
	g_assert_false(uota_manifest_verify(manifest, "key"));
	manifest->version[0] = '1';
	manifest->sig[63] = manifest->sig[63] == '0' ? '1' : '0';
	g_assert_false(uota_manifest_verify(manifest, "key"));
}

static void a_signature_in_upper_case_verifies(void)
{
	g_autoptr(UotaManifest) manifest = parse("{\"version\": \"1\", \"files\": {}}");

	uota_manifest_sign(manifest, "key");
	for (char *p = manifest->sig; *p; p++)
		*p = g_ascii_toupper(*p);
	g_assert_true(uota_manifest_verify(manifest, "key"));
}

static void parses_what_it_writes(void)
{
	g_autoptr(UotaManifest) first =
		parse("{\"files\": {\"main.py\": " ENTRY
		      ", \"app/\\u00e9\\ud83d\\ude00.py\": " ENTRY "}, \"version\": \"1.2.3\"}");
	g_autoptr(UotaManifest) second = NULL;
	g_autoptr(GBytes) json = NULL;
	g_autofree char *a = uota_manifest_signing_payload(first);
	g_autofree char *b = NULL;
	g_autoptr(GError) error = NULL;

	uota_manifest_sign(first, "key");
	json = uota_manifest_to_json(first);
	second = uota_manifest_parse(g_bytes_get_data(json, NULL), g_bytes_get_size(json), &error);
	g_assert_no_error(error);
	b = uota_manifest_signing_payload(second);
	g_assert_cmpstr(a, ==, b);
	g_assert_cmpstr(first->sig, ==, second->sig);
	g_assert_true(uota_manifest_verify(second, "key"));
	g_assert_cmpuint(uota_manifest_lookup(second, "main.py")->size, ==, 3);
}

static void writes_compact_json_in_order(void)
{
	g_autoptr(UotaManifest) manifest =
		parse("{\"files\": {\"b\": " ENTRY ", \"a\": " ENTRY "}, \"version\": \"é\"}");
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);
	const char *expected = "{\"version\":\"é\",\"files\":{"
			       "\"a\":{\"size\":3,\"sha256\":\"" HEX "\"},"
			       "\"b\":{\"size\":3,\"sha256\":\"" HEX "\"}}}";

	g_assert_cmpmem(
		g_bytes_get_data(json, NULL), g_bytes_get_size(json), expected, strlen(expected));
}

static void never_writes_host_paths(void)
{
	g_autoptr(UotaManifest) manifest =
		parse("{\"version\": \"1\", \"files\": {\"a\": " ENTRY "}}");
	UotaFile *file = manifest->files->pdata[0];
	g_autoptr(GBytes) json = NULL;

	file->source = g_strdup("/home/me/a");
	json = uota_manifest_to_json(manifest);
	g_assert_null(
		g_strstr_len(g_bytes_get_data(json, NULL), (gssize)g_bytes_get_size(json), "home"));
}

static void keeps_where_to_fetch(void)
{
	g_autoptr(UotaManifest) manifest =
		parse("{\"version\": \"1\", \"files\": {\"lib/x.mpy\": {\"size\": 1, "
		      "\"sha256\": \"" HEX "\", \"src\": \"lib/x.mpy6\"}}}");
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);

	g_assert_cmpstr(uota_manifest_lookup(manifest, "lib/x.mpy")->src, ==, "lib/x.mpy6");
	g_assert_nonnull(g_strstr_len(g_bytes_get_data(json, NULL), (gssize)g_bytes_get_size(json),
		"\"src\":\"lib/x.mpy6\""));
}

static void looks_up_every_path(void)
{
	g_autoptr(UotaManifest) manifest =
		parse("{\"version\": \"1\", \"files\": {\"a/b\": " ENTRY ", \"a-b\": " ENTRY
		      ", \"a.b\": " ENTRY ", \"z\": " ENTRY ", \"B\": " ENTRY "}}");

	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = manifest->files->pdata[i];

		g_assert_true(uota_manifest_lookup(manifest, file->path) == file);
	}
	g_assert_null(uota_manifest_lookup(manifest, "a"));
	g_assert_null(uota_manifest_lookup(manifest, ""));
	g_assert_null(uota_manifest_lookup(manifest, "zz"));
}

static void an_empty_signature_is_none(void)
{
	g_autoptr(UotaManifest) manifest =
		parse("{\"version\": \"1\", \"files\": {}, \"sig\": \"\", \"more\": [1]}");

	g_assert_null(manifest->sig);
	g_assert_cmpuint(manifest->files->len, ==, 0);
	g_assert_false(uota_manifest_verify(manifest, "key"));
}

static void refuse(const char *json, const char *why)
{
	g_autofree char *shown = g_strescape(json, NULL);
	g_autoptr(GError) error = NULL;

	g_test_message("%.200s", shown);
	g_assert_null(uota_manifest_parse(json, strlen(json), &error));
	g_assert_error(error, UOTA_ERROR, UOTA_ERROR_FAILED);
	ASSERT_SAYS(&error, "manifest", why);
}

static void refuse_path(const char *path, const char *why)
{
	g_autofree char *json = g_strdup_printf(
		"{\"version\": \"1\", \"files\": {\"ok\": " ENTRY ", \"%s\": " ENTRY "}}", path);

	refuse(json, why);
}

static void refuses_parent_path(void)
{
	refuse_path("../boot.py", "..");
	refuse_path("app/../../boot.py", "..");
	refuse_path("app/..", "..");
	refuse_path("./app", "\".\"");
}

static void refuses_paths_no_board_holds(void)
{
	refuse_path("/boot.py", "absolute");
	refuse_path("app//x.py", "empty name");
	refuse_path("app/", "empty name");
	refuse_path("", "empty path");
	refuse_path("app\\\\x.py", "\"\\\"");
	refuse_path("a:b", "\":\"");
	refuse_path("a;1;2", "\";\"");
	refuse_path("a\\nb", "control character");
	refuse_path("a\\u007f", "control character");
	refuse_path("a\\u0085b", "control character");
	refuse_path("ota_stage/x", "agent's own");
	refuse_path("OTA_manifest.json", "agent's own");
	refuse_path("app/x.", "ends in a dot");
	refuse_path("app /x", "space");
}

static void refuses_a_file_that_is_a_folder(void)
{
	refuse("{\"version\": \"1\", \"files\": {\"a\": " ENTRY ", \"a-b\": " ENTRY
	       ", \"a/b/c\": " ENTRY "}}",
		"a: is a file and a folder");
}

static void refuses_broken_json(void)
{
	refuse("", "manifest:1:1: ");
	refuse("[]", "must be an object");
	refuse("{\"version\": \"1\", \"files\": {}", "ends too early");
	refuse("{\"version\": \"1\", \"files\": {}} x", "follows the closing brace");
	refuse("{\"version\": \"1\", \"version\": \"1\", \"files\": {}}", "there already");
	refuse("{\"version\": \"1\", \"files\": {\"a\": " ENTRY ", \"a\": " ENTRY "}}",
		"there already");
	refuse("{\"version\": \"1\\u0000\", \"files\": {}}", "\\u0000");
	refuse("{\"version\": \"1\", \"files\": {\"a\xff\": " ENTRY "}}", "not UTF-8");
}

static void refuses_wrong_types(void)
{
	refuse("{}", "version: must be a string");
	refuse("{\"version\": 1, \"files\": {}}", "version: must be a string");
	refuse("{\"version\": \"\", \"files\": {}}", "version: a version must be");
	refuse("{\"version\": \"1\\n2\", \"files\": {}}", "version: a version must be");
	refuse("{\"version\": \"1\"}", "files: must be an object");
	refuse("{\"version\": \"1\", \"files\": []}", "files: must be an object");
	refuse("{\"version\": \"1\", \"files\": {\"a\": 3}}", "a: size");
	refuse("{\"version\": \"1\", \"files\": {}, \"sig\": 1}", "sig: must be");
	refuse("{\"version\": \"1\", \"files\": {}, \"sig\": \"00\"}", "sig: must be");
	refuse("{\"version\": \"1\", \"files\": {\"a\": {\"size\": 1, \"sha256\": \"" HEX
	       "\", \"src\": \"../x\"}}}",
		"..");
}

static void refuse_entry(const char *entry, const char *why)
{
	g_autofree char *json =
		g_strdup_printf("{\"version\": \"1\", \"files\": {\"a\": %s}}", entry);

	refuse(json, why);
}

static void refuses_wrong_sizes_and_digests(void)
{
	refuse_entry("{\"sha256\": \"" HEX "\"}", "a: size");
	refuse_entry("{\"size\": -1, \"sha256\": \"" HEX "\"}", "a: size");
	refuse_entry("{\"size\": 1.0, \"sha256\": \"" HEX "\"}", "a: size");
	refuse_entry("{\"size\": true, \"sha256\": \"" HEX "\"}", "a: size");
	refuse_entry("{\"size\": 2147483648, \"sha256\": \"" HEX "\"}", "a: size");
	refuse_entry("{\"size\": 99999999999999999999, \"sha256\": \"" HEX "\"}", "too large");
	refuse_entry("{\"size\": 1}", "a: sha256");
	refuse_entry("{\"size\": 1, \"sha256\": \"" HEX "0\"}", "a: sha256");
	refuse_entry("{\"size\": 1, \"sha256\": \"xyz\"}", "a: sha256");
}

static void refuses_more_than_a_mebibyte(void)
{
	g_autofree char *json = g_strnfill(UOTA_MANIFEST_MAX + 1, ' ');

	refuse(json, "larger than");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/manifest/signs-as-the-vectors", signs_as_the_vectors);
	g_test_add_func(
		"/manifest/a-changed-one-does-not-verify", a_changed_manifest_does_not_verify);
	g_test_add_func(
		"/manifest/a-signature-in-upper-case-verifies", a_signature_in_upper_case_verifies);
	g_test_add_func("/manifest/parses-what-it-writes", parses_what_it_writes);
	g_test_add_func("/manifest/writes-compact-json-in-order", writes_compact_json_in_order);
	g_test_add_func("/manifest/never-writes-host-paths", never_writes_host_paths);
	g_test_add_func("/manifest/keeps-where-to-fetch", keeps_where_to_fetch);
	g_test_add_func("/manifest/looks-up-every-path", looks_up_every_path);
	g_test_add_func("/manifest/an-empty-signature-is-none", an_empty_signature_is_none);
	g_test_add_func("/manifest/refuses-parent-path", refuses_parent_path);
	g_test_add_func("/manifest/refuses-paths-no-board-holds", refuses_paths_no_board_holds);
	g_test_add_func(
		"/manifest/refuses-a-file-that-is-a-folder", refuses_a_file_that_is_a_folder);
	g_test_add_func("/manifest/refuses-broken-json", refuses_broken_json);
	g_test_add_func("/manifest/refuses-wrong-types", refuses_wrong_types);
	g_test_add_func(
		"/manifest/refuses-wrong-sizes-and-digests", refuses_wrong_sizes_and_digests);
	g_test_add_func("/manifest/refuses-more-than-a-mebibyte", refuses_more_than_a_mebibyte);
	return g_test_run();
}
