/* The commands of `uota terminal`. */
#include "cli/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/state.h"
#include "core/error.h"
#include "core/json.h"
#include "core/nearest.h"
#include "core/text.h"

#define NAME_WIDTH 255
#define CONFIG_WIDTH 2000

static gboolean simple(
	const UotaBoard *board, const char *command, const char *expected, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(&board->target, error);

	return session && uota_session_command(session, command, expected, error);
}

static void say(const UotaBoard *board, const char *text)
{
	if (board->options->json)
		uota_print_json(json_pack("{s:s}", "answer", text));
	else if (!board->options->quiet)
		puts(text);
}

static gboolean run_ping(const UotaBoard *board, char **argv, GError **error)
{
	if (!simple(board, "ping", "pong", error))
		return FALSE;
	say(board, "pong");
	return TRUE;
}

static gboolean run_version(const UotaBoard *board, char **argv, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(&board->target, error);
	g_autoptr(UotaStatus) status = session ? uota_session_status(session, error) : NULL;

	if (!status)
		return FALSE;
	if (board->options->json || !board->options->quiet)
		uota_board_report(board, status);
	return TRUE;
}

static void print_entries(const UotaBoard *board, const GPtrArray *entries)
{
	json_t *names = json_array();

	for (guint i = 0; i < entries->len; i++) {
		g_autofree char *text =
			uota_text_printable(g_ptr_array_index(entries, i), NAME_WIDTH);

		if (!board->options->json)
			puts(text);
		json_array_append_new(names, json_string(text));
	}
	if (board->options->json)
		uota_print_json(json_pack("{s:o}", "entries", names));
	else
		json_decref(names);
}

static gboolean run_ls(const UotaBoard *board, char **argv, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(&board->target, error);
	g_autoptr(GPtrArray) entries = NULL;

	if (session)
		entries = uota_session_ls(session, argv[1] ? argv[1] : "/", error);
	if (!entries)
		return FALSE;
	print_entries(board, entries);
	return TRUE;
}

typedef struct {
	int fd;
	GString *pending; /* for a terminal: escape what could drive it; NULL: as it comes */
} Output;

static gboolean write_all(int fd, const char *data, gsize len, GError **error)
{
	while (len) {
		gssize n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "writing: %s",
				g_strerror(errno));
			return FALSE;
		}
		data += n;
		len -= (gsize)n;
	}
	return TRUE;
}

static gboolean to_output(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	const Output *output = user_data;
	g_autoptr(GString) text = NULL;

	if (!output->pending)
		return write_all(output->fd, (const char *)data, len, error);
	text = g_string_sized_new(len);
	uota_text_feed(output->pending, data, len, text);
	return write_all(output->fd, text->str, text->len, error);
}

static gboolean download(const UotaBoard *board, const char *path, Output *output, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(&board->target, error);

	return session && uota_session_get(session, path, to_output, output, error);
}

static gboolean run_cat(const UotaBoard *board, char **argv, GError **error)
{
	g_autoptr(GString) pending = isatty(STDOUT_FILENO) ? g_string_new(NULL) : NULL;
	g_autoptr(GString) rest = g_string_new(NULL);
	Output output = {STDOUT_FILENO, pending};
	gboolean ok = download(board, argv[1], &output, error);

	if (pending)
		uota_text_end(pending, rest);
	return write_all(STDOUT_FILENO, rest->str, rest->len, ok ? error : NULL) && ok;
}

/* The last part of the board's @path names the local file; a board cannot choose it. */
static char *local_name(const char *path, GError **error)
{
	g_autofree char *name = g_path_get_basename(path);

	if (strcmp(name, "/") == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE, "get: %s names no file", path);
		return NULL;
	}
	if (g_file_test(name, G_FILE_TEST_EXISTS)) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"get: %s is here already: say where to put it (get %s LOCAL)", name, path);
		return NULL;
	}
	return g_steal_pointer(&name);
}

static gboolean report_download(const UotaBoard *board, const char *local)
{
	g_autofree char *text = g_strconcat("saved as ", local, NULL);

	say(board, text);
	return TRUE;
}

/* Downloads beside @local and renames when complete: a cut download leaves nothing. */
static gboolean download_to(
	const UotaBoard *board, const char *path, const char *local, GError **error)
{
	g_autofree char *part = g_strconcat(local, ".XXXXXX", NULL);
	Output output = {g_mkstemp_full(part, O_WRONLY | O_CLOEXEC, 0644), NULL};
	gboolean ok;

	if (output.fd < 0) {
		g_set_error(
			error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s: %s", local, g_strerror(errno));
		return FALSE;
	}
	ok = download(board, path, &output, error);
	if (close(output.fd) != 0 && ok) {
		g_set_error(
			error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s: %s", local, g_strerror(errno));
		ok = FALSE;
	}
	if (ok && g_rename(part, local) != 0) {
		g_set_error(
			error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s: %s", local, g_strerror(errno));
		ok = FALSE;
	}
	if (!ok)
		g_unlink(part);
	return ok && report_download(board, local);
}

static gboolean run_get(const UotaBoard *board, char **argv, GError **error)
{
	g_autofree char *local = argv[2] ? g_strdup(argv[2]) : local_name(argv[1], error);

	return local && download_to(board, argv[1], local, error);
}

static gboolean run_rm(const UotaBoard *board, char **argv, GError **error)
{
	g_autofree char *command = g_strconcat("rm ", argv[1], NULL);

	return simple(board, command, "ok", error);
}

/* Paths as the protocol has them: without the leading slash. */
static const char *on_board(const char *path)
{
	return path + strspn(path, "/");
}

/* Where @local goes when the user names a folder, or nothing. */
static char *target_path(const char *local, const char *path)
{
	g_autofree char *name = g_path_get_basename(local);

	if (!path)
		return g_steal_pointer(&name);
	return g_str_has_suffix(path, "/") ? g_strconcat(on_board(path), name, NULL)
					   : g_strdup(on_board(path));
}

static gboolean run_put(const UotaBoard *board, char **argv, GError **error)
{
	g_autofree char *path = target_path(argv[1], argv[2]);
	g_autofree char *real = realpath(argv[1], NULL);
	g_autoptr(UotaFile) file =
		uota_file_from_disk(path, real ? real : argv[1], NULL, board->cancellable, error);
	g_autoptr(UotaSession) session = NULL;

	if (!file)
		return FALSE;
	session = uota_target_open(&board->target, error);
	return session && uota_session_put(session, file, board->cancellable, error);
}

static gboolean run_mkdir(const UotaBoard *board, char **argv, GError **error)
{
	g_autofree char *command = g_strconcat("mkdir ", argv[1], NULL);

	return simple(board, command, "ok", error);
}

static gboolean run_mv(const UotaBoard *board, char **argv, GError **error)
{
	g_autofree char *command = NULL;

	if (strchr(argv[1], '\t') || strchr(argv[2], '\t')) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_USAGE, "mv: a tab in a path");
		return FALSE;
	}
	command = g_strconcat("mv ", argv[1], "\t", argv[2], NULL);
	return simple(board, command, "ok", error);
}

/* The JSON that the board answers @command with. */
static json_t *ask_json(const UotaBoard *board, const char *command, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(&board->target, error);
	g_autofree char *line = session ? uota_session_ask(session, command, error) : NULL;

	return line ? uota_json_parse(line, strlen(line), "the board's answer", error) : NULL;
}

/* @a and @b: keys of the answer to @command, two amounts of bytes. */
static gboolean show_bytes(
	const UotaBoard *board, const char *command, const char *a, const char *b, GError **error)
{
	g_autoptr(json_t) answer = ask_json(board, command, error);
	json_int_t first = json_integer_value(json_object_get(answer, a));
	json_int_t second = json_integer_value(json_object_get(answer, b));
	g_autofree char *one = g_format_size((guint64)MAX(first, 0));
	g_autofree char *two = g_format_size((guint64)MAX(second, 0));

	if (!answer)
		return FALSE;
	if (board->options->json)
		uota_print_json(json_pack("{s:I, s:I}", a, first, b, second));
	else
		printf("%s %s, %s %s\n", one, a, two, b);
	return TRUE;
}

static gboolean run_df(const UotaBoard *board, char **argv, GError **error)
{
	return show_bytes(board, "df", "size", "free", error);
}

static gboolean run_mem(const UotaBoard *board, char **argv, GError **error)
{
	return show_bytes(board, "mem", "used", "free", error);
}

/* A line a key; what a board names is shown as JSON, so that nothing of it drives a terminal. */
static gboolean run_config(const UotaBoard *board, char **argv, GError **error)
{
	g_autoptr(json_t) config = ask_json(board, "config", error);
	const char *key;
	json_t *value;

	if (!config)
		return FALSE;
	if (board->options->json) {
		uota_print_json(json_incref(config));
		return TRUE;
	}
	json_object_foreach(config, key, value)
	{
		g_autofree char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		g_autofree char *line = g_strdup_printf("%s: %s", key, text ? text : "?");
		g_autofree char *shown = uota_text_printable(line, CONFIG_WIDTH);

		puts(shown);
	}
	return TRUE;
}

static gboolean run_reset(const UotaBoard *board, char **argv, GError **error)
{
	if (!simple(board, "reset", "ok", error))
		return FALSE;
	say(board, "the board restarts");
	return TRUE;
}

static gboolean run_safe_mode(const UotaBoard *board, char **argv, GError **error)
{
	if (!simple(board, "safe_mode", "ok", error))
		return FALSE;
	say(board, "the board restarts without its app, until the next reset");
	return TRUE;
}

/* Asks who sits at a terminal. FALSE without an error: no. */
static gboolean confirm(const UotaBoard *board, GError **error)
{
	char answer[8] = "";

	if (!isatty(STDIN_FILENO))
		return TRUE;
	fprintf(stderr, "Delete everything on %s but /lib, /config, /data and /boot.py? [y/N] ",
		board->host);
	return uota_interrupt_await_input(board->cancellable, error) &&
	       fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y');
}

static gboolean run_wipe(const UotaBoard *board, char **argv, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (confirm(board, &cause)) {
		if (!simple(board, "wipe", "ok", error))
			return FALSE;
		say(board, "wiped");
		return TRUE;
	}
	if (!cause) {
		say(board, "nothing was deleted");
		return TRUE;
	}
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

static gboolean run_help(const UotaBoard *board, char **argv, GError **error)
{
	for (const UotaShellCommand *command = uota_shell_commands; command->name; command++)
		printf("  %-9s %-14s %s\n", command->name, command->arguments, command->summary);
	return TRUE;
}

const UotaShellCommand uota_shell_commands[] = {
	{"ls", "[PATH]", "List a folder of the board", 0, 1, run_ls},
	{"cat", "PATH", "Show a file", 1, 1, run_cat},
	{"get", "PATH [LOCAL]", "Download a file", 1, 2, run_get},
	{"put", "LOCAL [PATH]", "Upload a file", 1, 2, run_put},
	{"rm", "PATH", "Delete a file, or an empty folder", 1, 1, run_rm},
	{"mv", "OLD NEW", "Rename a file or folder", 2, 2, run_mv},
	{"mkdir", "PATH", "Make a folder", 1, 1, run_mkdir},
	{"df", "", "Size of the file system, and what is free", 0, 0, run_df},
	{"mem", "", "Memory used and free", 0, 0, run_mem},
	{"config", "", "The board's configuration, without its secrets", 0, 0, run_config},
	{"version", "", "The installed version, and how it stands", 0, 0, run_version},
	{"ping", "", "Whether the board answers", 0, 0, run_ping},
	{"reset", "", "Restart the board", 0, 0, run_reset},
	{"safe-mode", "", "Restart the board without its app", 0, 0, run_safe_mode},
	{"wipe", "", "Delete all but /lib, /config, /data, /boot.py", 0, 0, run_wipe},
	{"help", "", "This list; `exit` or Ctrl-D leaves", 0, 0, run_help},
	{NULL},
};

static const UotaShellCommand *find(const char *name, GError **error)
{
	const char *names[G_N_ELEMENTS(uota_shell_commands)] = {NULL};
	const char *nearest;

	for (gsize i = 0; uota_shell_commands[i].name; i++) {
		if (strcmp(uota_shell_commands[i].name, name) == 0)
			return &uota_shell_commands[i];
		names[i] = uota_shell_commands[i].name;
	}
	nearest = uota_nearest(name, names);
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
		"terminal: there is no command \"%s\": %s%s%s", name,
		nearest ? "did you mean \"" : "`help` lists them", nearest ? nearest : "",
		nearest ? "\"?" : "");
	return NULL;
}

/* Not what the board says of a path, nor what is wrong here. */
static gboolean is_about_board(const GError *error)
{
	return g_error_matches(error, UOTA_ERROR, UOTA_ERROR_UNREACHABLE) ||
	       g_error_matches(error, UOTA_ERROR, UOTA_ERROR_CLOSED) ||
	       g_error_matches(error, UOTA_ERROR, UOTA_ERROR_REFUSED);
}

gboolean uota_shell_run(const UotaBoard *board, char **argv, GError **error)
{
	const UotaShellCommand *command = find(argv[0], error);
	g_autoptr(GError) cause = NULL;
	guint args = g_strv_length(argv) - 1;

	if (!command)
		return FALSE;
	if (args < command->min_args || args > command->max_args) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE, "usage: %s %s", command->name,
			command->arguments);
		return FALSE;
	}
	if (command->run(board, argv, &cause))
		return TRUE;
	if (is_about_board(cause))
		g_prefix_error(&cause, "%s: ", board->host);
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}
