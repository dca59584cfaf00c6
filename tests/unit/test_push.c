/* A push byte for byte, as stream and as session, and every way that it can fail. */
#include "protocol/push.h"

#include <string.h>

#include "core/error.h"
#include "support/memory.h"
#include "unit/scratch.h"
#include "unit/vectors.h"

#define TIMEOUT_MS 5000
#define CHUNK 65536 /* what a push sends at once */

#define KEY "swordfish"
#define APP "x = 1\n"
#define APP_HASH "9e26bf369911c45c243c684147b23fc9e1dcfcf257d299a1c632016a6fcd33f4"
#define MAIN "import app\n"
#define MAIN_HASH "69c487f68215e95f1d6fa2301ac4d57f4454f46e6c0adcef24bb0a1781d1835c"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* made with Python's hmac and struct from the description of the wire */
#define STREAM_BODY                                                                                \
	"4f5441530005312e322e330002"                                                               \
	"000a6170702f6170702e707900000006" APP_HASH "78203d20310a"                                 \
	"00076d61696e2e70790000000b" MAIN_HASH "696d706f7274206170700a"
#define STREAM_MAC "d4de80115a41d6ce74d74b3c5158146afcf89964a8de71d891ce9b614cf1eca9"
#define STREAM_SIZE 155
#define MANIFEST_SIG "7c6e5204f87c07eb87bd592e3cca4d5d0f0d918e1d386565930d9614b49e9634"

#define MANIFEST_FILES                                                                             \
	"{\"version\":\"1.2.3\",\"files\":{"                                                       \
	"\"app/app.py\":{\"size\":6,\"sha256\":\"" APP_HASH "\"},"                                 \
	"\"main.py\":{\"size\":11,\"sha256\":\"" MAIN_HASH "\"}}"
#define UNSIGNED MANIFEST_FILES "}"
#define SIGNED MANIFEST_FILES ",\"sig\":\"" MANIFEST_SIG "\"}"

static const gsize chops[] = {1, 2, 7, 64, 1000, G_MAXSIZE};

/* manifests */

static GPtrArray *new_files(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
}

static void add_bytes(GPtrArray *files, const char *path, const void *data, gsize len)
{
	g_autoptr(GBytes) content = g_bytes_new(data, len);

	g_ptr_array_add(files, uota_file_from_bytes(path, content));
}

static UotaManifest *two_files(const char *key)
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

/* A file of @size bytes on the disk. */
static void add_disk(GPtrArray *files, const Scratch *scratch, const char *path, gsize size)
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

static GByteArray *from_hex(const char *hex)
{
	GByteArray *bytes = g_byte_array_new();

	for (; *hex; hex += 2) {
		guint8 byte =
			(guint8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));

		g_byte_array_append(bytes, &byte, 1);
	}
	return bytes;
}

static void append_number(GByteArray *bytes, guint64 value, guint size)
{
	for (guint i = size; i-- > 0;) {
		guint8 byte = (guint8)(value >> (8 * i));

		g_byte_array_append(bytes, &byte, 1);
	}
}

static gboolean append_chunk(const guint8 *data, gsize len, gpointer bytes, GError **error)
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

/* The unsigned stream of @manifest, put together apart from the code under test. */
static GByteArray *make_stream(const UotaManifest *manifest)
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

static void expect_stream_command(Memory *memory, gsize size)
{
	g_autofree char *command = g_strdup_printf("stream_ota %" G_GSIZE_FORMAT "\n", size);

	memory_expect(memory, command);
	memory_say(memory, "ready\n");
}

/* All of the stream of two_files(); the answer is the caller's. */
static void expect_stream(Memory *memory, const char *trailer)
{
	g_autofree char *hex = g_strconcat(STREAM_BODY, trailer, NULL);
	g_autoptr(GByteArray) stream = from_hex(hex);

	expect_stream_command(memory, STREAM_SIZE);
	memory_expect_bytes(memory, stream->data, stream->len);
}

static void expect_manifest(Memory *memory, const char *json)
{
	g_autofree char *header = g_strdup_printf("manifest %zu\n", strlen(json));

	memory_expect(memory, "start_ota\n");
	memory_say(memory, "ready\n");
	memory_expect(memory, header);
	memory_expect(memory, json);
}

/* The session of two_files() up to and with `end_ota`; the answer is the caller's. */
static void expect_session(Memory *memory, const char *json)
{
	expect_manifest(memory, json);
	memory_say(memory, "ok\n");
	memory_expect(memory, "file app/app.py;6;" APP_HASH "\n" APP);
	memory_say(memory, "ok\n");
	memory_expect(memory, "file main.py;11;" MAIN_HASH "\n" MAIN);
	memory_say(memory, "ok\n");
	memory_expect(memory, "end_ota\n");
}

static UotaSession *open_session(Memory *memory, GCancellable *cancellable)
{
	g_autoptr(GError) error = NULL;
	UotaSession *session =
		uota_session_open(memory_transport(memory), NULL, TIMEOUT_MS, cancellable, &error);

	g_assert_no_error(error);
	return session;
}

static gboolean push(Memory *memory, const UotaManifest *manifest, UotaPushKind kind,
	const char *key, GError **error)
{
	g_autoptr(UotaSession) session = open_session(memory, NULL);

	return uota_push(session, manifest, kind, "", key, NULL, NULL, NULL, error);
}

static void assert_pushes(
	Memory *memory, const UotaManifest *manifest, UotaPushKind kind, const char *key)
{
	g_autoptr(GError) error = NULL;
	gboolean ok = push(memory, manifest, kind, key, &error);

	g_assert_no_error(error);
	g_assert_true(ok);
}

static void assert_error(const GError *error, int code, const char *part)
{
	g_assert_error(error, UOTA_ERROR, code);
	if (!strstr(error->message, part))
		g_error("\"%s\" is not in \"%s\"", part, error->message);
}

static void assert_push_fails(Memory *memory, UotaPushKind kind, int code, const char *part)
{
	g_autoptr(UotaManifest) manifest = two_files(NULL);
	g_autoptr(GError) error = NULL;

	g_assert_false(push(memory, manifest, kind, NULL, &error));
	assert_error(error, code, part);
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
		g_autoptr(GByteArray) content = from_hex(vector_string(entry, "content_hex"));

		add_bytes(files, vector_string(entry, "path"), content->data, content->len);
	}
	g_ptr_array_sort(files, compare_paths);
	return uota_manifest_new(vector_string(vector, "version"), files);
}

static void replay_stream(const json_t *vector, gsize chop)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaManifest) manifest = manifest_of(vector);
	g_autoptr(GByteArray) stream = from_hex(vector_string(vector, "stream_hex"));
	const char *key = vector_string(vector, "key");

	memory_chop(memory, chop, chop);
	expect_stream_command(memory, stream->len);
	memory_expect_bytes(memory, stream->data, stream->len);
	memory_say(memory, "ok\n");
	assert_pushes(memory, manifest, UOTA_PUSH_STREAM, *key ? key : NULL);
	g_assert_cmpuint(uota_push_stream_size(manifest), ==, stream->len);
}

static void stream_is_that_of_the_vectors(void)
{
	g_autoptr(json_t) vectors = vectors_load("stream.json");
	const json_t *vector;
	size_t i;

	g_assert_cmpuint(json_array_size(vectors), >, 0);
	json_array_foreach(vectors, i, vector)
	{
		g_test_message("%s", vector_string(vector, "name"));
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
	g_autoptr(UotaSession) session = open_session(memory, NULL);
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

/* answers */

typedef struct {
	const char *answer;
	int code;
	const char *part;
} Refusal;

static const Refusal refusals[] = {
	{"denied\n", UOTA_ERROR_REFUSED, "password"},
	{"sig_mismatch\n", UOTA_ERROR_REFUSED, "signature"},
	{"sha256_mismatch main.py\n", UOTA_ERROR_FAILED, "main.py arrived damaged"},
	{"error: no space left\n", UOTA_ERROR_FAILED, "no space left"},
	{"pong\n", UOTA_ERROR_FAILED, "no uota board"},
	{"HTTP/1.1 400 Bad Request\r\n", UOTA_ERROR_FAILED, "HTTP/1.1 400"},
	{"ok", UOTA_ERROR_CLOSED, "closed the connection"},
	{"", UOTA_ERROR_CLOSED, "closed the connection"},
};

static void assert_refused_at(
	void (*script)(Memory *memory), UotaPushKind kind, const Refusal *refusal, int code)
{
	g_autoptr(Memory) memory = memory_new();

	script(memory);
	memory_say(memory, refusal->answer);
	memory_close(memory);
	assert_push_fails(memory, kind, code, refusal->part);
}

static void assert_refused_everywhere(
	void (*const *scripts)(Memory *memory), gsize count, UotaPushKind kind)
{
	for (gsize i = 0; i < count; i++)
		for (gsize k = 0; k < G_N_ELEMENTS(refusals); k++)
			assert_refused_at(scripts[i], kind, &refusals[k], refusals[k].code);
}

static void up_to_stream_ota(Memory *memory)
{
	memory_expect(memory, "stream_ota 155\n");
}

static void up_to_half_of_the_stream(Memory *memory)
{
	g_autoptr(GByteArray) stream = from_hex(STREAM_BODY);

	expect_stream_command(memory, STREAM_SIZE);
	memory_expect_bytes(memory, stream->data, stream->len / 2);
}

static void up_to_start_ota(Memory *memory)
{
	memory_expect(memory, "start_ota\n");
}

static void up_to_half_of_the_manifest(Memory *memory)
{
	memory_expect(memory, "start_ota\n");
	memory_say(memory, "ready\n");
	memory_expect(memory, "manifest 227\n{\"version\"");
}

static void up_to_the_manifest(Memory *memory)
{
	expect_manifest(memory, UNSIGNED);
}

static void up_to_half_of_a_file(Memory *memory)
{
	expect_manifest(memory, UNSIGNED);
	memory_say(memory, "ok\n");
	memory_expect(memory, "file app/app.py;6;" APP_HASH "\nx =");
}

static void up_to_the_first_file(Memory *memory)
{
	expect_manifest(memory, UNSIGNED);
	memory_say(memory, "ok\n");
	memory_expect(memory, "file app/app.py;6;" APP_HASH "\n" APP);
}

static void up_to_half_of_the_end(Memory *memory)
{
	up_to_the_first_file(memory);
	memory_say(memory, "ok\n");
	memory_expect(memory, "file main.py;11;" MAIN_HASH "\n" MAIN);
	memory_say(memory, "ok\n");
	memory_expect(memory, "end_");
}

static void refusal_of_a_stream_is_told(void)
{
	static void (*const scripts[])(Memory *) = {up_to_stream_ota, up_to_half_of_the_stream};

	assert_refused_everywhere(scripts, G_N_ELEMENTS(scripts), UOTA_PUSH_STREAM);
}

static void refusal_of_a_session_is_told(void)
{
	static void (*const scripts[])(Memory *) = {up_to_start_ota, up_to_half_of_the_manifest,
		up_to_the_manifest, up_to_half_of_a_file, up_to_the_first_file,
		up_to_half_of_the_end};

	assert_refused_everywhere(scripts, G_N_ELEMENTS(scripts), UOTA_PUSH_COMPLETE);
}

static void up_to_the_trailer(Memory *memory)
{
	expect_stream(memory, ZEROS);
}

static void up_to_end_ota(Memory *memory)
{
	expect_session(memory, UNSIGNED);
}

/* At the end a closed connection is the board's reset. */
static void refusal_at_the_end_is_told(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
		int code = refusals[i].code;

		if (code == UOTA_ERROR_CLOSED)
			code = UOTA_ERROR_UNANSWERED;
		assert_refused_at(up_to_the_trailer, UOTA_PUSH_STREAM, &refusals[i], code);
		assert_refused_at(up_to_end_ota, UOTA_PUSH_COMPLETE, &refusals[i], code);
	}
}

static void unknown_session_is_no_reason_for_a_fallback(void)
{
	g_autoptr(Memory) memory = memory_new();

	memory_expect(memory, "stream_ota 155\n");
	memory_say(memory, "unknown\n");
	memory_expect(memory, "start_ota\n");
	memory_say(memory, "unknown\n");
	assert_push_fails(memory, UOTA_PUSH_STREAM, UOTA_ERROR_UNKNOWN, "does not know");
}

static void assert_unanswered(void (*script)(Memory *), UotaPushKind kind, void (*end)(Memory *))
{
	g_autoptr(Memory) memory = memory_new();

	script(memory);
	end(memory);
	assert_push_fails(memory, kind, UOTA_ERROR_UNANSWERED, "no answer came");
}

static void reset_that_overtakes_the_answer_is_told_apart(void)
{
	static void (*const ends[])(Memory *) = {memory_close, memory_reset, memory_silence};

	for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
		assert_unanswered(up_to_the_trailer, UOTA_PUSH_STREAM, ends[i]);
		assert_unanswered(up_to_end_ota, UOTA_PUSH_COMPLETE, ends[i]);
	}
}

static void assert_ends(
	void (*script)(Memory *), UotaPushKind kind, void (*end)(Memory *), int code)
{
	g_autoptr(Memory) memory = memory_new();

	script(memory);
	end(memory);
	assert_push_fails(memory, kind, code, "");
}

static void connection_lost_before_the_end_is_a_failure(void)
{
	assert_ends(up_to_half_of_the_stream, UOTA_PUSH_STREAM, memory_close, UOTA_ERROR_CLOSED);
	assert_ends(up_to_half_of_the_stream, UOTA_PUSH_STREAM, memory_reset, UOTA_ERROR_CLOSED);
	assert_ends(
		up_to_half_of_the_stream, UOTA_PUSH_STREAM, memory_silence, UOTA_ERROR_UNREACHABLE);
	assert_ends(up_to_the_first_file, UOTA_PUSH_COMPLETE, memory_reset, UOTA_ERROR_CLOSED);
	assert_ends(up_to_the_manifest, UOTA_PUSH_COMPLETE, memory_silence, UOTA_ERROR_UNREACHABLE);
	assert_ends(up_to_half_of_the_end, UOTA_PUSH_COMPLETE, memory_reset, UOTA_ERROR_CLOSED);
}

/* A board that has no room says so before it has read everything; megabytes need not follow. */
static void objection_ends_a_large_stream(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GPtrArray) files = new_files();
	g_autoptr(UotaManifest) manifest = NULL;
	g_autoptr(GByteArray) stream = NULL;
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;

	add_disk(files, scratch, "big", 10 * CHUNK);
	manifest = uota_manifest_new("1", files);
	stream = make_stream(manifest);
	expect_stream_command(memory, stream->len);
	memory_expect_bytes(memory, stream->data, CHUNK + 100);
	memory_say(memory, "error: no space left\n");
	memory_close(memory);
	g_assert_false(push(memory, manifest, UOTA_PUSH_STREAM, NULL, &error));
	assert_error(error, UOTA_ERROR_FAILED, "no space left");
}

static void cancel(gpointer cancellable)
{
	g_cancellable_cancel(cancellable);
}

static void cancel_ends_the_push(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(UotaSession) session = open_session(memory, cancellable);
	g_autoptr(UotaManifest) manifest = two_files(NULL);
	g_autoptr(GError) error = NULL;

	up_to_half_of_the_stream(memory);
	memory_call(memory, cancel, cancellable);
	memory_silence(memory);
	g_assert_false(
		uota_push(session, manifest, UOTA_PUSH_STREAM, "", NULL, NULL, NULL, NULL, &error));
	assert_error(error, UOTA_ERROR_CANCELLED, "interrupted");
}

/* files that change */

static void assert_changed_file_ends_the_push(
	const UotaManifest *manifest, const char *part, UotaPushKind kind)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);
	g_autofree char *text = g_strndup(g_bytes_get_data(json, NULL), g_bytes_get_size(json));

	if (kind == UOTA_PUSH_STREAM) {
		expect_stream_command(memory, uota_push_stream_size(manifest));
	} else {
		expect_manifest(memory, text);
		memory_say(memory, "ok\n");
	}
	g_assert_false(push(memory, manifest, kind, NULL, &error));
	g_assert_nonnull(error);
	if (!strstr(error->message, "app.py") || !strstr(error->message, part))
		g_error("\"%s\" is not in \"%s\"", part, error->message);
}

/* A push of the one file app.py, which @change has got at since it was hashed. */
static void assert_change_ends_the_push(
	Scratch *scratch, void (*change)(const Scratch *scratch), const char *part)
{
	g_autoptr(GPtrArray) files = new_files();
	g_autoptr(UotaManifest) manifest = NULL;

	add_disk(files, scratch, "app.py", 1000);
	manifest = uota_manifest_new("1", files);
	change(scratch);
	assert_changed_file_ends_the_push(manifest, part, UOTA_PUSH_STREAM);
	assert_changed_file_ends_the_push(manifest, part, UOTA_PUSH_COMPLETE);
}

static void shrink(const Scratch *scratch)
{
	scratch_write(scratch, "app.py", "x = 1\n");
}

static void grow(const Scratch *scratch)
{
	g_autofree char *text = g_strnfill(1001, 'x');

	scratch_write(scratch, "app.py", text);
}

static void vanish(const Scratch *scratch)
{
	g_autofree char *path = scratch_path(scratch, "app.py");

	scratch_remove(path);
}

static void become_a_folder(const Scratch *scratch)
{
	vanish(scratch);
	scratch_mkdir(scratch, "app.py");
}

static void file_that_shrank_ends_the_push(Scratch *scratch, gconstpointer data)
{
	assert_change_ends_the_push(scratch, shrink, "changed while it was being pushed");
}

static void file_that_grew_ends_the_push(Scratch *scratch, gconstpointer data)
{
	assert_change_ends_the_push(scratch, grow, "changed while it was being pushed");
}

static void file_that_vanished_ends_the_push(Scratch *scratch, gconstpointer data)
{
	assert_change_ends_the_push(scratch, vanish, "not found");
}

static void file_that_became_a_folder_ends_the_push(Scratch *scratch, gconstpointer data)
{
	assert_change_ends_the_push(scratch, become_a_folder, "not a regular file");
}

static void remove_file(gpointer path)
{
	g_assert_cmpint(g_unlink(path), ==, 0);
}

/* The board sees the connection end in mid-stream, and stays as it was. */
static void file_that_vanishes_in_mid_push_ends_it(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GPtrArray) files = new_files();
	g_autofree char *second = scratch_path(scratch, "b.py");
	g_autoptr(UotaManifest) manifest = NULL;
	g_autoptr(GByteArray) stream = NULL;
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(GError) error = NULL;

	add_disk(files, scratch, "a.py", CHUNK + 1000);
	add_disk(files, scratch, "b.py", 1000);
	manifest = uota_manifest_new("1", files);
	stream = make_stream(manifest);
	expect_stream_command(memory, stream->len);
	memory_call(memory, remove_file, second);
	memory_expect_bytes(memory, stream->data, CHUNK);
	g_assert_false(push(memory, manifest, UOTA_PUSH_STREAM, NULL, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	g_assert_nonnull(strstr(error->message, "b.py"));
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
	g_autoptr(UotaSession) session = open_session(memory, NULL);
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

/* verify */

static gboolean verify(const char *version, const char *installed, GError **error)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = open_session(memory, NULL);
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
	g_autoptr(UotaSession) session = open_session(memory, NULL);
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

#define TEST(path, func) g_test_add_func("/push/" path, func)

static void add_sending(void)
{
	TEST("stream-is-sent-byte-for-byte", stream_is_sent_byte_for_byte);
	TEST("stream-is-signed-at-its-end", stream_is_signed_at_its_end);
	TEST("stream-is-that-of-the-vectors", stream_is_that_of_the_vectors);
	SCRATCH_TEST("/push/large-files-are-sent-whole", large_files_are_sent_whole);
	TEST("session-is-sent-byte-for-byte", session_is_sent_byte_for_byte);
	TEST("session-carries-the-signature-in-its-manifest",
		session_carries_the_signature_in_its_manifest);
	SCRATCH_TEST("/push/large-file-is-one-of-the-session", large_file_is_one_of_the_session);
	TEST("stream-falls-back-to-start-ota-when-unknown",
		stream_falls_back_to_start_ota_when_unknown);
	TEST("stream-stays-one-where-it-is-known", stream_stays_one_where_it_is_known);
	TEST("complete-push-never-asks-for-a-stream", complete_push_never_asks_for_a_stream);
	TEST("progress-of-a-stream-grows-to-its-end", progress_of_a_stream_grows_to_its_end);
	TEST("progress-of-a-session-grows-to-its-end", progress_of_a_session_grows_to_its_end);
}

static void add_failing(void)
{
	TEST("refusal-of-a-stream-is-told", refusal_of_a_stream_is_told);
	TEST("refusal-of-a-session-is-told", refusal_of_a_session_is_told);
	TEST("refusal-at-the-end-is-told", refusal_at_the_end_is_told);
	TEST("unknown-session-is-no-reason-for-a-fallback",
		unknown_session_is_no_reason_for_a_fallback);
	TEST("reset-that-overtakes-the-answer-is-told-apart",
		reset_that_overtakes_the_answer_is_told_apart);
	TEST("connection-lost-before-the-end-is-a-failure",
		connection_lost_before_the_end_is_a_failure);
	SCRATCH_TEST("/push/objection-ends-a-large-stream", objection_ends_a_large_stream);
	TEST("cancel-ends-the-push", cancel_ends_the_push);
}

static void add_changing(void)
{
	SCRATCH_TEST("/push/file-that-shrank-ends-the-push", file_that_shrank_ends_the_push);
	SCRATCH_TEST("/push/file-that-grew-ends-the-push", file_that_grew_ends_the_push);
	SCRATCH_TEST("/push/file-that-vanished-ends-the-push", file_that_vanished_ends_the_push);
	SCRATCH_TEST("/push/file-that-became-a-folder-ends-the-push",
		file_that_became_a_folder_ends_the_push);
	SCRATCH_TEST("/push/file-that-vanishes-in-mid-push-ends-it",
		file_that_vanishes_in_mid_push_ends_it);
}

static void add_verifying(void)
{
	TEST("same-manifest-is-verified", same_manifest_is_verified);
	TEST("more-files-on-the-board-are-verified", more_files_on_the_board_are_verified);
	TEST("other-version-is-not-verified", other_version_is_not_verified);
	TEST("hostile-version-is-made-printable", hostile_version_is_made_printable);
	TEST("other-hash-is-not-verified", other_hash_is_not_verified);
	TEST("broken-manifest-is-not-verified", broken_manifest_is_not_verified);
	TEST("missing-manifest-is-not-verified", missing_manifest_is_not_verified);
	TEST("large-manifest-is-verified", large_manifest_is_verified);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_sending();
	add_failing();
	add_changing();
	add_verifying();
	return g_test_run();
}
