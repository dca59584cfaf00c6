/* Boards of 1.0 and 2.0 that an update is tried on. */
#include "support/updates.h"

static UotaTransport *connect_next(
	gpointer user_data, UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	Fixture *fixture = user_data;
	guint i = fixture->next++;
	Memory *board = i < fixture->boards->len ? g_ptr_array_index(fixture->boards, i) : NULL;

	g_assert_true(cancellable == fixture->cancellable);
	if (board)
		return memory_transport(board);
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE, "refused");
	return NULL;
}

static void on_waiting(const UotaStatus *status, gpointer user_data)
{
	Fixture *fixture = user_data;

	if (status)
		g_string_append_printf(fixture->seen, "%.1f ", status->left);
	else
		fixture->waits++;
}

static void on_restarting(gpointer user_data)
{
	((Fixture *)user_data)->restarts++;
}

static UotaManifest *one_file(void)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	g_autoptr(GBytes) content = g_bytes_new_static("x", 1);

	g_ptr_array_add(files, uota_file_from_bytes("a.py", content));
	return uota_manifest_new("2", files);
}

static void free_board(gpointer board)
{
	if (board)
		memory_free(board);
}

void setup(Fixture *fixture, gconstpointer data)
{
	fixture->boards = g_ptr_array_new_with_free_func(free_board);
	fixture->before = OLD;
	fixture->words = "";
	fixture->seen = g_string_new(NULL);
	fixture->cancellable = g_cancellable_new();
	fixture->manifest = one_file();
	fixture->known.protocol = 1;
	fixture->target = (UotaTarget){
		.connect = connect_next,
		.connect_data = fixture,
		.known = &fixture->known,
		.timeout_ms = MEMORY_TIMEOUT_MS,
		.cancellable = fixture->cancellable,
	};
	fixture->options = (UotaUpdateOptions){
		.kind = UOTA_PUSH_COMPLETE,
		.follow = {.wait = UOTA_WAIT_VERDICT,
			.return_ms = RETURN_MS,
			.network_ms = RETURN_MS,
			.waiting = on_waiting,
			.user_data = fixture},
		.restarting = on_restarting,
		.user_data = fixture,
	};
}

void teardown(Fixture *fixture, gconstpointer data)
{
	g_clear_error(&fixture->error);
	uota_update_result_clear(&fixture->result);
	g_string_free(fixture->seen, TRUE);
	uota_manifest_free(fixture->manifest);
	g_object_unref(fixture->cancellable);
	g_ptr_array_unref(fixture->boards);
}

Memory *next_board(Fixture *fixture)
{
	Memory *board = memory_new();

	g_ptr_array_add(fixture->boards, board);
	if (fixture->target.proof.credentials.password) {
		memory_expect(board, PASSWORD "\n");
		memory_say(board, "ok\n");
	}
	return board;
}

void refuse_next(Fixture *fixture)
{
	g_ptr_array_add(fixture->boards, NULL);
}

void expect_update(const Fixture *fixture, Memory *board)
{
	const UotaManifest *manifest = fixture->manifest;
	const UotaFile *file = g_ptr_array_index(manifest->files, 0);
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);
	gsize size = g_bytes_get_size(json);
	g_autofree char *hex = uota_sha256_hex(file->sha256);
	g_autofree char *header = g_strdup_printf("manifest %" G_GSIZE_FORMAT "\n", size);
	g_autofree char *body = g_strdup_printf("file a.py;1;%s\nx", hex);

	memory_expect(board, "start_ota");
	memory_expect(board, fixture->words);
	memory_expect(board, "\n");
	memory_say(board, "ready\n");
	memory_expect(board, header);
	memory_expect_bytes(board, g_bytes_get_data(json, NULL), size);
	memory_say(board, "ok\n");
	memory_expect(board, body);
	memory_say(board, "ok\n");
	memory_expect(board, "end_ota\n");
}

Memory *greet_push(Fixture *fixture)
{
	Memory *board = next_board(fixture);

	memory_expect(board, "version\n");
	memory_say(board, fixture->before);
	return board;
}

void take_push(Fixture *fixture, const char *answer)
{
	Memory *board = greet_push(fixture);

	expect_update(fixture, board);
	memory_say(board, answer);
	memory_close(board);
}

Memory *tell(Fixture *fixture, const char *answer)
{
	Memory *board = next_board(fixture);

	memory_expect(board, "version\n");
	memory_say(board, answer);
	return board;
}

Memory *tell_version(Fixture *fixture, const char *version)
{
	g_autofree char *answer = g_strdup_printf("{\"version\":\"%s\"}\n", version);

	return tell(fixture, answer);
}

void tell_trial(Fixture *fixture, const char *more)
{
	g_autofree char *id = uota_push_id(fixture->manifest);
	g_autofree char *answer =
		g_strdup_printf(NEW_WITH("\"state\":\"trial\",\"id\":\"%s\",%s"), id, more);

	tell(fixture, answer);
}

Memory *tell_failure(Fixture *fixture)
{
	g_autofree char *id = uota_push_id(fixture->manifest);
	g_autofree char *answer = g_strdup_printf(
		"{\"version\":\"1\",\"agent\":\"2.0.0\",\"state\":\"rolled back\",\"id\":\"%s\","
		"\"from\":\"2\",\"why\":\"ImportError: \\u001b[2J\"}\n",
		id);

	return tell(fixture, answer);
}

void tell_crash(Memory *board, const char *answer)
{
	memory_expect(board, "crash\n");
	memory_say(board, answer);
}

void tell_manifest(Memory *board, const char *json)
{
	g_autofree char *answer = g_strdup_printf("%zu\n%s", strlen(json), json);

	memory_expect(board, "get /ota_manifest.json\n");
	memory_say(board, answer);
}

gboolean update(Fixture *fixture)
{
	return uota_update(&fixture->target, fixture->manifest, &fixture->options, &fixture->result,
		&fixture->error);
}

void assert_updates(Fixture *fixture, UotaOutcome outcome, guint connections)
{
	gboolean ok = update(fixture);

	g_assert_no_error(fixture->error);
	g_assert_true(ok);
	g_assert_cmpint(fixture->result.verdict.outcome, ==, outcome);
	g_assert_cmpint(fixture->result.used, ==, UOTA_PUSH_COMPLETE);
	g_assert_cmpuint(fixture->next, ==, connections);
}

void assert_update_fails(Fixture *fixture, int code, const char *part)
{
	g_assert_false(update(fixture));
	assert_error(fixture->error, code, part);
}

char *installed(const UotaManifest *manifest)
{
	g_autoptr(GBytes) json = uota_manifest_to_json(manifest);

	return g_strndup(g_bytes_get_data(json, NULL), g_bytes_get_size(json));
}
