/* The commands of `uota terminal`, apart from where their lines come from. */
#pragma once

#include "cli/board.h"

typedef struct {
	const char *name;
	const char *arguments;
	const char *summary;
	guint min_args, max_args;
	/* @argv[0] is the name. */
	gboolean (*run)(const UotaBoard *board, char **argv, GError **error);
} UotaShellCommand;

/* The table, ends with a NULL name. */
extern const UotaShellCommand uota_shell_commands[];

/* Runs @argv (NULL-terminated) over a connection of its own: one that stays open would keep a
 * place on the board and is cut when it idles. Error: UOTA_ERROR_USAGE for a wrong command. */
gboolean uota_shell_run(const UotaBoard *board, char **argv, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
