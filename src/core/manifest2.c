/* The manifest of protocol 2. */
#include "core/manifest2.h"

#include <string.h>

#include "core/error.h"

#define MANIFEST_LINE_MAX 512U /* bytes, with its `\n` */
#define LABEL "\xFFuota 2 manifest"

/* What the id is made over: all but the signature and the counter. */
static GString *write_content(const UotaManifest *manifest, const UotaTerms *terms)
{
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "version %s\nscope %s\n", manifest->version,
		terms->partial ? "partial" : "complete");
	for (char **need = terms->needs; need && *need; need++)
		g_string_append_printf(out, "need %s\n", *need);
	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = manifest->files->pdata[i];
		g_autofree char *hex = uota_sha256_hex(file->sha256);

		g_string_append_printf(
			out, "%" G_GUINT64_FORMAT " %s %s\n", file->size, hex, file->path);
	}
	for (char **path = terms->deleted; path && *path; path++)
		g_string_append_printf(out, "- %s\n", *path);
	return out;
}

static gboolean fail(GError **error, const char *why)
{
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED, why);
	return FALSE;
}

static gboolean check(const GString *content, const UotaTerms *terms, GError **error)
{
	guint lines = 0;

	for (const char *at = content->str; *at; at = strchr(at, '\n') + 1) {
		if ((gsize)(strchr(at, '\n') - at) >= MANIFEST_LINE_MAX)
			return fail(error, "a line of the manifest is longer than 512 bytes");
		lines++;
	}
	if (lines > UOTA_MANIFEST2_ENTRIES || content->len > UOTA_MANIFEST2_MAX)
		return fail(error, "more files than a board takes (10,000, and 1 MiB of names "
				   "and hashes): put some into excludedFiles");
	if (terms->counter < 1 || terms->counter > UOTA_COUNTER_MAX)
		return fail(error, "the board's counter of updates is at its end");
	return TRUE;
}

static char *hash_hex(const GString *content)
{
	guint8 digest[UOTA_SHA256_SIZE];

	uota_sha256(content->str, content->len, digest);
	return uota_sha256_hex(digest);
}

static char *first_line(const char *key, const GString *rest)
{
	guint8 mac[UOTA_SHA256_SIZE];
	g_autofree char *hex = NULL;
	UotaSigner signer;

	if (!key)
		return g_strdup("uota 2 none -\n");
	uota_signer_init(&signer, key);
	uota_signer_update(&signer, LABEL, strlen(LABEL));
	uota_signer_update(&signer, rest->str, rest->len);
	uota_signer_finish(&signer, mac);
	hex = uota_sha256_hex(mac);
	return g_strdup_printf("uota 2 hmac-sha256 %s\n", hex);
}

UotaManifest2 *uota_manifest2_make(
	const UotaManifest *manifest, const UotaTerms *terms, const char *key, GError **error)
{
	g_autoptr(GString) text = write_content(manifest, terms);
	g_autofree char *counter = g_strdup_printf("counter %" G_GUINT64_FORMAT "%s\n",
		terms->counter, terms->downgrade ? " downgrade" : "");
	g_autofree char *first = NULL;
	UotaManifest2 *made;

	if (!check(text, terms, error))
		return NULL;
	made = g_new0(UotaManifest2, 1);
	made->id = hash_hex(text);
	g_string_prepend(text, counter);
	first = first_line(key, text);
	g_string_prepend(text, first);
	made->text = g_string_free_to_bytes(g_steal_pointer(&text));
	return made;
}

void uota_manifest2_free(UotaManifest2 *manifest)
{
	if (!manifest)
		return;
	g_free(manifest->id);
	g_bytes_unref(manifest->text);
	g_free(manifest);
}

/* Decimal texts of any length; leading zeros count for nothing. */
static int compare_numbers(const char *a, const char *b)
{
	a += strspn(a, "0");
	b += strspn(b, "0");
	if (strlen(a) != strlen(b))
		return strlen(a) < strlen(b) ? -1 : 1;
	return strcmp(a, b);
}

/* The parts of @version that are numbers. */
static char **numbers_of(const char *version)
{
	g_autofree char *head = g_strndup(version, strcspn(version, "-+"));
	g_auto(GStrv) parts = g_strsplit(head, ".", -1);
	g_autoptr(GStrvBuilder) numbers = g_strv_builder_new();

	for (char **part = parts; *part; part++)
		if (**part && strspn(*part, "0123456789") == strlen(*part))
			g_strv_builder_add(numbers, *part);
	return g_strv_builder_end(numbers);
}

gboolean uota_version_is_lower(const char *new, const char *installed)
{
	g_auto(GStrv) ours = numbers_of(new);
	g_auto(GStrv) theirs = numbers_of(installed);
	int order = 0;
	gsize i;

	for (i = 0; ours[i] && theirs[i] && !order; i++)
		order = compare_numbers(ours[i], theirs[i]);
	return order ? order < 0 : !ours[i] && theirs[i];
}

gboolean uota_path_is_kept(const char *path)
{
	static const char *const kept[] = {"lib/uota", "config", "data", "boot.py"};
	g_autofree char *lower = g_ascii_strdown(path, -1);

	if (g_str_has_prefix(lower, "ota_"))
		return TRUE;
	for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
		gsize len = strlen(kept[i]);

		if (strncmp(lower, kept[i], len) == 0 && (!lower[len] || lower[len] == '/'))
			return TRUE;
	}
	return FALSE;
}
