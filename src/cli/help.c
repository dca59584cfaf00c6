/* `uota help`: the commands, or one of them. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "core/error.h"

void uota_print_help(FILE *out)
{
	fputs("uota — puts your code onto MicroPython boards\n\n"
	      "Usage: uota [OPTION…] COMMAND [OPTION…] [ARGUMENT…]\n\n"
	      "Commands:\n",
		out);
	for (const UotaCommand *command = uota_commands; command->name; command++)
		fprintf(out, "  %-10s %s\n", command->name, command->summary);
	fputs("\nOptions of all commands:\n"
	      "  --host HOST --port PORT   the board (default: hostname and port of "
	      "config/ota.json)\n"
	      "  --transport TRANSPORT     wifi_tcp\n"
	      "  --dir DIR                 the project's folder (default: this one, or the one "
	      "above that has config/ota.json)\n"
	      "  --version VER             version to install (default: that of config/ota.json)\n"
	      "  --timeout SEC             longest silence of the board (default: 10)\n"
	      "  --legacy                  speak protocol 1.0, which encrypts nothing, although "
	      "there are secrets\n"
	      "  --json  -q, --quiet  -v, --verbose\n\n"
	      "`uota help COMMAND` explains one of them; `uota --version` says which uota this "
	      "is.\n",
		out);
}

gboolean uota_cmd_help(int argc, char **argv, GError **error)
{
	const UotaCommand *command;
	char *help[] = {NULL, (char *)"--help", NULL};

	if (argc < 2) {
		uota_print_help(stdout);
		return TRUE;
	}
	command = uota_command_find(argv[1]);
	if (!command) {
		uota_command_unknown(argv[1], error);
		return FALSE;
	}
	if (command->run == uota_cmd_help) {
		uota_print_help(stdout);
		return TRUE;
	}
	help[0] = argv[1];
	return command->run(2, help, error);
}
