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
	g_autofree char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);

	/* DEL is the one control character that jansson lets through; NULL: a name of this host
	 * that is not UTF-8 was to be in it */
	for (const char *c = text ? text : "{}"; *c; c++)
		if (*c == 0x7F)
			fputs("\\u007F", stdout);
		else
			putchar(*c);
	putchar('\n');
	json_decref(object);
}
