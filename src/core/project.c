/* A project folder. The template is built in as a resource; data/template has its files. */
#include "core/project.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "core/config.h"
#include "core/error.h"
#include "core/io.h"
#include "core/signer.h"
#include "uota-resources.h"

#define TEMPLATE "/uota/template/"
#define GITIGNORE ".gitignore"
#define GITIGNORE_MAX (1024 * 1024) /* bytes of one that is completed */

/* In the order in which they are written: what makes a folder a project comes last, so that a
 * failure on the way leaves none behind. */
static const char *const template_files[] = {"app/app.py", "main.py", UOTA_CONFIG_PATH};

static gboolean is_project(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, UOTA_CONFIG_PATH, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static char *find_above(GError **error)
{
	g_autofree char *here = g_get_current_dir();
	g_autofree char *dir = g_strdup(here);

	while (!is_project(dir)) {
		g_autofree char *above = g_path_get_dirname(dir);

		if (strcmp(above, dir) == 0) {
			g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
				"no project here: neither %s nor a folder above it "
				"has " UOTA_CONFIG_PATH ": run `uota init`",
				here);
			return NULL;
		}
		g_free(dir);
		dir = g_steal_pointer(&above);
	}
	return g_steal_pointer(&dir);
}

char *uota_project_find(const char *dir, GError **error)
{
	if (!dir)
		return find_above(error);
	if (!g_file_test(dir, G_FILE_TEST_IS_DIR))
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s: no such folder", dir);
	else if (!is_project(dir))
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"%s: no project: it has no " UOTA_CONFIG_PATH ": run `uota init --dir %s`",
			dir, dir);
	else
		return g_canonicalize_filename(dir, NULL);
	return NULL;
}

/* Links that lead nowhere exist, too: writing would go through them or replace them. */
static gboolean exists(const char *path)
{
	GStatBuf info;

	return g_lstat(path, &info) == 0;
}

static GBytes *template_file(const char *name, GError **error)
{
	g_autofree char *path = g_strconcat(TEMPLATE, name, NULL);

	return g_resource_lookup_data(
		uota_get_resource(), path, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
}

static gboolean make_folder_of(const char *path, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(path);

	if (g_mkdir_with_parents(dir, 0777) == 0)
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s: cannot make the folder: %s", dir,
		g_strerror(errno));
	return FALSE;
}

/* Complete or not at all: GLib writes beside it and renames. */
static gboolean write_file(const char *dir, const char *name, const char *data, gsize len, int mode,
	GPtrArray *written, GError **error)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	if (!make_folder_of(path, error) || !g_file_set_contents_full(path, data, (gssize)len,
						    G_FILE_SET_CONTENTS_CONSISTENT, mode, error))
		return FALSE;
	g_ptr_array_add(written, g_strdup(name));
	return TRUE;
}

static gboolean write_template(
	const char *dir, const char *name, GPtrArray *written, GError **error)
{
	g_autoptr(GBytes) bytes = template_file(name, error);
	gsize len = 0;
	const char *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

	return data && write_file(dir, name, data, len, 0666, written, error);
}

static gboolean has_line(char **lines, const char *wanted)
{
	for (; *lines; lines++)
		if (strcmp(g_strchomp(*lines), wanted) == 0)
			return TRUE;
	return FALSE;
}

/* @old with the lines of @ours that it lacks at its end; NULL when it lacks none. */
static char *complete_lines(const char *old, const char *ours)
{
	g_auto(GStrv) had = g_strsplit(old, "\n", -1);
	g_auto(GStrv) wanted = g_strsplit(ours, "\n", -1);
	g_autoptr(GString) text = g_string_new(old);
	gsize before;

	if (text->len && !g_str_has_suffix(text->str, "\n"))
		g_string_append_c(text, '\n');
	before = text->len;
	for (char **line = wanted; *line; line++)
		if (**line && **line != '#' && !has_line(had, *line))
			g_string_append_printf(text, "%s\n", *line);
	return text->len == before ? NULL : g_string_free(g_steal_pointer(&text), FALSE);
}

/* One that is there already is the user's: only what it lacks is added, also under force. */
static gboolean write_gitignore(const char *dir, GPtrArray *written, GError **error)
{
	g_autofree char *path = g_build_filename(dir, GITIGNORE, NULL);
	g_autoptr(GBytes) ours = template_file(GITIGNORE, error);
	g_autofree char *old = NULL;
	g_autofree char *text = NULL;
	gsize len = 0;

	if (!ours)
		return FALSE;
	if (!exists(path))
		return write_template(dir, GITIGNORE, written, error);
	old = uota_io_read_all(path, GITIGNORE, GITIGNORE_MAX, &len, NULL, error);
	if (!old)
		return FALSE;
	text = complete_lines(old, g_bytes_get_data(ours, NULL));
	return !text || write_file(dir, GITIGNORE, text, strlen(text), 0666, written, error);
}

/* Never over an existing one: boards in the field know the old key only. */
static gboolean write_secrets(const char *dir, GPtrArray *written, GError **error)
{
	g_autofree char *path = g_build_filename(dir, UOTA_SECRETS_PATH, NULL);
	guint8 random[UOTA_SHA256_SIZE + 16];
	g_autofree char *key = NULL;
	g_autofree char *password = NULL;
	g_autofree char *text = NULL;

	if (exists(path))
		return TRUE;
	if (!uota_random(random, sizeof(random), error))
		return FALSE;
	key = uota_hex(random, UOTA_SHA256_SIZE);
	password = uota_hex(random + UOTA_SHA256_SIZE, 16);
	text = g_strdup_printf(
		"{\n    \"otaPassword\": \"%s\",\n    \"signingKey\":  \"%s\"\n}\n", password, key);
	return write_file(dir, UOTA_SECRETS_PATH, text, strlen(text), 0600, written, error);
}

static gboolean check_free(const char *dir, GError **error)
{
	for (gsize i = 0; i < G_N_ELEMENTS(template_files); i++) {
		g_autofree char *path = g_build_filename(dir, template_files[i], NULL);

		if (exists(path)) {
			g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
				"%s: exists already: nothing was written; --force overwrites it",
				path);
			return FALSE;
		}
	}
	return TRUE;
}

gboolean uota_project_init(
	const char *dir, const UotaInitOptions *options, GPtrArray *written, GError **error)
{
	if (!options->force && !check_free(dir, error))
		return FALSE;
	/* before the secrets, so that no moment is theirs without it */
	if (!write_gitignore(dir, written, error))
		return FALSE;
	if (options->secrets && !write_secrets(dir, written, error))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(template_files); i++)
		if (!write_template(dir, template_files[i], written, error))
			return FALSE;
	return TRUE;
}
