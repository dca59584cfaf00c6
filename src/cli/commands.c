/* The command table. */
#include "cli/cli.h"

#include <string.h>

#include "core/error.h"
#include "core/nearest.h"

const UotaCommand uota_commands[] = {
	{"init", "[--dir DIR] [--force] [--no-secrets]", "Start a project in this folder",
		uota_cmd_init},
	{"fast", "", "Push the files of fastOtaFiles", uota_cmd_fast},
	{"full", "[--wipe]", "Push all files; what the project lost, the board loses",
		uota_cmd_full},
	{"version", "", "Ask the board for its version and how that stands", uota_cmd_version},
	{"info", "", "Show the board's MicroPython and memory, and note its bytecode version",
		uota_cmd_info},
	{"crash", "", "Show the last traceback that the board has kept", uota_cmd_crash},
	{"rollback", "", "Go back to the version that the board has kept", uota_cmd_rollback},
	{"terminal", "[COMMAND [ARGUMENT…]]", "Talk to the board: ls, get, rm, reset, …",
		uota_cmd_terminal},
	{"passwd", "[PASSWORD]", "Print the hash of an OTA password", uota_cmd_passwd},
	{"help", "[COMMAND]", "Explain a command", uota_cmd_help},
	{NULL},
};

const UotaCommand *uota_command_find(const char *name)
{
	for (const UotaCommand *command = uota_commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

void uota_command_unknown(const char *name, GError **error)
{
	const char *names[G_N_ELEMENTS(uota_commands)] = {NULL};
	const char *nearest;

	for (gsize i = 0; uota_commands[i].name; i++)
		names[i] = uota_commands[i].name;
	nearest = uota_nearest(name, names);
	if (nearest)
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"there is no command \"%s\": did you mean \"%s\"?", name, nearest);
	else
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"there is no command \"%s\": `uota help` lists them", name);
}
