/* The command-line tool: finds the command, runs it, prints its error, returns its status. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "core/error.h"
#include "core/text.h"
#include "version.h"

static gboolean run(int argc, char **argv, GError **error)
{
	const char *name = uota_options_command(argc, argv);
	const UotaCommand *command = name ? uota_command_find(name) : NULL;

	if (command)
		return command->run(argc - 1, argv + 1, error);
	if (name) {
		uota_command_unknown(name, error);
		return FALSE;
	}
	g_set_error_literal(
		error, UOTA_ERROR, UOTA_ERROR_USAGE, "no command: `uota help` lists them");
	return FALSE;
}

/* A board's words may be in the message: none of them may drive the terminal. */
static void report(const GError *error, gboolean json)
{
	g_autofree char *text = uota_text_printable(error->message, 4096);

	fprintf(stderr, "uota: %s\n", text);
	if (json && !g_error_matches(error, UOTA_ERROR, UOTA_ERROR_ROLLED_BACK)) /* it is told */
		uota_print_json(
			json_pack("{s:s, s:i}", "error", text, "status", uota_error_status(error)));
}

static gboolean wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			return TRUE;
	return FALSE;
}

/* A descriptor that is closed at the start would become the next socket's, and what is printed
 * would reach the board. Opened the wrong way round, it fails as the closed one does. */
static void keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_FAILURE);
}

/* However the tool ends: a report that could not be written is no success. */
static void check_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	fprintf(stderr, "uota: writing the output: %s\n", g_strerror(errno));
	_exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	gboolean json = wants_json(argc, argv);

	keep_standard_descriptors();
	atexit(check_output);
	setlocale(LC_ALL, "");
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		uota_print_help(stdout);
		return 0;
	}
	if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
		puts("uota " UOTA_VERSION);
		return 0;
	}
	if (!run(argc, argv, &error))
		report(error, json);
	return uota_error_status(error);
}
