/* The file set: the walk, what is read, and what never leaves the computer. */
#include "core/fileset.h"

#include <errno.h>

#include "scratch.h"
#include "support/errors.h"

static UotaConfig *config_of(const char *text)
{
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	UotaConfig *config = uota_config_parse(
		text, strlen(text), "ota.json", NULL, 0, "secrets", warnings, &error);

	g_assert_no_error(error);
	return config;
}

static GPtrArray *collect(
	const Scratch *scratch, const char *config_text, UotaScope scope, GError **error)
{
	g_autoptr(UotaConfig) config = config_of(config_text);

	return uota_fileset_collect(scratch->dir, config, scope, NULL, error);
}

/* Asserts that the set has the paths of @expected, parted by spaces, in that order. */
static void has_files(
	const Scratch *scratch, const char *config_text, UotaScope scope, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) files = collect(scratch, config_text, scope, &error);
	g_autoptr(GString) paths = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < files->len; i++)
		g_string_append_printf(
			paths, "%s%s", i ? " " : "", ((UotaFile *)files->pdata[i])->path);
	g_assert_cmpstr(paths->str, ==, expected);
}

static void refuse_full(
	const Scratch *scratch, const char *config_text, const char *where, const char *why)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(collect(scratch, config_text, UOTA_SCOPE_FULL, &error));
	ASSERT_SAYS(&error, where, why);
}

static void write_project(const Scratch *scratch)
{
	scratch_write(scratch, "config/ota.json", "{}");
	scratch_write(scratch, "app/app.py", "def run():\n    pass\n");
	scratch_write(scratch, "app/b/c.py", "");
	scratch_write(scratch, "main.py", "import uota\n");
	scratch_write(scratch, "lib/x.py", "x = 1\n");
	scratch_write(scratch, "README.md", "hello\n");
}

static void link_to(const Scratch *scratch, const char *target, const char *name)
{
	g_autofree char *path = scratch_path(scratch, name);

	g_assert_cmpint(symlink(target, path), ==, 0);
}

static void fast_and_full_differ(Scratch *scratch, gconstpointer data)
{
	write_project(scratch);
	has_files(scratch, "{}", UOTA_SCOPE_FAST, "app/app.py app/b/c.py config/ota.json main.py");
	has_files(scratch, "{}", UOTA_SCOPE_FULL,
		"README.md app/app.py app/b/c.py config/ota.json lib/x.py main.py");
	has_files(scratch, "{\"fullOtaFiles\": [\"lib\"]}", UOTA_SCOPE_FULL,
		"app/app.py app/b/c.py config/ota.json lib/x.py main.py");
}

static void excludes_come_first(Scratch *scratch, gconstpointer data)
{
	write_project(scratch);
	scratch_write(scratch, ".git/HEAD", "ref");
	scratch_write(scratch, "dist/old.zip", "");
	has_files(scratch, "{\"excludedFiles\": [\"app/b\", \"*.md\", \"dist/**\"]}",
		UOTA_SCOPE_FULL, "app/app.py config/ota.json lib/x.py main.py");
	has_files(scratch,
		"{\"excludedFiles\": [\"main.py\"], \"fastOtaFiles\": [\"main.py\", "
		"\"lib\"]}",
		UOTA_SCOPE_FAST, "config/ota.json lib/x.py");
}

static void the_order_is_that_of_code_points(Scratch *scratch, gconstpointer data)
{
	scratch_write(scratch, "a/b", "");
	scratch_write(scratch, "a-b", "");
	scratch_write(scratch, "a.b", "");
	scratch_write(scratch, "B", "");
	scratch_write(scratch, "é", "");
	scratch_write(scratch, "\U0001f600", "");
	scratch_write(scratch, "\uff21", "");
	has_files(scratch, "{}", UOTA_SCOPE_FULL,
		"B a-b a.b a/b config/ota.json é \uff21 \U0001f600");
}

static void some_files_never_leave(Scratch *scratch, gconstpointer data)
{
	static const char *const never[] = {"config/.ota.secrets.json", ".git/config",
		"app/.git/config", "__pycache__/a.pyc", "app/__pycache__/b.pyc", ".uota_cache.json",
		"app/.uota_cache.json", "config/.ota.secrets.json~", "config/.ota.secrets.json.bak",
		"config/..ota.secrets.json.swp", "config/.#.ota.secrets.json", "app/sub/.git"};

	write_project(scratch);
	for (gsize i = 0; i < G_N_ELEMENTS(never); i++)
		scratch_write(scratch, never[i], "hunter2");
	has_files(scratch,
		"{\"excludedFiles\": [], \"fastOtaFiles\": [\"**\", \"config/.ota.secrets.json\", "
		"\".git\"]}",
		UOTA_SCOPE_FAST,
		"README.md app/app.py app/b/c.py config/ota.json lib/x.py main.py");
}

static void hidden_files_are_ordinary(Scratch *scratch, gconstpointer data)
{
	scratch_write(scratch, ".env", "");
	scratch_write(scratch, "app/.x/y", "");
	has_files(scratch, "{}", UOTA_SCOPE_FULL, ".env app/.x/y config/ota.json");
}

static void the_config_is_always_in_it(Scratch *scratch, gconstpointer data)
{
	write_project(scratch);
	has_files(scratch, "{\"fastOtaFiles\": [\"main.py\"]}", UOTA_SCOPE_FAST,
		"config/ota.json main.py");
	has_files(scratch,
		"{\"fastOtaFiles\": [\"main.py\"], \"excludedFiles\": [\"config/ota.json\"]}",
		UOTA_SCOPE_FAST, "main.py");
	has_files(
		scratch, "{\"fastOtaFiles\": [\"config/**\"]}", UOTA_SCOPE_FAST, "config/ota.json");
}

static void the_config_is_made_for_the_board(Scratch *scratch, gconstpointer data)
{
	const char *expected = "{\n    \"version\": \"9\"\n}\n";
	g_autoptr(GPtrArray) files = NULL;
	g_autoptr(GError) error = NULL;
	const UotaFile *file;
	guint8 digest[UOTA_SHA256_SIZE];

	scratch_write(scratch, "config/ota.json", "{\"other\": true}");
	files = collect(scratch, "{\"version\":\"9\"}", UOTA_SCOPE_FULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(files->len, ==, 1);
	file = files->pdata[0];
	g_assert_null(file->source);
	g_assert_cmpmem(
		g_bytes_get_data(file->content, NULL), file->size, expected, strlen(expected));
	uota_sha256(expected, strlen(expected), digest);
	g_assert_true(uota_sha256_equal(digest, file->sha256));
}

static void files_are_hashed(Scratch *scratch, gconstpointer data)
{
	g_autofree char *big = g_strnfill(300001, 'x');
	g_autoptr(GPtrArray) files = NULL;
	g_autoptr(GError) error = NULL;
	guint8 digest[UOTA_SHA256_SIZE];
	const UotaFile *file;

	scratch_write(scratch, "a", big);
	scratch_write(scratch, "b", "");
	files = collect(scratch, "{\"fastOtaFiles\": [\"?\"]}", UOTA_SCOPE_FAST, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(files->len, ==, 3);
	file = files->pdata[0];
	g_assert_cmpuint(file->size, ==, 300001);
	uota_sha256(big, 300001, digest);
	g_assert_true(uota_sha256_equal(digest, file->sha256));
	file = files->pdata[1];
	g_assert_cmpuint(file->size, ==, 0);
	uota_sha256("", 0, digest);
	g_assert_true(uota_sha256_equal(digest, file->sha256));
}

static void a_scope_without_files_is_an_error(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	write_project(scratch);
	g_assert_null(collect(scratch, "{\"fastOtaFiles\": [\"ap/**\"]}", UOTA_SCOPE_FAST, &error));
	ASSERT_SAYS(&error, "config/ota.json: fastOtaFiles: ", "excludedFiles");
	g_assert_null(collect(scratch, "{\"fastOtaFiles\": []}", UOTA_SCOPE_FAST, &error));
	ASSERT_SAYS(&error, "fastOtaFiles: ");
	refuse_full(scratch, "{\"excludedFiles\": [\"**\"]}", "fastOtaFiles and fullOtaFiles", "");
}

static void a_missing_project_is_an_error(Scratch *scratch, gconstpointer data)
{
	Scratch gone = {.dir = scratch_path(scratch, "gone")};

	refuse_full(&gone, "{}", gone.dir, "not found");
	g_free(gone.dir);
}

static void links_inside_are_followed(Scratch *scratch, gconstpointer data)
{
	write_project(scratch);
	scratch_write(scratch, "shared/util.py", "");
	link_to(scratch, "../main.py", "app/again.py");
	link_to(scratch, "../shared", "app/shared");
	has_files(scratch, "{}", UOTA_SCOPE_FAST,
		"app/again.py app/app.py app/b/c.py app/shared/util.py config/ota.json main.py");
}

static void a_linked_project_is_one(Scratch *scratch, gconstpointer data)
{
	Scratch linked = {.dir = scratch_path(scratch, "link")};

	scratch_write(scratch, "real/config/ota.json", "{}");
	scratch_write(scratch, "real/main.py", "");
	link_to(scratch, "real", "link");
	has_files(&linked, "{}", UOTA_SCOPE_FULL, "config/ota.json main.py");
	g_free(linked.dir);
}

static void links_out_of_the_project_are_refused(Scratch *scratch, gconstpointer data)
{
	Scratch project = {.dir = scratch_path(scratch, "project")};
	const char *why = "out of the project";

	scratch_write(scratch, "project-secrets/id", "hunter2");
	write_project(&project);
	link_to(&project, "/etc/passwd", "app/users.txt");
	refuse_full(&project, "{}", "app/users.txt: ", why);
	has_files(&project, "{\"excludedFiles\": [\"app/users.txt\"]}", UOTA_SCOPE_FAST,
		"app/app.py app/b/c.py config/ota.json main.py");
	has_files(&project, "{\"fastOtaFiles\": [\"main.py\"]}", UOTA_SCOPE_FAST,
		"config/ota.json main.py");
	link_to(&project, "/etc", "app/etc");
	refuse_full(&project, "{\"excludedFiles\": [\"**/*.txt\"]}", "app/etc: ", why);
	link_to(&project, "../project-secrets", "data");
	refuse_full(&project, "{\"excludedFiles\": [\"app\"]}", "data: ", why);
	link_to(&project, "..", "up");
	refuse_full(&project, "{\"excludedFiles\": [\"app\", \"data\"]}", "up: ", why);
	g_free(project.dir);
}

static void links_to_secrets_are_refused(Scratch *scratch, gconstpointer data)
{
	g_autofree char *secrets = scratch_path(scratch, UOTA_SECRETS_PATH);
	g_autofree char *hard = scratch_path(scratch, "lib/hard.json");

	write_project(scratch);
	scratch_write(scratch, UOTA_SECRETS_PATH, "{}");
	scratch_write(scratch, ".git/config", "");
	link_to(scratch, "../config/.ota.secrets.json", "app/keys.json");
	refuse_full(scratch, "{}", "app/keys.json: ", "never pushed");
	link_to(scratch, "../.git", "lib/g");
	refuse_full(scratch, "{\"excludedFiles\": [\"app\"]}", "lib/g: ", "never pushed");
	g_assert_cmpint(link(secrets, hard), ==, 0);
	refuse_full(scratch, "{\"excludedFiles\": [\"app\", \"lib/g\"]}",
		"lib/hard.json: ", "never pushed");
}

static void dangling_links_are_refused(Scratch *scratch, gconstpointer data)
{
	write_project(scratch);
	link_to(scratch, "gone.py", "app/x.py");
	refuse_full(scratch, "{}", "app/x.py: ", "leads nowhere");
	link_to(scratch, "self", "lib/self");
	refuse_full(scratch, "{\"excludedFiles\": [\"app\"]}", "lib/self: ", "leads nowhere");
}

static void circles_of_links_end(Scratch *scratch, gconstpointer data)
{
	write_project(scratch);
	link_to(scratch, ".", "app/me");
	refuse_full(scratch, "{}", "app/me: ", "back to a folder");
	has_files(scratch, "{\"excludedFiles\": [\"app/me\"]}", UOTA_SCOPE_FAST,
		"app/app.py app/b/c.py config/ota.json main.py");
	scratch_write(scratch, "p/x", "");
	scratch_write(scratch, "q/y", "");
	link_to(scratch, "../q", "p/q");
	link_to(scratch, "../p", "q/p");
	refuse_full(scratch, "{\"excludedFiles\": [\"app\"]}", "p/q/p: ", "back to a folder");
}

static void links_that_multiply_end(Scratch *scratch, gconstpointer data)
{
	for (int i = 0; i < 40; i++) {
		g_autofree char *dir = g_strdup_printf("d%d", i);
		g_autofree char *a = g_strdup_printf("d%d/a", i);
		g_autofree char *b = g_strdup_printf("d%d/b", i);
		g_autofree char *next = g_strdup_printf("../d%d", i + 1);

		scratch_mkdir(scratch, dir);
		link_to(scratch, next, a);
		link_to(scratch, next, b);
	}
	scratch_mkdir(scratch, "d40");
	refuse_full(scratch, "{}", "more than 65536 folders", "excludedFiles");
}

static void special_files_are_refused(Scratch *scratch, gconstpointer data)
{
	g_autofree char *fifo = scratch_path(scratch, "app/pipe");

	write_project(scratch);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	refuse_full(scratch, "{}", "app/pipe: ", "not a regular file");
	has_files(scratch, "{\"fastOtaFiles\": [\"*/*.py\"]}", UOTA_SCOPE_FAST,
		"app/app.py config/ota.json lib/x.py");
}

static void names_that_no_board_holds_are_refused(Scratch *scratch, gconstpointer data)
{
	g_autofree char *name = g_strnfill(200, 'n');
	g_autofree char *deep = g_strdup_printf("z/%s/%s", name, name);

	write_project(scratch);
	scratch_write(scratch, deep, "");
	refuse_full(scratch, "{}", "z/nnn", "longer than the 255 bytes");
	scratch_write(scratch, "b\n\033[31m", "");
	refuse_full(scratch, "{}", "b\\x0a\\x1b[31m: ", "control character");
	scratch_write(scratch, "a:b", "");
	refuse_full(scratch, "{}", "a:b: ", "\":\"");
	scratch_write(scratch, "a\xff", "");
	refuse_full(scratch, "{\"excludedFiles\": [\"a:b\"]}", "a\\xff: ", "not UTF-8");
	has_files(scratch, "{\"excludedFiles\": [\"a?*\", \"b*\", \"z\"]}", UOTA_SCOPE_FAST,
		"config/ota.json main.py");
}

static void names_of_the_agent_are_refused(Scratch *scratch, gconstpointer data)
{
	scratch_write(scratch, "ota_stage/x", "");
	refuse_full(scratch, "{}", "ota_stage/x: ", "agent's own");
}

static void unreadable_files_are_refused(Scratch *scratch, gconstpointer data)
{
	if (geteuid() == 0) {
		g_test_skip("root reads everything");
		return;
	}
	write_project(scratch);
	scratch_chmod(scratch, "lib/x.py", 0);
	refuse_full(scratch, "{}", "lib/x.py: ", "no permission");
	scratch_chmod(scratch, "lib", 0);
	refuse_full(scratch, "{}", "lib: ", "cannot be read");
	has_files(scratch, "{\"excludedFiles\": [\"lib/**\", \"README.md\"]}", UOTA_SCOPE_FULL,
		"app/app.py app/b/c.py config/ota.json main.py");
	has_files(scratch, "{}", UOTA_SCOPE_FAST, "app/app.py app/b/c.py config/ota.json main.py");
}

static void collecting_can_be_cancelled(Scratch *scratch, gconstpointer data)
{
	g_autoptr(UotaConfig) config = config_of("{}");
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;

	write_project(scratch);
	g_cancellable_cancel(cancellable);
	g_assert_null(
		uota_fileset_collect(scratch->dir, config, UOTA_SCOPE_FULL, cancellable, &error));
	g_assert_error(error, UOTA_ERROR, UOTA_ERROR_CANCELLED);
}

static gboolean append(const guint8 *bytes, gsize len, gpointer user_data, GError **error)
{
	g_assert_cmpuint(len, <=, 64 * 1024);
	g_byte_array_append(user_data, bytes, (guint)len);
	return TRUE;
}

static void files_are_read_in_pieces(Scratch *scratch, gconstpointer data)
{
	g_autofree char *big = g_strnfill(200000, 'x');
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autoptr(GPtrArray) files = NULL;
	g_autoptr(GError) error = NULL;

	scratch_write(scratch, "a", big);
	files = collect(scratch, "{}", UOTA_SCOPE_FULL, &error);
	g_assert_no_error(error);
	g_assert_true(uota_file_read(files->pdata[0], append, out, NULL, &error));
	g_assert_cmpmem(out->data, out->len, big, 200000);
	g_byte_array_set_size(out, 0);
	g_assert_true(uota_file_read(files->pdata[1], append, out, NULL, &error));
	g_assert_cmpmem(out->data, out->len, "{}\n", 3);
}

static void made_content_is_read_in_pieces(void)
{
	g_autofree char *big = g_strnfill(200000, 'x');
	g_autoptr(GBytes) bytes = g_bytes_new_static(big, 200000);
	g_autoptr(UotaFile) file = uota_file_from_bytes("x", bytes);
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autoptr(GError) error = NULL;

	g_assert_true(uota_file_read(file, append, out, NULL, &error));
	g_assert_cmpmem(out->data, out->len, big, 200000);
}

static void a_file_that_changes_is_an_error(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autoptr(GPtrArray) files = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *path = scratch_path(scratch, "a");

	scratch_write(scratch, "a", "12345");
	files = collect(scratch, "{}", UOTA_SCOPE_FULL, &error);
	g_assert_no_error(error);
	scratch_write(scratch, "a", "123456");
	g_assert_false(uota_file_read(files->pdata[0], append, out, NULL, &error));
	ASSERT_SAYS(&error, "a: changed");
	g_assert_cmpuint(out->len, <=, 5);
	scratch_write(scratch, "a", "1234");
	g_assert_false(uota_file_read(files->pdata[0], append, out, NULL, &error));
	ASSERT_SAYS(&error, "a: changed");
	g_assert_cmpint(g_remove(path), ==, 0);
	g_assert_cmpint(symlink("/etc/passwd", path), ==, 0);
	g_assert_false(uota_file_read(files->pdata[0], append, out, NULL, &error));
	ASSERT_SAYS(&error, "a: ");
}

static void files_larger_than_a_board_are_refused(Scratch *scratch, gconstpointer data)
{
	g_autofree char *path = scratch_path(scratch, "huge");

	scratch_write(scratch, "huge", "");
	if (truncate(path, G_GINT64_CONSTANT(1) << 31) != 0) {
		g_test_skip("no sparse files here");
		return;
	}
	refuse_full(scratch, "{}", "huge: ", "larger than 2 GiB");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	SCRATCH_TEST("/fileset/fast-and-full-differ", fast_and_full_differ);
	SCRATCH_TEST("/fileset/excludes-come-first", excludes_come_first);
	SCRATCH_TEST("/fileset/the-order-is-that-of-code-points", the_order_is_that_of_code_points);
	SCRATCH_TEST("/fileset/some-files-never-leave", some_files_never_leave);
	SCRATCH_TEST("/fileset/hidden-files-are-ordinary", hidden_files_are_ordinary);
	SCRATCH_TEST("/fileset/the-config-is-always-in-it", the_config_is_always_in_it);
	SCRATCH_TEST("/fileset/the-config-is-made-for-the-board", the_config_is_made_for_the_board);
	SCRATCH_TEST("/fileset/files-are-hashed", files_are_hashed);
	SCRATCH_TEST(
		"/fileset/a-scope-without-files-is-an-error", a_scope_without_files_is_an_error);
	SCRATCH_TEST("/fileset/a-missing-project-is-an-error", a_missing_project_is_an_error);
	SCRATCH_TEST("/fileset/links-inside-are-followed", links_inside_are_followed);
	SCRATCH_TEST("/fileset/a-linked-project-is-one", a_linked_project_is_one);
	SCRATCH_TEST("/fileset/links-out-of-the-project-are-refused",
		links_out_of_the_project_are_refused);
	SCRATCH_TEST("/fileset/links-to-secrets-are-refused", links_to_secrets_are_refused);
	SCRATCH_TEST("/fileset/dangling-links-are-refused", dangling_links_are_refused);
	SCRATCH_TEST("/fileset/circles-of-links-end", circles_of_links_end);
	SCRATCH_TEST("/fileset/links-that-multiply-end", links_that_multiply_end);
	SCRATCH_TEST("/fileset/special-files-are-refused", special_files_are_refused);
	SCRATCH_TEST("/fileset/names-that-no-board-holds-are-refused",
		names_that_no_board_holds_are_refused);
	SCRATCH_TEST("/fileset/names-of-the-agent-are-refused", names_of_the_agent_are_refused);
	SCRATCH_TEST("/fileset/unreadable-files-are-refused", unreadable_files_are_refused);
	SCRATCH_TEST("/fileset/collecting-can-be-cancelled", collecting_can_be_cancelled);
	SCRATCH_TEST("/file/read-in-pieces", files_are_read_in_pieces);
	g_test_add_func("/file/made-content-is-read-in-pieces", made_content_is_read_in_pieces);
	SCRATCH_TEST("/file/one-that-changes-is-an-error", a_file_that_changes_is_an_error);
	SCRATCH_TEST("/file/larger-than-a-board-is-refused", files_larger_than_a_board_are_refused);
	return g_test_run();
}
