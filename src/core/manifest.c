/* The manifest of protocol 1.0. Files are kept in code-point order of their paths, which is the
 * order that the signature is made over. */
#include "core/manifest.h"

#include <string.h>

#include "core/error.h"

G_GNUC_PRINTF(2, 3)
static gboolean fail(GError **error, const char *format, ...)
{
	g_autofree char *why = NULL;
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "manifest: %s", why);
	return FALSE;
}

UotaManifest *uota_manifest_new(const char *version, GPtrArray *files)
{
	UotaManifest *manifest = g_new0(UotaManifest, 1);

	manifest->version = g_strdup(version);
	manifest->files = g_ptr_array_ref(files);
	return manifest;
}

void uota_manifest_free(UotaManifest *manifest)
{
	if (!manifest)
		return;
	g_free(manifest->version);
	g_clear_pointer(&manifest->files, g_ptr_array_unref);
	g_free(manifest->sig);
	g_free(manifest);
}

static gint compare_files(gconstpointer a, gconstpointer b)
{
	const UotaFile *const *fa = a, *const *fb = b;

	return strcmp((*fa)->path, (*fb)->path);
}

const UotaFile *uota_manifest_lookup(const UotaManifest *manifest, const char *path)
{
	guint low = 0, high = manifest->files->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;
		const UotaFile *file = manifest->files->pdata[middle];
		int order = strcmp(path, file->path);

		if (order == 0)
			return file;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static gboolean parse_path(const char *path, char **out, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *shown = uota_path_printable(path);

	if (!uota_path_check(path, &why))
		return fail(error, "%s: %s", shown, why->message);
	*out = g_strdup(path);
	return TRUE;
}

static gboolean parse_size(const json_t *entry, UotaFile *file, GError **error)
{
	const json_t *size = json_object_get(entry, "size");
	json_int_t n = json_integer_value(size);

	if (!json_is_integer(size) || n < 0 || n > UOTA_FILE_SIZE_MAX)
		return fail(error, "%s: size: must be an integer from 0 to %d", file->path,
			UOTA_FILE_SIZE_MAX);
	file->size = (guint64)n;
	return TRUE;
}

static gboolean parse_hash(const json_t *entry, UotaFile *file, GError **error)
{
	const char *hex = json_string_value(json_object_get(entry, "sha256"));

	return (hex && uota_sha256_from_hex(hex, file->sha256)) ||
	       fail(error, "%s: sha256: must be 64 hex digits", file->path);
}

/* Where to fetch a file that is compiled for one bytecode version; only on a server. */
static gboolean parse_src(const json_t *entry, UotaFile *file, GError **error)
{
	const json_t *src = json_object_get(entry, "src");

	if (!src)
		return TRUE;
	if (!json_is_string(src))
		return fail(error, "%s: src: must be a path", file->path);
	return parse_path(json_string_value(src), &file->src, error);
}

static UotaFile *parse_file(const char *path, const json_t *entry, GError **error)
{
	g_autoptr(UotaFile) file = g_new0(UotaFile, 1);

	if (!parse_path(path, &file->path, error) || !parse_size(entry, file, error) ||
		!parse_hash(entry, file, error) || !parse_src(entry, file, error))
		return NULL;
	return g_steal_pointer(&file);
}

static gboolean parse_files(UotaManifest *manifest, json_t *files, GError **error)
{
	const char *path;
	json_t *entry;

	if (!json_is_object(files))
		return fail(error, "files: must be an object");
	json_object_foreach(files, path, entry)
	{
		UotaFile *file = parse_file(path, entry, error);

		if (!file)
			return FALSE;
		g_ptr_array_add(manifest->files, file);
	}
	g_ptr_array_sort(manifest->files, compare_files);
	return TRUE;
}

/* `a` and `a/b` cannot both be files. */
static gboolean check_folders(const UotaManifest *manifest, GError **error)
{
	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = manifest->files->pdata[i];
		g_autofree char *above = g_strdup(file->path);

		for (char *end = strrchr(above, '/'); end; end = strrchr(above, '/')) {
			*end = '\0';
			if (uota_manifest_lookup(manifest, above))
				return fail(error, "%s: is a file and a folder", above);
		}
	}
	return TRUE;
}

static gboolean parse_version(UotaManifest *manifest, const json_t *version, GError **error)
{
	g_autoptr(GError) why = NULL;

	if (!json_is_string(version))
		return fail(error, "version: must be a string");
	if (!uota_config_check_version(json_string_value(version), &why))
		return fail(error, "version: %s", why->message);
	manifest->version = g_strdup(json_string_value(version));
	return TRUE;
}

static gboolean parse_sig(UotaManifest *manifest, const json_t *sig, GError **error)
{
	guint8 mac[UOTA_SHA256_SIZE];

	/* an empty one is how 1.0 may write "unsigned" */
	if (!sig || (json_is_string(sig) && !json_string_length(sig)))
		return TRUE;
	if (!json_is_string(sig) || !uota_sha256_from_hex(json_string_value(sig), mac))
		return fail(error, "sig: must be 64 hex digits");
	manifest->sig = g_strdup(json_string_value(sig));
	return TRUE;
}

UotaManifest *uota_manifest_parse(const char *json, gsize len, GError **error)
{
	g_autoptr(json_t) root = NULL;
	g_autoptr(UotaManifest) manifest = NULL;

	if (len > UOTA_MANIFEST_MAX) {
		(void)fail(error, "larger than %d bytes", UOTA_MANIFEST_MAX);
		return NULL;
	}
	root = uota_json_parse(json, len, "manifest", error);
	if (!root)
		return NULL;
	manifest = g_new0(UotaManifest, 1);
	manifest->files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	if (!parse_version(manifest, json_object_get(root, "version"), error) ||
		!parse_files(manifest, json_object_get(root, "files"), error) ||
		!parse_sig(manifest, json_object_get(root, "sig"), error) ||
		!check_folders(manifest, error))
		return NULL;
	return g_steal_pointer(&manifest);
}

char *uota_manifest_signing_payload(const UotaManifest *manifest)
{
	GString *payload = g_string_new(manifest->version);

	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = manifest->files->pdata[i];
		g_autofree char *hex = uota_sha256_hex(file->sha256);

		g_string_append_printf(payload, "\n%s:%s", file->path, hex);
	}
	return g_string_free(payload, FALSE);
}

static void make_mac(const UotaManifest *manifest, const char *key, guint8 mac[UOTA_SHA256_SIZE])
{
	g_autofree char *payload = uota_manifest_signing_payload(manifest);
	UotaSigner signer;

	uota_signer_init(&signer, key);
	uota_signer_update(&signer, payload, strlen(payload));
	uota_signer_finish(&signer, mac);
}

void uota_manifest_sign(UotaManifest *manifest, const char *key)
{
	guint8 mac[UOTA_SHA256_SIZE];

	make_mac(manifest, key, mac);
	g_free(manifest->sig);
	manifest->sig = uota_sha256_hex(mac);
}

gboolean uota_manifest_verify(const UotaManifest *manifest, const char *key)
{
	guint8 mac[UOTA_SHA256_SIZE], sig[UOTA_SHA256_SIZE];

	if (!manifest->sig || !uota_sha256_from_hex(manifest->sig, sig))
		return FALSE;
	make_mac(manifest, key, mac);
	return uota_sha256_equal(mac, sig);
}

static json_t *file_to_json(const UotaFile *file)
{
	g_autofree char *hex = uota_sha256_hex(file->sha256);
	json_t *entry = json_object();

	json_object_set_new(entry, "size", json_integer((json_int_t)file->size));
	json_object_set_new(entry, "sha256", json_string(hex));
	if (file->src)
		json_object_set_new(entry, "src", json_string(file->src));
	return entry;
}

GBytes *uota_manifest_to_json(const UotaManifest *manifest)
{
	g_autoptr(json_t) root = json_object();
	json_t *files = json_object();
	char *text;

	json_object_set_new(root, "version", json_string(manifest->version));
	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = manifest->files->pdata[i];

		json_object_set_new(files, file->path, file_to_json(file));
	}
	json_object_set_new(root, "files", files);
	if (manifest->sig)
		json_object_set_new(root, "sig", json_string(manifest->sig));
	text = json_dumps(root, JSON_COMPACT);
	return g_bytes_new_take(text, strlen(text));
}
