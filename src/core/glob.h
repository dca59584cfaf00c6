/* Globs of the configuration, compiled once per push: matching a path, and telling which folders
 * need not be looked into. */
#pragma once

#include <glib.h>

typedef struct UotaGlob UotaGlob;

/* See uota_glob_match() for what a glob means. Returns: (transfer full) */
UotaGlob *uota_glob_new(const char *glob);

void uota_glob_free(UotaGlob *glob);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaGlob, uota_glob_free)

/* Whether the glob matches @path, given as components (NULL-terminated). */
gboolean uota_glob_matches(const UotaGlob *glob, char **path);

/* Whether it may match something below the folder @path; FALSE: certainly not. */
gboolean uota_glob_reaches(const UotaGlob *glob, char **path);

/* Whether @path matches @glob. Both are '/'-separated and relative; `.` components and doubled
 * slashes in the glob count for nothing. `*` and `?` stay within one component, `[…]` is a set
 * (`[!…]` its complement, `[a-z]` a range), `**` alone is any number of components (also none). A
 * glob that names a folder matches all that is below it: one with a slash at its end, or whose last
 * component has no wildcard. Case counts. There is no escaping. */
gboolean uota_glob_match(const char *glob, const char *path);
