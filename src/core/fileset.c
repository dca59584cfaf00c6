/* The file set of a push: a walk over the project that looks only where a glob reaches, and opens
 * nothing but regular files whose real place is inside the project. */
#include "core/fileset.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/glob.h"

#define FOLDERS_MAX 65536 /* links between folders can multiply without bound */

/* A folder on the way from the project down to what is being looked at. */
typedef struct Folder {
	const struct Folder *parent;
	const char *path; /* below the project; "" for itself */
	const char *real;
} Folder;

typedef struct {
	char *root;          /* real path of the project */
	GPtrArray *included; /* (element-type UotaGlob) */
	GPtrArray *excluded; /* the same */
	GPtrArray *files;
	guint folders;
	gboolean matched;    /* some file on disk is in the scope */
	struct stat secrets; /* of the secrets file; st_ino 0: none. See check_secrets() */
	GCancellable *cancellable;
} Walk;

typedef gboolean (*GlobTest)(const UotaGlob *glob, char **path);

static gboolean walk_folder(Walk *walk, const Folder *folder, GError **error);

static gboolean fail(GError **error, const char *path, const char *why)
{
	g_autofree char *shown = uota_path_printable(path);

	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s: %s", shown, why);
	return FALSE;
}

static gboolean any(const GPtrArray *globs, GlobTest test, char **path)
{
	for (guint i = 0; i < globs->len; i++)
		if (test(globs->pdata[i], path))
			return TRUE;
	return FALSE;
}

/* What no glob brings into a push. Editors name backups after the file: ….json~, .swp, .bak. */
static gboolean is_never(const char *name)
{
	return strcmp(name, ".git") == 0 || strcmp(name, "__pycache__") == 0 ||
	       strcmp(name, ".uota_cache.json") == 0 || strstr(name, ".ota.secrets.json");
}

static gboolean is_never_path(const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	for (char **part = parts; *part; part++)
		if (is_never(*part))
			return TRUE;
	return FALSE;
}

/* What of @real is below the root, without a slash in front; NULL when it is elsewhere. */
static const char *below_root(const Walk *walk, const char *real)
{
	gsize len = strcmp(walk->root, "/") == 0 ? 0 : strlen(walk->root);

	if (strncmp(real, walk->root, len) != 0 || (real[len] && real[len] != '/'))
		return NULL;
	return real[len] ? real + len + 1 : "";
}

static gboolean check_real(const Walk *walk, const char *path, const char *real, GError **error)
{
	const char *below = below_root(walk, real);

	if (!below)
		return fail(error, path,
			"a symbolic link out of the project: replace it by a copy, or put it into "
			"excludedFiles");
	if (is_never_path(below))
		return fail(
			error, path, "a symbolic link to what is never pushed: remove the link");
	return TRUE;
}

/* The real place of @path, which is at @full. Returns: (transfer full), or NULL */
static char *resolve(const Walk *walk, const char *path, const char *full, GError **error)
{
	g_autofree char *real = realpath(full, NULL);

	if (!real) {
		g_autofree char *shown = uota_path_printable(path);

		/* the name was just read from its folder: only a link can lead nowhere */
		uota_io_error(error, shown, errno == ENOENT ? ELOOP : errno);
		return NULL;
	}
	return check_real(walk, path, real, error) ? g_steal_pointer(&real) : NULL;
}

/* A hard link has a name of its own: only the inode tells that it is the secrets file. */
static gboolean check_secrets(
	const Walk *walk, const char *path, const struct stat *info, GError **error)
{
	if (!walk->secrets.st_ino || info->st_ino != walk->secrets.st_ino ||
		info->st_dev != walk->secrets.st_dev)
		return TRUE;
	return fail(error, path,
		"the same file as " UOTA_SECRETS_PATH ", which is never pushed: remove the link");
}

static gboolean add_file(Walk *walk, const char *path, const char *full, GError **error)
{
	g_autofree char *real = NULL;
	g_autoptr(UotaFile) file = NULL;
	g_autoptr(GError) why = NULL;
	struct stat info;

	if (!uota_path_check(path, &why))
		return fail(error, path, why->message);
	if (walk->files->len >= UOTA_FILES_MAX)
		return fail(error, path, "more than 65535 files: put some into excludedFiles");
	real = resolve(walk, path, full, error);
	if (!real)
		return FALSE;
	file = uota_file_from_disk(path, real, &info, walk->cancellable, error);
	if (!file || !check_secrets(walk, path, &info, error))
		return FALSE;
	g_ptr_array_add(walk->files, g_steal_pointer(&file));
	return TRUE;
}

static gboolean visit_folder(
	Walk *walk, const Folder *parent, const char *path, const char *full, GError **error)
{
	g_autofree char *real = resolve(walk, path, full, error);
	Folder folder = {parent, path, real};

	if (!real)
		return FALSE;
	for (const Folder *above = parent; above; above = above->parent)
		if (strcmp(above->real, real) == 0)
			return fail(error, path,
				"a symbolic link back to a folder that it is in: remove it, or put "
				"it into excludedFiles");
	return walk_folder(walk, &folder, error);
}

static gboolean visit(Walk *walk, const Folder *folder, const char *name, GError **error)
{
	g_autofree char *path =
		*folder->path ? g_strconcat(folder->path, "/", name, NULL) : g_strdup(name);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	/* not below the root: a way through more than 40 links would not resolve */
	g_autofree char *full = g_build_filename(folder->real, name, NULL);

	if (is_never(name) || any(walk->excluded, uota_glob_matches, parts))
		return TRUE;
	if (g_file_test(full, G_FILE_TEST_IS_DIR))
		return !any(walk->included, uota_glob_reaches, parts) ||
		       visit_folder(walk, folder, path, full, error);
	if (!any(walk->included, uota_glob_matches, parts))
		return TRUE;
	walk->matched = TRUE;
	/* ours is made, not read: the file on disk has no secrets in it */
	return strcmp(path, UOTA_CONFIG_PATH) == 0 || add_file(walk, path, full, error);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that what is reported first does not depend on the file system. */
static GPtrArray *list_names(const Folder *folder, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(folder->real, 0, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	if (!dir) {
		(void)fail(error, *folder->path ? folder->path : folder->real,
			"the folder cannot be read: permit it, or put it into excludedFiles");
		return NULL;
	}
	while ((name = g_dir_read_name(dir)))
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

static gboolean walk_folder(Walk *walk, const Folder *folder, GError **error)
{
	g_autoptr(GPtrArray) names = NULL;

	if (g_cancellable_is_cancelled(walk->cancellable)) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_CANCELLED, "cancelled");
		return FALSE;
	}
	if (++walk->folders > FOLDERS_MAX)
		return fail(error, folder->path,
			"more than 65536 folders: put some into excludedFiles");
	names = list_names(folder, error);
	if (!names)
		return FALSE;
	for (guint i = 0; i < names->len; i++)
		if (!visit(walk, folder, names->pdata[i], error))
			return FALSE;
	return TRUE;
}

static void add_globs(GPtrArray *globs, char **texts)
{
	for (; *texts; texts++)
		g_ptr_array_add(globs, uota_glob_new(*texts));
}

static GPtrArray *new_globs(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)uota_glob_free);
}

static void walk_init(Walk *walk, const UotaConfig *config, UotaScope scope)
{
	g_autofree char *secrets = g_build_filename(walk->root, UOTA_SECRETS_PATH, NULL);

	walk->included = new_globs();
	walk->excluded = new_globs();
	walk->files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	add_globs(walk->excluded, config->excluded_files);
	add_globs(walk->included, config->fast_ota_files);
	if (scope == UOTA_SCOPE_FULL)
		add_globs(walk->included, config->full_ota_files);
	if (g_stat(secrets, &walk->secrets) != 0)
		walk->secrets.st_ino = 0;
}

static void walk_clear(Walk *walk)
{
	g_clear_pointer(&walk->root, g_free);
	g_clear_pointer(&walk->included, g_ptr_array_unref);
	g_clear_pointer(&walk->excluded, g_ptr_array_unref);
	g_clear_pointer(&walk->files, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

static gboolean is_config_excluded(const Walk *walk)
{
	char folder[] = "config", file[] = "ota.json";
	char *parts[] = {folder, NULL, NULL};

	if (any(walk->excluded, uota_glob_matches, parts))
		return TRUE;
	parts[1] = file;
	return any(walk->excluded, uota_glob_matches, parts);
}

static void add_config(Walk *walk, const UotaConfig *config)
{
	g_autoptr(GBytes) json = NULL;

	if (is_config_excluded(walk))
		return;
	json = uota_config_device_json(config);
	g_ptr_array_add(walk->files, uota_file_from_bytes(UOTA_CONFIG_PATH, json));
}

static gint compare_files(gconstpointer a, gconstpointer b)
{
	const UotaFile *const *fa = a, *const *fb = b;

	/* the order of UTF-8 bytes is that of code points */
	return strcmp((*fa)->path, (*fb)->path);
}

static gboolean check_matched(const Walk *walk, UotaScope scope, GError **error)
{
	if (walk->matched)
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		UOTA_CONFIG_PATH ": %s: no file of the project is in it: check these patterns "
				 "and excludedFiles",
		scope == UOTA_SCOPE_FAST ? "fastOtaFiles" : "fastOtaFiles and fullOtaFiles");
	return FALSE;
}

GPtrArray *uota_fileset_collect(const char *project_dir, const UotaConfig *config, UotaScope scope,
	GCancellable *cancellable, GError **error)
{
	g_auto(Walk) walk = {.root = realpath(project_dir, NULL), .cancellable = cancellable};
	Folder top = {NULL, "", walk.root};

	if (!walk.root) {
		uota_io_error(error, project_dir, errno);
		return NULL;
	}
	walk_init(&walk, config, scope);
	if (!walk_folder(&walk, &top, error) || !check_matched(&walk, scope, error))
		return NULL;
	add_config(&walk, config);
	g_ptr_array_sort(walk.files, compare_files);
	return g_steal_pointer(&walk.files);
}

static gboolean any_matches(char **globs, const char *path)
{
	for (; *globs; globs++)
		if (uota_glob_match(*globs, path))
			return TRUE;
	return FALSE;
}

gboolean uota_fileset_covers(const UotaConfig *config, UotaScope scope, const char *path)
{
	g_autofree char *source =
		g_str_has_suffix(path, ".mpy")
			? g_strdup_printf("%.*s.py", (int)(strlen(path) - 4), path)
			: g_strdup(path);

	return !any_matches(config->excluded_files, source) &&
	       (any_matches(config->fast_ota_files, source) ||
		       (scope == UOTA_SCOPE_FULL && any_matches(config->full_ota_files, source)));
}
