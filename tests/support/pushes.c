/* A push of protocol 1.0 as the board sees it. */
#include "support/pushes.h"

#include "support/vectors.h"

/* manifests */

GPtrArray *new_files(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
}

void add_bytes(GPtrArray *files, const char *path, const void *data, gsize len)
{
	g_autoptr(GBytes) content = g_bytes_new(data, len);

	g_ptr_array_add(files, uota_file_from_bytes(path, content));
}

UotaManifest *two_files(const char *key)
{
	g_autoptr(GPtrArray) files = new_files();
	UotaManifest *manifest;

	add_bytes(files, "app/app.py", APP, strlen(APP));
	add_bytes(files, "main.py", MAIN, strlen(MAIN));
	manifest = uota_manifest_new("1.2.3", files);
	if (key)
		uota_manifest_sign(manifest, key);
	return manifest;
}

void add_disk(GPtrArray *files, const Scratch *scratch, const char *path, gsize size)
{
	g_autofree char *source = scratch_path(scratch, path);
	g_autofree char *text = g_malloc(size + 1);
	g_autoptr(GError) error = NULL;
	UotaFile *file;

	for (gsize i = 0; i < size; i++)
		text[i] = (char)('a' + (i * 7 + i / 251) % 26);
	text[size] = '\0';
	scratch_write(scratch, path, text);
	file = uota_file_from_disk(path, source, NULL, NULL, &error);
	g_assert_no_error(error);
	g_ptr_array_add(files, file);
}

/* bytes */

static void append_number(GByteArray *bytes, guint64 value, guint size)
{
	for (guint i = size; i-- > 0;) {
		guint8 byte = (guint8)(value >> (8 * i));

		g_byte_array_append(bytes, &byte, 1);
	}
}

gboolean append_chunk(const guint8 *data, gsize len, gpointer bytes, GError **error)
{
	g_byte_array_append(bytes, data, (guint)len);
	return TRUE;
}

static void append_file(GByteArray *bytes, const UotaFile *file)
{
	g_autoptr(GError) error = NULL;

	append_number(bytes, strlen(file->path), 2);
	g_byte_array_append(bytes, (const guint8 *)file->path, (guint)strlen(file->path));
	append_number(bytes, file->size, 4);
	g_byte_array_append(bytes, file->sha256, UOTA_SHA256_SIZE);
	g_assert_true(uota_file_read(file, append_chunk, bytes, NULL, &error));
}

GByteArray *make_stream(const UotaManifest *manifest)
{
	GByteArray *bytes = g_byte_array_new();
	static const guint8 trailer[UOTA_SHA256_SIZE];

	g_byte_array_append(bytes, (const guint8 *)"OTAS", 4);
	append_number(bytes, strlen(manifest->version), 2);
	g_byte_array_append(
		bytes, (const guint8 *)manifest->version, (guint)strlen(manifest->version));
	append_number(bytes, manifest->files->len, 2);
	for (guint i = 0; i < manifest->files->len; i++)
		append_file(bytes, g_ptr_array_index(manifest->files, i));
	g_byte_array_append(bytes, trailer, sizeof trailer);
	return bytes;
}

/* scripts */

void expect_stream_command(Memory *memory, gsize size)
{
	g_autofree char *command = g_strdup_printf("stream_ota %" G_GSIZE_FORMAT "\n", size);

	memory_expect(memory, command);
	memory_say(memory, "ready\n");
}

void expect_stream(Memory *memory, const char *trailer)
{
	g_autofree char *hex = g_strconcat(STREAM_BODY, trailer, NULL);
	g_autoptr(GByteArray) stream = g_bytes_unref_to_array(bytes_from_hex(hex));

	expect_stream_command(memory, STREAM_SIZE);
	memory_expect_bytes(memory, stream->data, stream->len);
}

void expect_manifest(Memory *memory, const char *json)
{
	g_autofree char *header = g_strdup_printf("manifest %zu\n", strlen(json));

	memory_expect(memory, "start_ota\n");
	memory_say(memory, "ready\n");
	memory_expect(memory, header);
	memory_expect(memory, json);
}

void expect_session(Memory *memory, const char *json)
{
	expect_manifest(memory, json);
	memory_say(memory, "ok\n");
	memory_expect(memory, "file app/app.py;6;" APP_HASH "\n" APP);
	memory_say(memory, "ok\n");
	memory_expect(memory, "file main.py;11;" MAIN_HASH "\n" MAIN);
	memory_say(memory, "ok\n");
	memory_expect(memory, "end_ota\n");
}

gboolean push(Memory *memory, const UotaManifest *manifest, UotaPushKind kind, const char *key,
	GError **error)
{
	g_autoptr(UotaSession) session = memory_session(memory, NULL);

	return uota_push(session, manifest, kind, "", key, NULL, NULL, NULL, error);
}
