/* Python sources compiled to bytecode by `mpy-cross`, where it is installed. */
#pragma once

#include "core/manifest.h"

/* What @manifest becomes when the sources that one of @globs matches are compiled: `x.mpy` in the
 * place of `x.py`, with the path on the board in its tracebacks, line numbers kept. boot.py,
 * main.py and lib/uota/boot_guard.py stay sources. All cores compile; what was compiled before
 * comes from the user's cache folder.
 *
 * @bytecode: the version that the board loads; below 0: none, nothing is compiled.
 * @absent: (out) TRUE: there is something to compile, but no mpy-cross; the sources stay.
 *
 * Errors: what mpy-cross says of a source, as `path:line: why`; both `x.py` and `x.mpy`.
 * Returns: (transfer full) */
UotaManifest *uota_mpy_compile(const UotaManifest *manifest, char **globs, int bytecode,
	gboolean *absent, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
