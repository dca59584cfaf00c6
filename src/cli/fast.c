/* `uota fast`: pushes the files of fastOtaFiles; all else on the board stays. */
#include "cli/push.h"

gboolean uota_cmd_fast(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_auto(UotaPushFlags) flags = UOTA_PUSH_FLAGS_INIT;
	const GOptionEntry entries[] = {
		UOTA_PUSH_OPTIONS(&flags),
		G_OPTION_ENTRY_NULL,
	};

	if (!uota_options_parse(&options, "fast", entries, &argc, &argv, 0, error))
		return FALSE;
	return uota_push_project("fast", UOTA_SCOPE_FAST, &options, &flags, error);
}
