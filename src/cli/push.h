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
} UotaPushFlags;

#define UOTA_PUSH_OPTIONS(f)                                                                       \
	{"wait", 0, 0, G_OPTION_ARG_NONE, &(f)->wait,                                              \
		"Wait until the update is confirmed or rolled back", NULL},                        \
		{"no-wait", 0, 0, G_OPTION_ARG_NONE, &(f)->no_wait,                                \
			"Do not wait for the board to come back", NULL},                           \
		{"no-rollback", 0, 0, G_OPTION_ARG_NONE, &(f)->no_rollback,                        \
			"Keep no previous version on the board, and have no trial", NULL},         \
	{                                                                                          \
		"force", 0, 0, G_OPTION_ARG_NONE, &(f)->force,                                     \
			"Install it although it has failed on this board before", NULL             \
	}

/* Pushes the project's files of @scope as @command says it. */
gboolean uota_push_project(const char *command, UotaScope scope, const UotaOptions *options,
	const UotaPushFlags *flags, GError **error) G_GNUC_WARN_UNUSED_RESULT;
