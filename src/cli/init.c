/* `uota init`: starts a project. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/project.h"

static void report(const char *dir, const GPtrArray *written, const UotaOptions *options)
{
	json_t *files;

	if (options->json) {
		files = json_array();
		for (guint i = 0; i < written->len; i++)
			json_array_append_new(files, json_string(g_ptr_array_index(written, i)));
		uota_print_json(json_pack("{s:s, s:o}", "dir", dir, "written", files));
		return;
	}
	if (options->quiet)
		return;
	for (guint i = 0; i < written->len; i++)
		printf("  %s\n", (const char *)g_ptr_array_index(written, i));
	printf("\nNext: set ssid, password and hostname in config/ota.json, then push with "
	       "`uota full`.\n"
	       "No board at hand? `uota-sim %s` is one.\n",
		options->dir ? options->dir : ".");
}

gboolean uota_cmd_init(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	gboolean force = FALSE, no_secrets = FALSE;
	g_autoptr(GPtrArray) written = g_ptr_array_new_with_free_func(g_free);
	UotaInitOptions init;
	const char *dir;
	const GOptionEntry entries[] = {
		{"force", 0, 0, G_OPTION_ARG_NONE, &force,
			"Overwrite files that exist (never the secrets)", NULL},
		{"no-secrets", 0, 0, G_OPTION_ARG_NONE, &no_secrets,
			"Make no signing key and no OTA password", NULL},
		G_OPTION_ENTRY_NULL,
	};

	if (!uota_options_parse(&options, "init", entries, &argc, &argv, 0, error))
		return FALSE;
	init = (UotaInitOptions){.force = force, .secrets = !no_secrets};
	dir = options.dir ? options.dir : ".";
	if (!uota_project_init(dir, &init, written, error))
		return FALSE;
	report(dir, written, &options);
	return TRUE;
}
