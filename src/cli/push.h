/* What `fast` and `full` share: collect, sign, push, wait, report. */
#pragma once

#include "cli/cli.h"
#include "core/fileset.h"

/* Options of a push beyond the common ones. */
typedef struct {
	gboolean wipe; /* full only */
	gboolean wait, no_wait;
	gboolean no_rollback;
	gboolean force;
	gboolean verify, downgrade, dry_run;
	int retries;
	char *old_secrets; /* file name */
} UotaPushFlags;

#define UOTA_PUSH_FLAGS_INIT                                                                       \
	{                                                                                          \
		.retries = 3                                                                       \
	}

#define UOTA_PUSH_OPTIONS(f)                                                                       \
	{"wait", 0, 0, G_OPTION_ARG_NONE, &(f)->wait,                                              \
		"Wait until the update is confirmed or rolled back", NULL},                        \
		{"no-wait", 0, 0, G_OPTION_ARG_NONE, &(f)->no_wait,                                \
			"Do not wait for the board to come back", NULL},                           \
		{"no-rollback", 0, 0, G_OPTION_ARG_NONE, &(f)->no_rollback,                        \
			"Keep no previous version on the board, and have no trial", NULL},         \
		{"verify", 0, 0, G_OPTION_ARG_NONE, &(f)->verify,                                  \
			"Let the board hash what it has, instead of trusting its records", NULL},  \
		{"allow-downgrade", 0, 0, G_OPTION_ARG_NONE, &(f)->downgrade,                      \
			"Install a version that is lower than the installed one", NULL},           \
		{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &(f)->dry_run,                              \
			"Say what would travel, and why; install nothing", NULL},                  \
		{"retries", 0, 0, G_OPTION_ARG_INT, &(f)->retries,                                 \
			"Tries after a lost connection (default: 3)", "N"},                        \
		{"old-secrets", 0, 0, G_OPTION_ARG_FILENAME, &(f)->old_secrets,                    \
			"Secrets that the board has still, to give it new ones", "FILE"},          \
	{                                                                                          \
		"force", 0, 0, G_OPTION_ARG_NONE, &(f)->force,                                     \
			"Install it although it is installed, or has failed on this board", NULL   \
	}

/* Frees what the options have allocated. */
void uota_push_flags_clear(UotaPushFlags *flags);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UotaPushFlags, uota_push_flags_clear)

/* Pushes the project's files of @scope as @command says it. */
gboolean uota_push_project(const char *command, UotaScope scope, const UotaOptions *options,
	const UotaPushFlags *flags, GError **error) G_GNUC_WARN_UNUSED_RESULT;
