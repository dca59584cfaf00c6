/* Compiling for a board. */
#include "core/mpy.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/glob.h"
#include "core/text.h"

#define COMPILER "mpy-cross"
#define SOURCE ".py"
#define COMPILED ".mpy"
#define SOURCE_MAX (8 * 1024 * 1024) /* bytes; no board compiles, or holds, more */
#define COMPILED_MAX (16 * 1024 * 1024)
#define SAID_MAX 240 /* bytes of what the compiler says that a message quotes */

typedef struct {
	char *path;  /* of the program */
	char *stamp; /* tells this mpy-cross from another one */
	int bytecode;
	GCancellable *cancellable;
} Compiler;

/* One file: a thread's work, and what came of it. */
typedef struct {
	const UotaFile *file;
	char *compiled_path; /* on the board; NULL: it stays a source */
	UotaFile *result;
	GError *error;
} Job;

static void free_job(gpointer data)
{
	Job *job = data;

	g_free(job->compiled_path);
	uota_file_free(job->result);
	g_clear_error(&job->error);
	g_free(job);
}

static void compiler_clear(Compiler *compiler)
{
	g_free(compiler->path);
	g_free(compiler->stamp);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Compiler, compiler_clear)

/* FALSE: there is none. To ask for its version would cost a process each time. */
static gboolean find_compiler(Compiler *compiler)
{
	struct stat info;

	compiler->path = g_find_program_in_path(COMPILER);
	if (!compiler->path || g_stat(compiler->path, &info) != 0)
		return FALSE;
	compiler->stamp = g_strdup_printf("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
		compiler->path, (gint64)info.st_size, (gint64)info.st_mtime);
	return TRUE;
}

/* As tracebacks name a source on the board, too. */
static char *name_on_board(const UotaFile *file)
{
	return g_strconcat("/", file->path, NULL);
}

/* the cache */

static char *cache_path(const Compiler *compiler, const UotaFile *file)
{
	g_autofree char *hex = uota_sha256_hex(file->sha256);
	g_autofree char *source = name_on_board(file);
	g_autofree char *key =
		g_strdup_printf("%s\n%d\n%s\n%s", compiler->stamp, compiler->bytecode, source, hex);
	g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);

	return g_build_filename(g_get_user_cache_dir(), "uota", "mpy", name, NULL);
}

static GBytes *read_whole(const char *path, GError **error)
{
	gsize len = 0;
	char *data = uota_io_read_all(path, path, COMPILED_MAX, &len, NULL, error);

	return data ? g_bytes_new_take(data, len) : NULL;
}

static void keep(const char *path, GBytes *content)
{
	g_autofree char *folder = g_path_get_dirname(path);
	gsize len = 0;
	const char *data = g_bytes_get_data(content, &len);

	if (g_mkdir_with_parents(folder, 0700) == 0)
		(void)g_file_set_contents_full(
			path, data, (gssize)len, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

/* the compiler */

static gboolean append(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	g_byte_array_append(user_data, data, (guint)len);
	return TRUE;
}

/* The content that was hashed: a file that changed meanwhile must not be kept under that hash. */
static GByteArray *read_source(const UotaFile *file, GCancellable *cancellable, GError **error)
{
	g_autoptr(GByteArray) content = g_byte_array_new();
	guint8 digest[UOTA_SHA256_SIZE];

	if (!uota_file_read(file, append, content, cancellable, error))
		return NULL;
	uota_sha256(content->data, content->len, digest);
	if (uota_sha256_equal(digest, file->sha256))
		return g_steal_pointer(&content);
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"%s: changed while it was being pushed: push again", file->path);
	return NULL;
}

/* The last line of a traceback is the reason, one before it has `line N`. */
static void report(const UotaFile *file, const char *said, GError **error)
{
	g_autofree char *text = g_strchomp(g_strdup(said));
	const char *last = strrchr(text, '\n');
	const char *line = g_strrstr(text, ", line ");
	g_autofree char *why = uota_text_printable(last ? last + 1 : text, SAID_MAX);
	gint64 number = line ? g_ascii_strtoll(line + strlen(", line "), NULL, 10) : 0;

	if (number > 0)
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s:%" G_GINT64_FORMAT ": %s",
			file->path, number, why);
	else
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s: %s: %s", file->path,
			COMPILER, *why ? why : "it failed without a word");
}

/* @choose: have another version of bytecode than the compiler's own made, which not every
 * mpy-cross can. */
static gboolean run(const Compiler *compiler, const UotaFile *file, const char *in, const char *out,
	gboolean choose, GError **error)
{
	g_autofree char *bytecode = g_strdup_printf("%d", compiler->bytecode);
	g_autofree char *source = name_on_board(file);
	const char *argv[] = {
		compiler->path, "-s", source, "-o", out, in, choose ? "-b" : NULL, bytecode, NULL};
	g_autofree char *said = NULL;
	int status;

	if (!g_spawn_sync(NULL, (char **)argv, NULL,
		    G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_CLOEXEC_PIPES, NULL, NULL, NULL, &said,
		    &status, error)) {
		g_prefix_error(error, "%s: ", COMPILER);
		return FALSE;
	}
	if (g_spawn_check_wait_status(status, NULL))
		return TRUE;
	report(file, said, error);
	return FALSE;
}

/* Bytecode begins with `M` and its version. */
static int version_of(GBytes *content)
{
	gsize len = 0;
	const guint8 *data = g_bytes_get_data(content, &len);

	return len > 4 && *data == 'M' ? data[1] : -1;
}

static GBytes *run_and_read(const Compiler *compiler, const UotaFile *file, const char *in,
	const char *out, GError **error)
{
	g_autoptr(GBytes) content = NULL;

	if (!run(compiler, file, in, out, FALSE, error))
		return NULL;
	content = read_whole(out, error);
	if (!content || version_of(content) == compiler->bytecode)
		return g_steal_pointer(&content);
	g_clear_pointer(&content, g_bytes_unref);
	if (run(compiler, file, in, out, TRUE, NULL))
		content = read_whole(out, error);
	if (content && version_of(content) == compiler->bytecode)
		return g_steal_pointer(&content);
	g_clear_error(error);
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"%s does not make bytecode of version %d, which the board loads: install one that "
		"does, or empty mpyFiles",
		COMPILER, compiler->bytecode);
	return NULL;
}

/* In a folder of its own, which is removed. */
static GBytes *compile_in(const Compiler *compiler, const UotaFile *file, const GByteArray *source,
	const char *folder, GError **error)
{
	g_autofree char *in = g_build_filename(folder, "in.py", NULL);
	g_autofree char *out = g_build_filename(folder, "out.mpy", NULL);
	GBytes *content = NULL;

	if (g_file_set_contents(in, (const char *)source->data, source->len, error))
		content = run_and_read(compiler, file, in, out, error);
	g_unlink(in);
	g_unlink(out);
	return content;
}

static GBytes *compile(const Compiler *compiler, const UotaFile *file, GError **error)
{
	g_autoptr(GByteArray) source = NULL;
	g_autofree char *folder = NULL;
	GBytes *content;

	if (file->size > SOURCE_MAX) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"%s: too large to compile: take it out of mpyFiles", file->path);
		return NULL;
	}
	source = read_source(file, compiler->cancellable, error);
	folder = source ? g_dir_make_tmp("uota-XXXXXX", error) : NULL;
	if (!folder)
		return NULL;
	g_byte_array_append(source, (const guint8 *)"", 1); /* an empty one has no data */
	g_byte_array_set_size(source, source->len - 1);
	content = compile_in(compiler, file, source, folder, error);
	g_rmdir(folder);
	return content;
}

static void do_job(gpointer data, gpointer user_data)
{
	const Compiler *compiler = user_data;
	Job *job = data;
	g_autofree char *kept = cache_path(compiler, job->file);
	g_autoptr(GBytes) content = read_whole(kept, NULL);

	if (!content || version_of(content) != compiler->bytecode) {
		g_clear_pointer(&content, g_bytes_unref);
		content = compile(compiler, job->file, &job->error);
		if (!content)
			return;
		keep(kept, content);
	}
	job->result = uota_file_from_bytes(job->compiled_path, content);
}

/* which files */

static gboolean stays_source(const char *path)
{
	static const char *const names[] = {"boot.py", "main.py", "lib/uota/boot_guard.py", NULL};

	return !g_str_has_suffix(path, SOURCE) || g_strv_contains(names, path);
}

static gboolean is_wanted(const char *path, char **globs)
{
	if (stays_source(path))
		return FALSE;
	for (; *globs; globs++)
		if (uota_glob_match(*globs, path))
			return TRUE;
	return FALSE;
}

/* One job a file. @wanted: (out) how many are to be compiled. */
static GPtrArray *make_jobs(const UotaManifest *manifest, char **globs, guint *wanted)
{
	GPtrArray *jobs = g_ptr_array_new_with_free_func(free_job);

	*wanted = 0;
	for (guint i = 0; i < manifest->files->len; i++) {
		Job *job = g_new0(Job, 1);

		job->file = manifest->files->pdata[i];
		g_ptr_array_add(jobs, job);
		if (!is_wanted(job->file->path, globs))
			continue;
		job->compiled_path = g_strdup_printf("%.*s" COMPILED,
			(int)(strlen(job->file->path) - strlen(SOURCE)), job->file->path);
		++*wanted;
	}
	return jobs;
}

static gboolean check_twins(const UotaManifest *manifest, const GPtrArray *jobs, GError **error)
{
	for (guint i = 0; i < jobs->len; i++) {
		const Job *job = jobs->pdata[i];

		if (!job->compiled_path || !uota_manifest_lookup(manifest, job->compiled_path))
			continue;
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"%s: would be compiled to %s, which the project has too: exclude one of "
			"them",
			job->file->path, job->compiled_path);
		return FALSE;
	}
	return TRUE;
}

static gint compare_files(gconstpointer a, gconstpointer b)
{
	const UotaFile *const *fa = a, *const *fb = b;

	return strcmp((*fa)->path, (*fb)->path);
}

/* The first error in the order of the files is the one that is told. */
static UotaManifest *collect(const UotaManifest *manifest, GPtrArray *jobs, GError **error)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);

	for (guint i = 0; i < jobs->len; i++) {
		Job *job = jobs->pdata[i];

		if (job->error) {
			g_propagate_error(error, g_steal_pointer(&job->error));
			return NULL;
		}
		g_ptr_array_add(files,
			job->result ? g_steal_pointer(&job->result) : uota_file_copy(job->file));
	}
	g_ptr_array_sort(files, compare_files);
	return uota_manifest_new(manifest->version, files);
}

static void run_jobs(GPtrArray *jobs, Compiler *compiler)
{
	GThreadPool *pool =
		g_thread_pool_new(do_job, compiler, (int)g_get_num_processors(), FALSE, NULL);

	for (guint i = 0; i < jobs->len; i++)
		if (((Job *)jobs->pdata[i])->compiled_path)
			(void)g_thread_pool_push(pool, jobs->pdata[i], NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
}

UotaManifest *uota_mpy_compile(const UotaManifest *manifest, char **globs, int bytecode,
	gboolean *absent, GCancellable *cancellable, GError **error)
{
	g_auto(Compiler) compiler = {.bytecode = bytecode, .cancellable = cancellable};
	guint wanted;
	g_autoptr(GPtrArray) jobs = make_jobs(manifest, globs, &wanted);

	*absent = FALSE;
	if (!wanted || bytecode < 0)
		return collect(manifest, jobs, error);
	*absent = !find_compiler(&compiler);
	if (*absent)
		return collect(manifest, jobs, error);
	if (!check_twins(manifest, jobs, error))
		return NULL;
	run_jobs(jobs, &compiler);
	return collect(manifest, jobs, error);
}
