/* A push of 1.0 byte for byte, as stream and as session. */
#include "support/pushes.h"
#include "support/vectors.h"

static const gsize chops[] = {1, 2, 7, 64, 1000, G_MAXSIZE};

static void assert_pushes(
	Memory *memory, const UotaManifest *manifest, UotaPushKind kind, const char *key)
{
	g_autoptr(GError) error = NULL;
	gboolean ok = push(memory, manifest, kind, key, &error);

	g_assert_no_error(error);
	g_assert_true(ok);
}

/* what is sent */

static void stream_is_sent_byte_for_byte(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(chops); i++) {
		g_autoptr(Memory) memory = memory_new();
		g_autoptr(UotaManifest) manifest = two_files(NULL);

		memory_chop(memory, chops[i], chops[i]);
		expect_stream(memory, ZEROS);
		memory_say(memory, "ok\n");
		memory_close(memory);
		assert_pushes(memory, manifest, UOTA_PUSH_STREAM, NULL);
	}
}

static void stream_is_signed_at_its_end(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaManifest) manifest = two_files(KEY);

	expect_stream(memory, STREAM_MAC);
	memory_say(memory, "ok\n");
	memory_close(memory);
	assert_pushes(memory, manifest, UOTA_PUSH_STREAM, KEY);
}

static gint compare_paths(gconstpointer a, gconstpointer b)
{
	const UotaFile *const *one = a, *const *two = b;

	return strcmp((*one)->path, (*two)->path);
}

static UotaManifest *manifest_of(const json_t *vector)
{
	g_autoptr(GPtrArray) files = new_files();
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(vector, "files"), i, entry)
	{
		g_autoptr(GByteArray) content =
			g_bytes_unref_to_array(bytes_from_hex(vector_text(entry, "content_hex")));

		add_bytes(files, vector_text(entry, "path"), content->data, content->len);
	}
	g_ptr_array_sort(files, compare_paths);
	return uota_manifest_new(vector_text(vector, "version"), files);
}

static void replay_stream(const json_t *vector, gsize chop)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaManifest) manifest = manifest_of(vector);
	g_autoptr(GByteArray) stream =
		g_bytes_unref_to_array(bytes_from_hex(vector_text(vector, "stream_hex")));
	const char *key = vector_text(vector, "key");

	memory_chop(memory, chop, chop);
	expect_stream_command(memory, stream->len);
	memory_expect_bytes(memory, stream->data, stream->len);
	memory_say(memory, "ok\n");
	assert_pushes(memory, manifest, UOTA_PUSH_STREAM, *key ? key : NULL);
	g_assert_cmpuint(uota_push_stream_size(manifest), ==, stream->len);
}

static void stream_is_that_of_the_vectors(void)
{
	g_autoptr(json_t) vectors = vectors_load("stream", NULL);
	const json_t *vector;
	size_t i;

	json_array_foreach(vectors, i, vector)
	{
		g_test_message("%s", vector_text(vector, "name"));
		for (gsize k = 0; k < G_N_ELEMENTS(chops); k++)
			replay_stream(vector, chops[k]);
	}
}

/* Headers and contents that end before, at and behind the end of a chunk. */
static void large_files_are_sent_whole(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GPtrArray) files = new_files();
	g_autoptr(UotaManifest) manifest = NULL;
	g_autoptr(GByteArray) stream = NULL;
	g_autoptr(Memory) memory = memory_new();

	add_disk(files, scratch, "a", CHUNK - 13 - 7 - 32 - 1);
	add_disk(files, scratch, "b", 0);
	add_disk(files, scratch, "c", CHUNK - 39 - 39);
	add_disk(files, scratch, "d", 3 * CHUNK + 1);
	add_bytes(files, "e", "e", 1);
	manifest = uota_manifest_new("1", files);
	stream = make_stream(manifest);
	memory_chop(memory, 1, 4321);
	expect_stream_command(memory, stream->len);
	memory_expect_bytes(memory, stream->data, stream->len);
	memory_say(memory, "ok\n");
	assert_pushes(memory, manifest, UOTA_PUSH_STREAM, NULL);
}

static void session_is_sent_byte_for_byte(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(chops); i++) {
		g_autoptr(Memory) memory = memory_new();
		g_autoptr(UotaManifest) manifest = two_files(NULL);

		memory_chop(memory, chops[i], chops[i]);
		expect_session(memory, UNSIGNED);
		memory_say(memory, "ok\n");
		memory_close(memory);
		assert_pushes(memory, manifest, UOTA_PUSH_COMPLETE, NULL);
	}
}

static void session_carries_the_signature_in_its_manifest(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaManifest) manifest = two_files(KEY);

	expect_session(memory, SIGNED);
	memory_say(memory, "ok\n");
	assert_pushes(memory, manifest, UOTA_PUSH_COMPLETE, KEY);
}

static void large_file_is_one_of_the_session(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GPtrArray) files = new_files();
	g_autoptr(UotaManifest) manifest = NULL;
	g_autoptr(GBytes) json = NULL;
	g_autoptr(GByteArray) content = g_byte_array_new();
	g_autoptr(Memory) memory = memory_new();
	g_autofree char *header = NULL;
	g_autofree char *hex = NULL;
	const UotaFile *file;

	add_disk(files, scratch, "big", 2 * CHUNK + 1);
	manifest = uota_manifest_new("1", files);
	json = uota_manifest_to_json(manifest);
	header = g_strndup(g_bytes_get_data(json, NULL), g_bytes_get_size(json));
	expect_manifest(memory, header);
	memory_say(memory, "ok\n");
	file = g_ptr_array_index(files, 0);
	hex = uota_sha256_hex(file->sha256);
	memory_expect(memory, "file big;131073;");
	memory_expect(memory, hex);
	memory_expect(memory, "\n");
	g_assert_true(uota_file_read(file, append_chunk, content, NULL, NULL));
	memory_expect_bytes(memory, content->data, content->len);
	memory_say(memory, "ok\n");
	memory_expect(memory, "end_ota\n");
	memory_say(memory, "ok\n");
	assert_pushes(memory, manifest, UOTA_PUSH_COMPLETE, NULL);
}

/* which way */

static UotaPushKind used_for(Memory *memory, UotaPushKind kind)
{
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(UotaManifest) manifest = two_files(KEY);
	g_autoptr(GError) error = NULL;
	UotaPushKind used;

	g_assert_true(uota_push(session, manifest, kind, "", KEY, NULL, NULL, &used, &error));
	return used;
}

static void stream_falls_back_to_start_ota_when_unknown(void)
{
	g_autoptr(Memory) memory = memory_new();

	memory_expect(memory, "stream_ota 155\n");
	memory_say(memory, "unknown\n");
	expect_session(memory, SIGNED);
	memory_say(memory, "ok\n");
	g_assert_cmpint(used_for(memory, UOTA_PUSH_STREAM), ==, UOTA_PUSH_COMPLETE);
}

static void stream_stays_one_where_it_is_known(void)
{
	g_autoptr(Memory) memory = memory_new();

	expect_stream(memory, STREAM_MAC);
	memory_say(memory, "ok\n");
	g_assert_cmpint(used_for(memory, UOTA_PUSH_STREAM), ==, UOTA_PUSH_STREAM);
}

static void complete_push_never_asks_for_a_stream(void)
{
	g_autoptr(Memory) memory = memory_new();

	expect_session(memory, SIGNED);
	memory_say(memory, "ok\n");
	g_assert_cmpint(used_for(memory, UOTA_PUSH_COMPLETE), ==, UOTA_PUSH_COMPLETE);
}

/* progress */

typedef struct {
	guint64 done, total;
	guint calls;
} Progress;

static void on_progress(const char *path, guint64 done, guint64 total, gpointer user_data)
{
	Progress *progress = user_data;

	g_assert_nonnull(path);
	g_assert_cmpuint(done, >=, progress->done);
	g_assert_cmpuint(done, <=, total);
	g_assert_true(progress->calls == 0 || total == progress->total);
	progress->done = done;
	progress->total = total;
	progress->calls++;
}

static void assert_progress(Memory *memory, UotaPushKind kind)
{
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(UotaManifest) manifest = two_files(NULL);
	g_autoptr(GError) error = NULL;
	Progress progress = {0};

	g_assert_true(
		uota_push(session, manifest, kind, "", NULL, on_progress, &progress, NULL, &error));
	g_assert_cmpuint(progress.calls, >, 0);
	g_assert_cmpuint(progress.done, ==, progress.total);
}

static void progress_of_a_stream_grows_to_its_end(void)
{
	g_autoptr(Memory) memory = memory_new();

	expect_stream(memory, ZEROS);
	memory_say(memory, "ok\n");
	assert_progress(memory, UOTA_PUSH_STREAM);
}

static void progress_of_a_session_grows_to_its_end(void)
{
	g_autoptr(Memory) memory = memory_new();

	expect_session(memory, UNSIGNED);
	memory_say(memory, "ok\n");
	assert_progress(memory, UOTA_PUSH_COMPLETE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/push/stream-is-sent-byte-for-byte", stream_is_sent_byte_for_byte);
	g_test_add_func("/push/stream-is-signed-at-its-end", stream_is_signed_at_its_end);
	g_test_add_func("/push/stream-is-that-of-the-vectors", stream_is_that_of_the_vectors);
	SCRATCH_TEST("/push/large-files-are-sent-whole", large_files_are_sent_whole);
	g_test_add_func("/push/session-is-sent-byte-for-byte", session_is_sent_byte_for_byte);
	g_test_add_func("/push/session-carries-the-signature-in-its-manifest",
		session_carries_the_signature_in_its_manifest);
	SCRATCH_TEST("/push/large-file-is-one-of-the-session", large_file_is_one_of_the_session);
	g_test_add_func("/push/stream-falls-back-to-start-ota-when-unknown",
		stream_falls_back_to_start_ota_when_unknown);
	g_test_add_func(
		"/push/stream-stays-one-where-it-is-known", stream_stays_one_where_it_is_known);
	g_test_add_func("/push/complete-push-never-asks-for-a-stream",
		complete_push_never_asks_for_a_stream);
	g_test_add_func("/push/progress-of-a-stream-grows-to-its-end",
		progress_of_a_stream_grows_to_its_end);
	g_test_add_func("/push/progress-of-a-session-grows-to-its-end",
		progress_of_a_session_grows_to_its_end);
	return g_test_run();
}
