/* A progress bar on a terminal. */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"

#define WIDTH 24
#define PATH_WIDTH 36
#define REDRAW_US 50000 /* twenty times a second is smooth enough */

void uota_progress_init(UotaProgressBar *bar, const char *label, gboolean wanted)
{
	const char *term = g_getenv("TERM");

	bar->label = label;
	bar->bar = wanted && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	bar->drawn = 0;
}

static char *bar_of(guint filled)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < WIDTH; i++)
		g_string_append(text, i < filled ? "█" : "░");
	return g_string_free(text, FALSE);
}

void uota_progress_update(UotaProgressBar *bar, const char *path, guint64 done, guint64 total)
{
	gint64 now = g_get_monotonic_time();
	guint64 shown = MIN(done, total);
	double share = total ? (double)shown / (double)total : 1;
	g_autofree char *cells = NULL;
	g_autofree char *size = NULL;
	g_autofree char *name = NULL;

	if (!bar->bar || (now - bar->drawn < REDRAW_US && shown < total))
		return;
	bar->drawn = now;
	cells = bar_of((guint)(share * WIDTH));
	size = g_format_size(shown);
	name = uota_text_printable(path ? path : "", PATH_WIDTH);
	fprintf(stderr, "\r\033[K%s %s %3.0f %%  %s  %s", bar->label, cells, share * 100, size,
		name);
	fflush(stderr);
}

void uota_progress_say(UotaProgressBar *bar, const char *text)
{
	if (!bar->bar)
		return;
	fprintf(stderr, "\r\033[K%s %s", bar->label, text);
	fflush(stderr);
}

void uota_progress_clear(UotaProgressBar *bar)
{
	if (!bar->bar)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
