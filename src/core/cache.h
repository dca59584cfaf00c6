/* What `uota info` has found out about the board, in .uota_cache.json of the project, as 1.0 keeps
 * it: for pushes over protocol 1.0, where a board does not tell. */
#pragma once

#include <glib.h>

#define UOTA_CACHE_PATH ".uota_cache.json"

/* The version of bytecode that the board of the project in @dir loads. -1: not known, or none. */
int uota_cache_bytecode(const char *dir);

/* Keeps it; -1: none. The rest of the file stays. */
gboolean uota_cache_keep_bytecode(const char *dir, int bytecode, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
