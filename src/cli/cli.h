/* What all commands share: the command table, the common options, output and exit status.
 * The command line is the only part that prints. */
#pragma once

#include <gio/gio.h>
#include <jansson.h>

#include "core/config.h"

/* Options that every command takes, before or after its name. */
typedef struct {
	char *host;
	int port; /* 0: not given */
	char *transport;
	char *version;
	char *dir;
	double timeout;  /* seconds */
	gboolean legacy; /* 1.0 also where there are secrets */
	gboolean json, quiet, verbose;
} UotaOptions;

typedef struct {
	const char *name;
	const char *arguments; /* for the usage line, "" for none */
	const char *summary;   /* one line */
	/* @argv[0] is the command's name. Returns FALSE with @error set when it failed. */
	gboolean (*run)(int argc, char **argv, GError **error);
} UotaCommand;

/* The table, in the order of the help; ends with a NULL name. */
extern const UotaCommand uota_commands[];

gboolean uota_cmd_info(int argc, char **argv, GError **error);
gboolean uota_cmd_init(int argc, char **argv, GError **error);
gboolean uota_cmd_fast(int argc, char **argv, GError **error);
gboolean uota_cmd_full(int argc, char **argv, GError **error);
gboolean uota_cmd_version(int argc, char **argv, GError **error);
gboolean uota_cmd_crash(int argc, char **argv, GError **error);
gboolean uota_cmd_rollback(int argc, char **argv, GError **error);
gboolean uota_cmd_terminal(int argc, char **argv, GError **error);
gboolean uota_cmd_passwd(int argc, char **argv, GError **error);
gboolean uota_cmd_help(int argc, char **argv, GError **error);

/* The entry of @name, or NULL. */
const UotaCommand *uota_command_find(const char *name);

/* An error that says that @name is no command, with the nearest one. */
void uota_command_unknown(const char *name, GError **error);

/* Parses the common options and @entries (nullable, NULL-terminated) out of @argv, in any order
 * with the arguments, which remain. @max_args: arguments that the command takes beyond its name,
 * -1 for any. `--help` prints the help and exits. Error: UOTA_ERROR_USAGE. */
gboolean uota_options_parse(UotaOptions *options, const char *command, const GOptionEntry *entries,
	int *argc, char ***argv, int max_args, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void uota_options_clear(UotaOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UotaOptions, uota_options_clear)

/* Moves the command's name to the front of @argv, whatever common options stand before it.
 * Returns the name; NULL when there is none. */
const char *uota_options_command(int argc, char **argv);

/* The milliseconds of --timeout. */
guint uota_options_timeout_ms(const UotaOptions *options);

/* One line on stderr, `uota: …`. */
void uota_warn(const UotaOptions *options, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Prints @object (transfer full) as one line of JSON on stdout. */
void uota_print_json(json_t *object);
