/* What a board of 1.0 is asked for: its version, listings, downloads. */
#include "protocol/session.h"

#include "support/errors.h"
#include "support/memory.h"

#define KIB 1024

/* version */

static UotaStatus *ask_version(const char *answer, GError **error)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);

	memory_expect(memory, "version\n");
	memory_say(memory, answer);
	memory_close(memory);
	return uota_session_status(session, error);
}

static void assert_version(const char *answer, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaStatus) status = ask_version(answer, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(status->version, ==, expected);
	g_assert_null(status->agent);
	g_assert_cmpint(status->state, ==, UOTA_STATE_UNTOLD);
}

static void assert_version_fails(const char *answer, int code, const char *part)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaStatus) status = ask_version(answer, &error);

	g_assert_null(status);
	assert_error(error, code, part);
}

static void version_is_read(void)
{
	assert_version("{\"version\":\"1.2.3\"}\n", "1.2.3");
	assert_version("{\"version\": \"unknown\"}\r\n", "unknown");
	assert_version("{\"time\": 7, \"version\": \"ä\"}\n", "ä");
}

static void strange_version_is_refused(void)
{
	assert_version_fails("{\"version\":1}\n", UOTA_ERROR_FAILED, "no uota board");
	assert_version_fails("{}\n", UOTA_ERROR_FAILED, "no uota board");
	assert_version_fails("[]\n", UOTA_ERROR_FAILED, "no uota board");
	assert_version_fails("1.2.3\n", UOTA_ERROR_FAILED, "no uota board");
	assert_version_fails("{\"version\":\"1\",\"version\":\"2\"}\n", UOTA_ERROR_FAILED, "");
	assert_version_fails("unknown\n", UOTA_ERROR_UNKNOWN, "");
	assert_version_fails("denied\n", UOTA_ERROR_REFUSED, "password");
	assert_version_fails("", UOTA_ERROR_CLOSED, "closed");
}

/* ls */

static GPtrArray *list(const char *answer, gsize chop, GError **error)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);

	memory_chop(memory, chop, G_MAXSIZE);
	memory_expect(memory, "ls /app\n");
	memory_say(memory, answer);
	memory_close(memory);
	return uota_session_ls(session, "/app", error);
}

static void assert_entries(const char *answer, const char *const *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) entries = list(answer, 3, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(entries->len, ==, g_strv_length((char **)expected));
	for (guint i = 0; i < entries->len; i++)
		g_assert_cmpstr(g_ptr_array_index(entries, i), ==, expected[i]);
}

static void folder_is_listed(void)
{
	assert_entries("app.py\nlib/\n\n", (const char *[]){"app.py", "lib/", NULL});
	assert_entries("app.py\r\nlib/\r\n\r\n", (const char *[]){"app.py", "lib/", NULL});
}

static void empty_folder_is_empty(void)
{
	assert_entries("\n", (const char *[]){NULL});
}

/* What goes to a terminal is made printable there; here the bytes are the board's. */
static void hostile_entries_are_kept_as_they_are(void)
{
	assert_entries("\x1b[2J\n../../etc/passwd\n\xff\nerror: in the middle\n\n",
		(const char *[]){
			"\x1b[2J", "../../etc/passwd", "\xff", "error: in the middle", NULL});
}

static void assert_list_fails(const char *answer, int code, const char *part)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) entries = list(answer, 1000, &error);

	g_assert_null(entries);
	assert_error(error, code, part);
}

static void missing_folder_is_an_error(void)
{
	assert_list_fails("error: [Errno 2] ENOENT\n", UOTA_ERROR_FAILED, "ENOENT");
	assert_list_fails("denied\n", UOTA_ERROR_REFUSED, "password");
	assert_list_fails("unknown\n", UOTA_ERROR_UNKNOWN, "");
}

static void cut_list_is_an_error(void)
{
	assert_list_fails("app.py\nlib/\n", UOTA_ERROR_CLOSED, "closed");
	assert_list_fails("", UOTA_ERROR_CLOSED, "closed");
}

static void assert_gives_up(const char *entry, guint count)
{
	g_autoptr(GString) endless = g_string_new(NULL);

	for (guint i = 0; i < count; i++)
		g_string_append_printf(endless, "%s\n", entry);
	assert_list_fails(endless->str, UOTA_ERROR_FAILED, "gave up");
}

/* Neither many entries nor long ones: a folder of a board is a few KiB. */
static void endless_list_is_given_up(void)
{
	g_autofree char *long_entry = g_strnfill(4000, 'x');

	assert_gives_up("x", 600000);
	assert_gives_up(long_entry, 5000);
}

/* get */

/* A file of @size bytes, none of which is like its neighbours. Returns: (transfer full) */
static guint8 *make_file(gsize size)
{
	guint8 *data = g_malloc(size + 1);

	for (gsize i = 0; i < size; i++)
		data[i] = (guint8)(i * 7 + i / 251);
	return data;
}

static void assert_download(gsize size, gsize chop)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(GByteArray) answer = g_byte_array_new();
	g_autofree guint8 *data = make_file(size);
	g_autofree char *header = g_strdup_printf("%" G_GSIZE_FORMAT "\r\n", size);

	memory_chop(memory, chop, G_MAXSIZE);
	memory_expect(memory, "get /data/log\n");
	g_byte_array_append(answer, (const guint8 *)header, (guint)strlen(header));
	g_byte_array_append(answer, data, (guint)size);
	memory_say_bytes(memory, answer->data, answer->len);
	memory_expect(memory, "ping\n");
	memory_say(memory, "pong\n");
	bytes = uota_session_get_bytes(session, "/data/log", size, &error);
	g_assert_no_error(error);
	g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), data, size);
	g_assert_true(uota_session_command(session, "ping", "pong", &error));
}

static void file_of_any_size_is_downloaded(void)
{
	static const gsize sizes[] = {
		0, 1, 2047, 2048, 2049, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 200001};

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		assert_download(sizes[i], 1000);
		assert_download(sizes[i], G_MAXSIZE);
	}
	assert_download(300, 1);
}

static void assert_get_fails(const char *answer, gsize max, int code, const char *part)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = NULL;

	memory_expect(memory, "get x\n");
	memory_say(memory, answer);
	memory_close(memory);
	bytes = uota_session_get_bytes(session, "x", max, &error);
	g_assert_null(bytes);
	assert_error(error, code, part);
}

static void huge_file_that_never_comes_is_an_error(void)
{
	assert_get_fails("4294967295\n", 100, UOTA_ERROR_CLOSED, "closed");
	assert_get_fails("4294967295\nabc", 100, UOTA_ERROR_CLOSED, "closed");
	assert_get_fails("4\nabc", 100, UOTA_ERROR_CLOSED, "closed");
}

static void file_over_the_limit_is_refused(void)
{
	assert_get_fails("4\nabcd", 3, UOTA_ERROR_FAILED, "more than 3 bytes");
}

static void size_that_is_none_is_refused(void)
{
	assert_get_fails("4294967296\n", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("-1\n", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("+1\na", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails(" 1\na", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("0x10\na", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("1 \na", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("\n", 100, UOTA_ERROR_FAILED, "no uota board");
	assert_get_fails("99999999999999999999999\n", 100, UOTA_ERROR_FAILED, "no uota board");
}

static void missing_file_is_an_error(void)
{
	assert_get_fails("error\n", 100, UOTA_ERROR_FAILED, "no such file");
	assert_get_fails("error: [Errno 2] ENOENT\n", 100, UOTA_ERROR_FAILED, "ENOENT");
	assert_get_fails("denied\n", 100, UOTA_ERROR_REFUSED, "password");
	assert_get_fails("unknown\n", 100, UOTA_ERROR_UNKNOWN, "");
}

static gboolean full_disk(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "disk full");
	return FALSE;
}

static void error_of_the_sink_ends_the_download(void)
{
	g_autoptr(Memory) memory = memory_new();
	g_autoptr(UotaSession) session = memory_session(memory, NULL);
	g_autoptr(GError) error = NULL;

	memory_expect(memory, "get x\n");
	memory_say(memory, "3\nabc");
	g_assert_false(uota_session_get(session, "x", full_disk, NULL, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/session/version-is-read", version_is_read);
	g_test_add_func("/session/strange-version-is-refused", strange_version_is_refused);
	g_test_add_func("/session/folder-is-listed", folder_is_listed);
	g_test_add_func("/session/empty-folder-is-empty", empty_folder_is_empty);
	g_test_add_func("/session/hostile-entries-are-kept-as-they-are",
		hostile_entries_are_kept_as_they_are);
	g_test_add_func("/session/missing-folder-is-an-error", missing_folder_is_an_error);
	g_test_add_func("/session/cut-list-is-an-error", cut_list_is_an_error);
	g_test_add_func("/session/endless-list-is-given-up", endless_list_is_given_up);
	g_test_add_func("/session/file-of-any-size-is-downloaded", file_of_any_size_is_downloaded);
	g_test_add_func("/session/huge-file-that-never-comes-is-an-error",
		huge_file_that_never_comes_is_an_error);
	g_test_add_func("/session/file-over-the-limit-is-refused", file_over_the_limit_is_refused);
	g_test_add_func("/session/size-that-is-none-is-refused", size_that_is_none_is_refused);
	g_test_add_func("/session/missing-file-is-an-error", missing_file_is_an_error);
	g_test_add_func("/session/error-of-the-sink-ends-the-download",
		error_of_the_sink_ends_the_download);
	return g_test_run();
}
