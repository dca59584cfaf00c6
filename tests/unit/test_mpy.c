/* What is compiled, into what, and what a broken source says; with a stand-in for mpy-cross. */
#include "core/mpy.h"

#include "scratch.h"
#include "support/errors.h"

/* Makes `M`, a version (6, or that of -b), the name of -s and its input; counts its runs. */
#define COMPILER                                                                                   \
	"#!/bin/sh\n"                                                                              \
	"echo run >>\"$0.runs\"\n"                                                                 \
	"if grep -q broken \"$5\"; then\n"                                                         \
	"  printf 'Traceback (most recent call last):\\n  File \"%s\", line 7\\n' \"$5\" >&2\n"    \
	"  echo 'SyntaxError: invalid syntax' >&2; exit 1\n"                                       \
	"fi\n"                                                                                     \
	"[ \"$6\" != -b ] || [ \"$7\" != 9 ] || exit 1\n"                                          \
	"{ printf \"M\\\\00${7:-6}01 %s \" \"$2\"; cat \"$5\"; } >\"$4\"\n"

typedef struct {
	Scratch scratch;
	GPtrArray *files;
	char *globs[3];
	char *path; /* the variable */
	GError *error;
} Fixture;

static void setup(Fixture *fixture, gconstpointer data)
{
	g_autofree char *folder = NULL;

	scratch_setup(&fixture->scratch, NULL);
	folder = scratch_path(&fixture->scratch, "bin");
	fixture->path = g_strdup(g_getenv("PATH"));
	fixture->files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	fixture->globs[0] = g_strdup("lib/**");
	scratch_write(&fixture->scratch, "bin/mpy-cross", COMPILER);
	scratch_chmod(&fixture->scratch, "bin/mpy-cross", 0700);
	{
		g_autofree char *both = g_strconcat(folder, ":", fixture->path, NULL);

		g_assert_true(g_setenv("PATH", both, TRUE));
	}
}

static void teardown(Fixture *fixture, gconstpointer data)
{
	g_assert_true(g_setenv("PATH", fixture->path, TRUE));
	g_free(fixture->path);
	g_free(fixture->globs[0]);
	g_free(fixture->globs[1]);
	g_ptr_array_unref(fixture->files);
	g_clear_error(&fixture->error);
	scratch_teardown(&fixture->scratch, NULL);
}

static void add(Fixture *fixture, const char *path, const char *text)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

	g_ptr_array_add(fixture->files, uota_file_from_bytes(path, bytes));
}

static UotaManifest *compile(Fixture *fixture, int bytecode, gboolean *absent)
{
	g_autoptr(UotaManifest) manifest = uota_manifest_new("1", fixture->files);

	return uota_mpy_compile(manifest, fixture->globs, bytecode, absent, NULL, &fixture->error);
}

static UotaManifest *compile_well(Fixture *fixture)
{
	gboolean absent;
	UotaManifest *made = compile(fixture, 6, &absent);

	g_assert_no_error(fixture->error);
	g_assert_false(absent);
	return made;
}

static guint count_runs(const Fixture *fixture)
{
	g_autofree char *text = scratch_read(&fixture->scratch, "bin/mpy-cross.runs");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	return g_strv_length(lines) - 1;
}

static void matched_sources_become_bytecode_under_the_boards_path(
	Fixture *fixture, gconstpointer data)
{
	g_autoptr(UotaManifest) made = NULL;
	const UotaFile *file;
	g_autofree char *text = NULL;

	add(fixture, "app/a.py", "app");
	add(fixture, "lib/x.py", "source");
	made = compile_well(fixture);
	g_assert_nonnull(uota_manifest_lookup(made, "app/a.py"));
	g_assert_null(uota_manifest_lookup(made, "lib/x.py"));
	file = uota_manifest_lookup(made, "lib/x.mpy");
	g_assert_nonnull(file);
	text = g_strndup(g_bytes_get_data(file->content, NULL), file->size);
	g_assert_cmpstr(text, ==, "M\00601 /lib/x.py source");
}

static void what_boots_a_board_stays_source(Fixture *fixture, gconstpointer data)
{
	g_autoptr(UotaManifest) made = NULL;

	fixture->globs[1] = g_strdup("**");
	add(fixture, "boot.py", "boot");
	add(fixture, "lib/uota/boot_guard.py", "guard");
	add(fixture, "lib/uota/loop.py", "loop");
	add(fixture, "main.py", "main");
	made = compile_well(fixture);
	g_assert_nonnull(uota_manifest_lookup(made, "boot.py"));
	g_assert_nonnull(uota_manifest_lookup(made, "lib/uota/boot_guard.py"));
	g_assert_nonnull(uota_manifest_lookup(made, "lib/uota/loop.mpy"));
	g_assert_nonnull(uota_manifest_lookup(made, "main.py"));
}

static void the_same_is_compiled_once(Fixture *fixture, gconstpointer data)
{
	g_autoptr(UotaManifest) one = NULL;
	g_autoptr(UotaManifest) two = NULL;

	add(fixture, "lib/once1.py", "1");
	add(fixture, "lib/once2.py", "2");
	one = compile_well(fixture);
	two = compile_well(fixture);
	g_assert_cmpuint(count_runs(fixture), ==, 2);
	g_assert_cmpmem(uota_manifest_lookup(one, "lib/once1.mpy")->sha256, UOTA_SHA256_SIZE,
		uota_manifest_lookup(two, "lib/once1.mpy")->sha256, UOTA_SHA256_SIZE);
}

static void another_version_is_compiled_anew(Fixture *fixture, gconstpointer data)
{
	g_autoptr(UotaManifest) one = NULL;
	g_autoptr(UotaManifest) two = NULL;
	gboolean absent;

	add(fixture, "lib/anew.py", "1");
	one = compile(fixture, 5, &absent);
	two = compile(fixture, 6, &absent);
	g_assert_no_error(fixture->error);
	g_assert_cmpuint(count_runs(fixture), ==, 3); /* 6, then 5 when asked for; 6 */
}

static void a_version_that_cannot_be_made_is_told(Fixture *fixture, gconstpointer data)
{
	gboolean absent;

	add(fixture, "lib/x.py", "1");
	g_assert_null(compile(fixture, 9, &absent));
	g_assert_error(fixture->error, UOTA_ERROR, UOTA_ERROR_FAILED);
	g_assert_nonnull(strstr(fixture->error->message, "version 9"));
}

static void a_broken_source_is_told_by_file_and_line(Fixture *fixture, gconstpointer data)
{
	gboolean absent;

	add(fixture, "lib/good.py", "good");
	add(fixture, "lib/x.py", "this is broken");
	g_assert_null(compile(fixture, 6, &absent));
	g_assert_error(fixture->error, UOTA_ERROR, UOTA_ERROR_FAILED);
	g_assert_cmpstr(fixture->error->message, ==, "lib/x.py:7: SyntaxError: invalid syntax");
}

static void without_a_compiler_sources_stay(Fixture *fixture, gconstpointer data)
{
	g_autoptr(UotaManifest) made = NULL;
	gboolean absent;

	g_assert_true(g_setenv("PATH", "/nonexistent", TRUE));
	add(fixture, "lib/x.py", "x");
	made = compile(fixture, 6, &absent);
	g_assert_true(absent);
	g_assert_nonnull(uota_manifest_lookup(made, "lib/x.py"));
}

static void a_board_that_loads_none_gets_sources(Fixture *fixture, gconstpointer data)
{
	g_autoptr(UotaManifest) made = NULL;
	gboolean absent;

	add(fixture, "lib/x.py", "x");
	made = compile(fixture, -1, &absent);
	g_assert_false(absent);
	g_assert_nonnull(uota_manifest_lookup(made, "lib/x.py"));
}

static void a_source_and_its_bytecode_are_one_too_many(Fixture *fixture, gconstpointer data)
{
	gboolean absent;

	add(fixture, "lib/x.mpy", "M");
	add(fixture, "lib/x.py", "x");
	g_assert_null(compile(fixture, 6, &absent));
	g_assert_error(fixture->error, UOTA_ERROR, UOTA_ERROR_FAILED);
}

#define TEST(name, func) g_test_add("/mpy/" name, Fixture, NULL, setup, func, teardown)

int main(int argc, char **argv)
{
	Scratch cache;
	int status;

	/* a cache of its own; GLib asks for the variable once */
	scratch_setup(&cache, NULL);
	g_assert_true(g_setenv("XDG_CACHE_HOME", cache.dir, TRUE));
	g_test_init(&argc, &argv, NULL);
	TEST("matched-sources-become-bytecode-under-the-boards-path",
		matched_sources_become_bytecode_under_the_boards_path);
	TEST("what-boots-a-board-stays-source", what_boots_a_board_stays_source);
	TEST("the-same-is-compiled-once", the_same_is_compiled_once);
	TEST("another-version-is-compiled-anew", another_version_is_compiled_anew);
	TEST("a-version-that-cannot-be-made-is-told", a_version_that_cannot_be_made_is_told);
	TEST("a-broken-source-is-told-by-file-and-line", a_broken_source_is_told_by_file_and_line);
	TEST("without-a-compiler-sources-stay", without_a_compiler_sources_stay);
	TEST("a-board-that-loads-none-gets-sources", a_board_that_loads_none_gets_sources);
	TEST("a-source-and-its-bytecode-are-one-too-many",
		a_source_and_its_bytecode_are_one_too_many);
	status = g_test_run();
	scratch_teardown(&cache, NULL);
	return status;
}
