/* `uota full`: pushes all files; what the project no longer has, the board loses. */
#include "cli/push.h"

gboolean uota_cmd_full(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_auto(UotaPushFlags) flags = UOTA_PUSH_FLAGS_INIT;
	const GOptionEntry entries[] = {
		{"wipe", 0, 0, G_OPTION_ARG_NONE, &flags.wipe,
			"Delete everything but /lib, /config, /data and /boot.py first", NULL},
		UOTA_PUSH_OPTIONS(&flags),
		G_OPTION_ENTRY_NULL,
	};

	if (!uota_options_parse(&options, "full", entries, &argc, &argv, 0, error))
		return FALSE;
	return uota_push_project("full", UOTA_SCOPE_FULL, &options, &flags, error);
}
