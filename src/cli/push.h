/* What `fast` and `full` share: collect, sign, push, report. */
#pragma once

#include "cli/cli.h"
#include "core/fileset.h"

/* Options of a push beyond the common ones. */
typedef struct {
	gboolean wipe;    /* full only */
	gboolean no_wait; /* do not wait for the board to come back */
} UotaPushFlags;

/* Pushes the project's files of @scope as @command says it. */
gboolean uota_push_project(const char *command, UotaScope scope, const UotaOptions *options,
	const UotaPushFlags *flags, GError **error) G_GNUC_WARN_UNUSED_RESULT;
