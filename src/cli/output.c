/* What is printed, and with which status the tool ends. */
#include "cli/cli.h"

#include <stdio.h>

#include "core/error.h"

int uota_exit_status(const GError *error)
{
	if (!error)
		return UOTA_EXIT_DONE;
	if (error->domain != UOTA_ERROR)
		return UOTA_EXIT_FAILED;
	switch (error->code) {
	case UOTA_ERROR_USAGE:
		return UOTA_EXIT_USAGE;
	case UOTA_ERROR_REFUSED:
		return UOTA_EXIT_REFUSED;
	case UOTA_ERROR_UNREACHABLE:
	case UOTA_ERROR_CLOSED:
		return UOTA_EXIT_UNREACHABLE;
	case UOTA_ERROR_CANCELLED:
		return UOTA_EXIT_INTERRUPTED;
	default:
		return UOTA_EXIT_FAILED;
	}
}

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
