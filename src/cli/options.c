/* The common options: parsed in any order, written once. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

#define DEFAULT_TIMEOUT 10.0 /* seconds of silence that end a wait */
#define MAX_TIMEOUT 3600.0
#define NO_PORT G_MININT

#define COMMON_OPTIONS(o)                                                                          \
	{"host", 0, 0, G_OPTION_ARG_STRING, &(o)->host, "Address or name of the board", "HOST"},   \
		{"port", 0, 0, G_OPTION_ARG_INT, &(o)->port, "Its OTA port", "PORT"},              \
		{"transport", 0, 0, G_OPTION_ARG_STRING, &(o)->transport, "wifi_tcp",              \
			"TRANSPORT"},                                                              \
		{"version", 0, 0, G_OPTION_ARG_STRING, &(o)->version, "Version to install",        \
			"VER"},                                                                    \
		{"dir", 0, 0, G_OPTION_ARG_FILENAME, &(o)->dir, "The project's folder", "DIR"},    \
		{"timeout", 0, 0, G_OPTION_ARG_DOUBLE, &(o)->timeout,                              \
			"Longest silence of the board (default: 10)", "SEC"},                      \
		{"legacy", 0, 0, G_OPTION_ARG_NONE, &(o)->legacy,                                  \
			"Show the password also to a board of protocol 1.0", NULL},                \
		{"json", 0, 0, G_OPTION_ARG_NONE, &(o)->json, "Report as JSON", NULL},             \
		{"quiet", 'q', 0, G_OPTION_ARG_NONE, &(o)->quiet, "Report errors only", NULL},     \
	{                                                                                          \
		"verbose", 'v', 0, G_OPTION_ARG_NONE, &(o)->verbose, "Say more", NULL              \
	}

static gboolean check(UotaOptions *options, GError **error)
{
	if (options->port == NO_PORT)
		options->port = 0;
	else if (options->port < 1 || options->port > 65535) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"--port %d: a port is a number from 1 to 65535", options->port);
		return FALSE;
	}
	if (options->host && (!*options->host || strpbrk(options->host, " /\t\r\n"))) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"--host: give an address or a name, like 192.168.1.42 or "
			"micropython.local");
		return FALSE;
	}
	if (!(options->timeout > 0 && options->timeout <= MAX_TIMEOUT)) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"--timeout: seconds, more than 0 and at most %.0f", MAX_TIMEOUT);
		return FALSE;
	}
	return TRUE;
}

static gboolean parse(const char *command, const GOptionEntry *common, const GOptionEntry *own,
	int *argc, char ***argv, GError **error)
{
	g_autofree char *name = g_strconcat("uota ", command, NULL);
	g_autoptr(GOptionContext) context =
		g_option_context_new(uota_command_find(command)->arguments);
	g_autoptr(GError) cause = NULL;

	g_set_prgname(name); /* what the usage line begins with */
	g_option_context_set_summary(context, uota_command_find(command)->summary);
	if (own)
		g_option_context_add_main_entries(context, own, NULL);
	g_option_context_add_main_entries(context, common, NULL);
	if (g_option_context_parse(context, argc, argv, &cause))
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE, "%s: %s (see `uota %s --help`)", command,
		cause->message, command);
	return FALSE;
}

gboolean uota_options_parse(UotaOptions *options, const char *command, const GOptionEntry *entries,
	int *argc, char ***argv, int max_args, GError **error)
{
	const GOptionEntry common[] = {COMMON_OPTIONS(options), G_OPTION_ENTRY_NULL};
	int first = 1;

	memset(options, 0, sizeof *options);
	options->port = NO_PORT;
	options->timeout = DEFAULT_TIMEOUT;
	if (!parse(command, common, entries, argc, argv, error))
		return FALSE;
	if (*argc > 1 && strcmp((*argv)[1], "--") == 0)
		first = 2;
	if (max_args >= 0 && *argc - first > max_args) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"%s: what is \"%s\"? (see `uota %s --help`)", command,
			(*argv)[first + max_args], command);
		return FALSE;
	}
	*argc -= first - 1;
	memmove(*argv + 1, *argv + first, (gsize)*argc * sizeof **argv);
	return check(options, error);
}

void uota_options_clear(UotaOptions *options)
{
	g_free(options->host);
	g_free(options->transport);
	g_free(options->version);
	g_free(options->dir);
}

guint uota_options_timeout_ms(const UotaOptions *options)
{
	return MAX((guint)(options->timeout * 1000), 1);
}

/* How many words of argv the common option @word takes: 0 when it is none. */
static int words_of(const char *word)
{
	UotaOptions unused;
	const GOptionEntry common[] = {COMMON_OPTIONS(&unused), G_OPTION_ENTRY_NULL};

	for (const GOptionEntry *entry = common; entry->long_name; entry++)
		if (g_str_has_prefix(word, "--") && strcmp(word + 2, entry->long_name) == 0)
			return entry->arg == G_OPTION_ARG_NONE ? 1 : 2;
	return *word == '-' ? 1 : 0;
}

const char *uota_options_command(int argc, char **argv)
{
	for (int i = 1; i < argc;) {
		int words = words_of(argv[i]);

		if (words == 0) {
			char *command = argv[i];

			memmove(argv + 2, argv + 1, (gsize)(i - 1) * sizeof *argv);
			argv[1] = command;
			return command;
		}
		i += words;
	}
	return NULL;
}
