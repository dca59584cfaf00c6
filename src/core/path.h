/* Paths as a board has them. */
#pragma once

#include <glib.h>

#define UOTA_PATH_MAX 255  /* bytes of a path on the board, as agent and file systems hold it */
#define UOTA_PATH_DEPTH 16 /* components of a path, as the agent takes it */

/* FALSE, saying why (without the path), unless a board can hold @path: relative, no empty, `.` or
 * `..` component and none that ends in a dot or a space (FAT drops them), no control character or
 * any of \:;*?"<>| (FAT's, and the separators of the protocol), no `~` before a digit (FAT's short
 * names); valid UTF-8, at most UOTA_PATH_MAX bytes and UOTA_PATH_DEPTH components, no top-level
 * name that begins with `ota_` in any case (the agent's own). */
gboolean uota_path_check(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* @path as a message shows it: printable, and on one line. Returns: (transfer full) */
char *uota_path_printable(const char *path);
