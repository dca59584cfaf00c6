/* What the tool prints besides its results. */
#include "cli/cli.h"

#include <stdio.h>

void uota_warn(const UotaOptions *options, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	if (options->quiet)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	fprintf(stderr, "uota: %s\n", text);
}

void uota_print_json(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(object);
}
