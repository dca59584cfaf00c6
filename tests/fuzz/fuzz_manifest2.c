/* Fuzzes the manifest of protocol 2: what is written for any project is read back, by the rules of
 * the document alone, as what it was made of. Versions of it are compared, too.
 *
 * A line of the input each: `p`, `d`, `k` (partial, downgrade, signed) and the counter; the
 * version; then `=PATH` of a file, `-PATH` to be deleted, `!NUMBER` that is needed. */
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/manifest2.h"
#include "fuzz.h"

#define KEY "a key"
#define LINE_MAX_BYTES 512U

typedef struct {
	UotaManifest *manifest;
	UotaTerms terms;
	gboolean signs;
} Input;

static void input_clear(Input *input)
{
	g_clear_pointer(&input->manifest, uota_manifest_free);
	g_strfreev(input->terms.needs);
	g_strfreev(input->terms.deleted);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Input, input_clear)

static gint compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The texts behind @mark at the beginning of @lines, ascending, none twice, none of @without. */
static char **pick(char **lines, char mark, char **without)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	const char *last = NULL;

	for (; *lines; lines++)
		if (**lines == mark && uota_path_check(*lines + 1, NULL) &&
			!(without && g_strv_contains((const char *const *)without, *lines + 1)))
			g_ptr_array_add(found, *lines + 1);
	g_ptr_array_sort(found, compare_texts);
	for (guint i = 0; i < found->len; i++) {
		if (g_strcmp0(last, found->pdata[i]) != 0)
			g_strv_builder_add(builder, found->pdata[i]);
		last = found->pdata[i];
	}
	return g_strv_builder_end(builder);
}

static GPtrArray *make_files(char **paths)
{
	GPtrArray *files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);

	for (; *paths; paths++) {
		g_autoptr(GBytes) content = g_bytes_new(*paths, strlen(*paths));

		g_ptr_array_add(files, uota_file_from_bytes(*paths, content));
	}
	return files;
}

static char **make_needs(char **lines)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	for (; *lines; lines++)
		if (**lines == '!') {
			g_autofree char *need = g_strdup_printf("mpy %d", atoi(*lines + 1) & 0xFF);

			g_strv_builder_add(builder, need);
			break;
		}
	return g_strv_builder_end(builder);
}

/* FALSE: it is none. */
static gboolean take_input(const uint8_t *data, size_t size, Input *input)
{
	g_autofree char *text = g_strndup(size ? (const char *)data : "", size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_auto(GStrv) paths = NULL;
	g_autoptr(GPtrArray) files = NULL;
	gsize flags;

	if (!lines[0] || !lines[1] || !uota_config_check_version(lines[1], NULL))
		return FALSE;
	flags = strspn(lines[0], "pdk");
	input->terms.partial = memchr(lines[0], 'p', flags) != NULL;
	input->terms.downgrade = memchr(lines[0], 'd', flags) != NULL;
	input->signs = memchr(lines[0], 'k', flags) != NULL;
	input->terms.counter = g_ascii_strtoull(lines[0] + flags, NULL, 10);
	paths = pick(lines + 2, '=', NULL);
	files = make_files(paths);
	input->manifest = uota_manifest_new(lines[1], files);
	input->terms.needs = make_needs(lines + 2);
	if (input->terms.partial)
		input->terms.deleted = pick(lines + 2, '-', paths);
	return TRUE;
}

/* reading it back */

/* The next line, without its end. Returns: (transfer full) */
static char *next(const char **at)
{
	const char *end = strchr(*at, '\n');
	char *line;

	g_assert_nonnull(end);
	g_assert_cmpuint((gsize)(end - *at), <, LINE_MAX_BYTES);
	line = g_strndup(*at, (gsize)(end - *at));
	*at = end + 1;
	return line;
}

static void expect(const char **at, const char *wanted)
{
	g_autofree char *line = next(at);

	g_assert_cmpstr(line, ==, wanted);
}

static void check_signature(const char *first, const char *rest, gboolean signs)
{
	guint8 mac[UOTA_SHA256_SIZE];
	g_autofree char *hex = NULL;
	g_autofree char *wanted = NULL;
	UotaSigner signer;

	if (!signs) {
		g_assert_cmpstr(first, ==, "uota 2 none -");
		return;
	}
	uota_signer_init(&signer, KEY);
	uota_signer_update(&signer, "\xFFuota 2 manifest", 16);
	uota_signer_update(&signer, rest, strlen(rest));
	uota_signer_finish(&signer, mac);
	hex = uota_sha256_hex(mac);
	wanted = g_strconcat("uota 2 hmac-sha256 ", hex, NULL);
	g_assert_cmpstr(first, ==, wanted);
}

static void check_id(const char *id, const char *content)
{
	guint8 digest[UOTA_SHA256_SIZE];
	g_autofree char *hex = NULL;

	uota_sha256(content, strlen(content), digest);
	hex = uota_sha256_hex(digest);
	g_assert_cmpstr(id, ==, hex);
}

static void check_entries(const char **at, const Input *input)
{
	for (char **need = input->terms.needs; *need; need++) {
		g_autofree char *wanted = g_strconcat("need ", *need, NULL);

		expect(at, wanted);
	}
	for (guint i = 0; i < input->manifest->files->len; i++) {
		const UotaFile *file = input->manifest->files->pdata[i];
		g_autofree char *hex = uota_sha256_hex(file->sha256);
		g_autofree char *wanted =
			g_strdup_printf("%" G_GUINT64_FORMAT " %s %s", file->size, hex, file->path);

		expect(at, wanted);
	}
	for (char **path = input->terms.deleted; path && *path; path++) {
		g_autofree char *wanted = g_strconcat("- ", *path, NULL);

		expect(at, wanted);
	}
	g_assert_cmpint(**at, ==, '\0');
}

static void check_written(const UotaManifest2 *made, const Input *input)
{
	gsize len = 0;
	const char *data = g_bytes_get_data(made->text, &len);
	g_autofree char *text = g_strndup(data, len);
	g_autofree char *counter = g_strdup_printf("counter %" G_GUINT64_FORMAT "%s",
		input->terms.counter, input->terms.downgrade ? " downgrade" : "");
	g_autofree char *version = g_strconcat("version ", input->manifest->version, NULL);
	g_autofree char *first = NULL;
	const char *at = text;

	g_assert_cmpuint(strlen(text), ==, len);
	g_assert_cmpuint(len, <=, UOTA_MANIFEST2_MAX + 2 * LINE_MAX_BYTES);
	first = next(&at);
	check_signature(first, at, input->signs);
	expect(&at, counter);
	check_id(made->id, at);
	expect(&at, version);
	expect(&at, input->terms.partial ? "scope partial" : "scope complete");
	check_entries(&at, input);
}

/* The version against what the paths say: a strict order. */
static void check_order(const Input *input)
{
	const char *version = input->manifest->version;

	g_assert_false(uota_version_is_lower(version, version));
	for (guint i = 0; i < input->manifest->files->len; i++) {
		const UotaFile *file = input->manifest->files->pdata[i];

		g_assert_false(uota_version_is_lower(version, file->path) &&
			       uota_version_is_lower(file->path, version));
		g_assert_true(
			uota_path_is_kept(file->path) || !g_str_has_prefix(file->path, "ota_"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_auto(Input) input = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaManifest2) made = NULL;

	if (!take_input(data, size, &input))
		return 0;
	check_order(&input);
	made = uota_manifest2_make(input.manifest, &input.terms, input.signs ? KEY : NULL, &error);
	g_assert_true((made == NULL) == (error != NULL));
	if (made)
		check_written(made, &input);
	return 0;
}
