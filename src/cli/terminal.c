/* `uota terminal`: an interactive shell on the board, or one command, or commands from a pipe. */
#include <editline/readline.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/shell.h"
#include "core/error.h"
#include "core/text.h"

#define HISTORY_MAX 500

static const UotaBoard *completing; /* libedit's callbacks carry no data of ours */

static void print_error(const GError *error)
{
	g_autofree char *text = uota_text_printable(error->message, 4096);

	fprintf(stderr, "uota: %s\n", text);
}

/* Runs one line; FALSE at `exit`. What fails is in @error. */
static gboolean run_line(const UotaBoard *board, const char *line, GError **error)
{
	g_auto(GStrv) argv = NULL;
	g_autoptr(GError) cause = NULL;

	if (!g_shell_parse_argv(line, NULL, &argv, &cause)) {
		if (!g_error_matches(cause, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING))
			g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE, "terminal: %s",
				cause->message);
		return TRUE;
	}
	if (strcmp(argv[0], "exit") == 0 || strcmp(argv[0], "quit") == 0)
		return FALSE;
	if (!uota_shell_run(board, argv, error))
		return TRUE;
	return TRUE;
}

static gboolean run_pipe(const UotaBoard *board, GError **error)
{
	g_autofree char *line = NULL;
	size_t size = 0;
	ssize_t len;
	gboolean more = TRUE;

	while (more && (len = getline(&line, &size, stdin)) >= 0) {
		GError *cause = NULL;

		if (strlen(line) != (size_t)len) {
			g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_USAGE,
				"terminal: binary data where a command belongs");
			return FALSE;
		}
		line[strcspn(line, "\r\n")] = '\0';
		more = run_line(board, line, &cause);
		fflush(stdout);
		if (cause) {
			g_propagate_error(error, cause);
			return FALSE;
		}
	}
	return TRUE;
}

/* The folder of @word with its slash, "/" for a bare name. */
static char *folder_of(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash ? g_strndup(word, (gsize)(slash - word) + 1) : g_strdup("/");
}

static void add_match(GPtrArray *matches, const char *folder, const char *word, const char *entry)
{
	g_autofree char *path =
		strchr(word, '/') ? g_strconcat(folder, entry, NULL) : g_strdup(entry);
	g_autofree char *printable = uota_text_printable(path, 1024);

	if (g_str_has_prefix(path, word) && strcmp(path, printable) == 0)
		g_ptr_array_add(matches, g_strdup(path));
}

static GPtrArray *path_matches(const char *word)
{
	GPtrArray *matches = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *folder = folder_of(word);
	g_autoptr(UotaSession) session = uota_target_open(&completing->target, NULL);
	g_autoptr(GPtrArray) entries = session ? uota_session_ls(session, folder, NULL) : NULL;

	for (guint i = 0; entries && i < entries->len; i++)
		add_match(matches, folder, word, g_ptr_array_index(entries, i));
	return matches;
}

static GPtrArray *command_matches(const char *word)
{
	GPtrArray *matches = g_ptr_array_new_with_free_func(g_free);

	for (const UotaShellCommand *command = uota_shell_commands; command->name; command++)
		if (g_str_has_prefix(command->name, word))
			g_ptr_array_add(matches, g_strdup(command->name));
	return matches;
}

/* libedit calls this with rising @state until it returns NULL; it frees what it gets. */
static char *next_match(const GPtrArray *matches, int state)
{
	return (guint)state < matches->len ? strdup(g_ptr_array_index(matches, (guint)state))
					   : NULL;
}

static char *next_path(const char *word, int state)
{
	static GPtrArray *matches;

	if (state == 0) {
		g_clear_pointer(&matches, g_ptr_array_unref);
		matches = path_matches(word);
	}
	rl_completion_append_character =
		matches->len == 1 && g_str_has_suffix(g_ptr_array_index(matches, 0), "/") ? '\0'
											  : ' ';
	return next_match(matches, state);
}

static char *next_command(const char *word, int state)
{
	static GPtrArray *matches;

	if (state == 0) {
		g_clear_pointer(&matches, g_ptr_array_unref);
		matches = command_matches(word);
	}
	return next_match(matches, state);
}

static char **complete(const char *word, int start, int end)
{
	rl_attempted_completion_over = 1;
	rl_completion_append_character = ' ';
	return rl_completion_matches(word, start == 0 ? next_command : next_path);
}

static char *history_file(void)
{
	g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), "uota", NULL);

	g_mkdir_with_parents(folder, 0700);
	return g_build_filename(folder, "history", NULL);
}

typedef struct {
	gboolean done;
	char *line; /* NULL: Ctrl-D */
} Typed;

/* The terminal is gone: nothing more will come. */
static gboolean is_hung_up(void)
{
	GPollFD fd = {STDIN_FILENO, G_IO_IN, 0};

	return g_poll(&fd, 1, 0) == 1 && !(fd.revents & G_IO_IN);
}

static Typed typed; /* by the person at the terminal; see `completing` */

static void on_line(char *line)
{
	typed = (Typed){TRUE, line};
}

/* The next line, NULL at the end of the input. libedit's callbacks instead of readline(), since
 * that would not return at Ctrl-C. */
static char *prompt(const UotaBoard *board, const char *text, GError **error)
{
	gboolean ok = TRUE;

	typed = (Typed){0};
	rl_callback_handler_install(text, on_line);
	while (ok && !typed.done) {
		ok = uota_interrupt_await_input(board->cancellable, error);
		if (ok && is_hung_up())
			break;
		if (ok)
			rl_callback_read_char();
	}
	rl_callback_handler_remove();
	if (!typed.line)
		putchar('\n');
	return typed.line;
}

static gboolean run_lines(const UotaBoard *board, GError **error)
{
	g_autofree char *text = g_strconcat(board->host, "> ", NULL);
	gboolean more = TRUE;

	while (more) {
		g_autoptr(GError) cause = NULL;
		g_autofree char *line = prompt(board, text, &cause);

		if (line && *line)
			add_history(line);
		more = line && run_line(board, line, &cause);
		if (g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_CANCELLED)) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		if (cause)
			print_error(cause);
	}
	return TRUE;
}

static gboolean run_interactive(const UotaBoard *board, GError **error)
{
	g_autofree char *path = history_file();
	gboolean ok;

	completing = board;
	rl_readline_name = (char *)"uota";
	rl_catch_signals = 0; /* they are ours */
	rl_attempted_completion_function = complete;
	using_history();
	read_history(path);
	puts("`help` lists the commands, Tab completes paths, Ctrl-D leaves.");
	fflush(stdout);
	ok = run_lines(board, error);
	stifle_history(HISTORY_MAX);
	write_history(path);
	g_chmod(path, 0600);
	return ok;
}

gboolean uota_cmd_terminal(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_auto(UotaBoard) board = {0};

	if (!uota_options_parse(&options, "terminal", NULL, &argc, &argv, -1, error) ||
		!uota_board_init(&board, &options, FALSE, error))
		return FALSE;
	if (argc > 1) {
		g_auto(GStrv) words = g_new0(char *, argc);

		for (int i = 1; i < argc; i++)
			words[i - 1] = g_strdup(argv[i]);
		return uota_shell_run(&board, words, error);
	}
	return isatty(STDIN_FILENO) ? run_interactive(&board, error) : run_pipe(&board, error);
}
