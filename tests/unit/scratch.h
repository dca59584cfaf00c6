/* A scratch folder for a test: files are written below it, and all of it goes with the test. */
#pragma once

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	char *dir;
} Scratch;

static inline void scratch_setup(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	scratch->dir = g_dir_make_tmp("uota-XXXXXX", &error);
	g_assert_no_error(error);
}

static inline void scratch_remove(const char *path)
{
	g_autoptr(GDir) dir = NULL;
	const char *name;

	if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
		(void)g_chmod(path, 0700);
		dir = g_dir_open(path, 0, NULL);
	}
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		scratch_remove(below);
	}
	g_assert_cmpint(g_remove(path), ==, 0);
}

static inline void scratch_teardown(Scratch *scratch, gconstpointer data)
{
	scratch_remove(scratch->dir);
	g_free(scratch->dir);
}

static inline char *scratch_path(const Scratch *scratch, const char *name)
{
	return g_build_filename(scratch->dir, name, NULL);
}

static inline void scratch_mkdir(const Scratch *scratch, const char *name)
{
	g_autofree char *path = scratch_path(scratch, name);

	g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
}

static inline void scratch_write(const Scratch *scratch, const char *name, const char *text)
{
	g_autofree char *path = scratch_path(scratch, name);
	g_autofree char *dir = g_path_get_dirname(path);
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
	(void)g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
}

static inline char *scratch_read(const Scratch *scratch, const char *name)
{
	g_autofree char *path = scratch_path(scratch, name);
	g_autoptr(GError) error = NULL;
	char *text = NULL;

	(void)g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	return text;
}

static inline gboolean scratch_has(const Scratch *scratch, const char *name)
{
	g_autofree char *path = scratch_path(scratch, name);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static inline void scratch_chmod(const Scratch *scratch, const char *name, int mode)
{
	g_autofree char *path = scratch_path(scratch, name);

	g_assert_cmpint(g_chmod(path, mode), ==, 0);
}

#define SCRATCH_TEST(path, function)                                                               \
	g_test_add(path, Scratch, NULL, scratch_setup, function, scratch_teardown)
