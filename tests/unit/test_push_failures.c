/* Every way that a push of 1.0 can fail. */
#include "support/pushes.h"
#include "support/vectors.h"

static void assert_push_fails(Memory *memory, UotaPushKind kind, int code, const char *part)
{
	g_autoptr(UotaManifest) manifest = two_files(NULL);
	g_autoptr(GError) error = NULL;

	g_assert_false(push(memory, manifest, kind, NULL, &error));
	assert_error(error, code, part);
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
	g_autoptr(GByteArray) stream = g_bytes_unref_to_array(bytes_from_hex(STREAM_BODY));

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
	g_autoptr(UotaSession) session = memory_session(memory, cancellable);
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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/push-failures/refusal-of-a-stream-is-told", refusal_of_a_stream_is_told);
	g_test_add_func(
		"/push-failures/refusal-of-a-session-is-told", refusal_of_a_session_is_told);
	g_test_add_func("/push-failures/refusal-at-the-end-is-told", refusal_at_the_end_is_told);
	g_test_add_func("/push-failures/unknown-session-is-no-reason-for-a-fallback",
		unknown_session_is_no_reason_for_a_fallback);
	g_test_add_func("/push-failures/reset-that-overtakes-the-answer-is-told-apart",
		reset_that_overtakes_the_answer_is_told_apart);
	g_test_add_func("/push-failures/connection-lost-before-the-end-is-a-failure",
		connection_lost_before_the_end_is_a_failure);
	SCRATCH_TEST("/push-failures/objection-ends-a-large-stream", objection_ends_a_large_stream);
	g_test_add_func("/push-failures/cancel-ends-the-push", cancel_ends_the_push);
	SCRATCH_TEST(
		"/push-failures/file-that-shrank-ends-the-push", file_that_shrank_ends_the_push);
	SCRATCH_TEST("/push-failures/file-that-grew-ends-the-push", file_that_grew_ends_the_push);
	SCRATCH_TEST("/push-failures/file-that-vanished-ends-the-push",
		file_that_vanished_ends_the_push);
	SCRATCH_TEST("/push-failures/file-that-became-a-folder-ends-the-push",
		file_that_became_a_folder_ends_the_push);
	SCRATCH_TEST("/push-failures/file-that-vanishes-in-mid-push-ends-it",
		file_that_vanishes_in_mid_push_ends_it);
	return g_test_run();
}
