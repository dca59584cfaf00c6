/* A progress bar on a terminal; silence elsewhere, where the lines of the command do. */
#pragma once

#include <glib.h>

typedef struct {
	const char *label; /* borrowed */
	gboolean bar;      /* stderr is a terminal that may be drawn on */
	gint64 drawn;      /* monotonic time, microseconds */
} UotaProgressBar;

/* @label stands before the bar. @wanted: FALSE where nothing is to be drawn. */
void uota_progress_init(UotaProgressBar *bar, const char *label, gboolean wanted);

/* @done of @total bytes have left; @path is on its way. */
void uota_progress_update(UotaProgressBar *bar, const char *path, guint64 done, guint64 total);

/* Puts @text in the bar's place. */
void uota_progress_say(UotaProgressBar *bar, const char *text);

/* Wipes the bar, so that a line can follow. */
void uota_progress_clear(UotaProgressBar *bar);
