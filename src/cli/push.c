/* What `fast` and `full` share. */
#include "cli/push.h"

#include <stdio.h>

#include "cli/board.h"
#include "cli/progress.h"
#include "core/release.h"

#define WAIT_MS 60000 /* for a board to restart and join its Wi-Fi */

typedef struct {
	const UotaBoard *board;
	const UotaManifest *manifest;
	UotaProgressBar bar;
	guint64 bytes; /* of all files */
	gint64 start;  /* monotonic time, microseconds */
} Push;

static void on_progress(const char *path, guint64 done, guint64 total, gpointer user_data)
{
	Push *push = user_data;

	uota_progress_update(&push->bar, path, done, total);
}

static void on_waiting(gpointer user_data)
{
	Push *push = user_data;

	uota_progress_say(&push->bar, "the board restarts …");
}

static guint64 sum_sizes(const GPtrArray *files)
{
	guint64 sum = 0;

	for (guint i = 0; i < files->len; i++)
		sum += ((const UotaFile *)g_ptr_array_index(files, i))->size;
	return sum;
}

static void list_files(const GPtrArray *files)
{
	for (guint i = 0; i < files->len; i++) {
		const UotaFile *file = g_ptr_array_index(files, i);

		fprintf(stderr, "  %8" G_GUINT64_FORMAT "  %s\n", file->size, file->path);
	}
}

static void announce(const Push *push)
{
	const UotaOptions *options = push->board->options;
	g_autofree char *size = g_format_size(push->bytes);

	if (options->quiet || options->json)
		return;
	fprintf(stderr, "%s to %s:%u: %u files, %s%s\n", push->manifest->version, push->board->host,
		push->board->port, push->manifest->files->len, size,
		push->board->config->signing_key ? ", signed" : ", not signed");
	if (options->verbose)
		list_files(push->manifest->files);
}

static void report(const Push *push, UotaPushKind used, UotaOutcome outcome)
{
	const UotaManifest *manifest = push->manifest;
	double seconds = (double)(g_get_monotonic_time() - push->start) / G_USEC_PER_SEC;
	g_autofree char *size = g_format_size(push->bytes);

	if (push->board->options->json)
		uota_print_json(json_pack("{s:s, s:i, s:s, s:s, s:i, s:I, s:f, s:b}", "host",
			push->board->host, "port", (int)push->board->port, "version",
			manifest->version, "session",
			used == UOTA_PUSH_STREAM ? "stream_ota" : "start_ota", "files",
			(int)manifest->files->len, "bytes", (json_int_t)push->bytes, "seconds",
			seconds, "back", outcome == UOTA_OUTCOME_BACK));
	else if (!push->board->options->quiet)
		printf("%s: %s installed, %u files, %s, %.1f s%s\n", push->board->host,
			manifest->version, manifest->files->len, size, seconds,
			outcome == UOTA_OUTCOME_BACK ? "; the board is back" : "");
}

static gboolean run(Push *push, const UotaPushOptions *options, GError **error)
{
	UotaPushKind used;
	UotaOutcome outcome;
	gboolean ok = uota_target_push(
		&push->board->target, push->manifest, options, &used, &outcome, error);

	uota_progress_clear(&push->bar);
	if (ok)
		report(push, used, outcome);
	else
		g_prefix_error(error, "failed to push to %s: ", push->board->host);
	return ok;
}

gboolean uota_push_project(const char *command, UotaScope scope, const UotaOptions *options,
	const UotaPushFlags *flags, GError **error)
{
	g_auto(UotaBoard) board = {0};
	g_autoptr(UotaManifest) manifest = NULL;
	Push push = {.board = &board, .start = g_get_monotonic_time()};
	UotaPushOptions push_options = {
		.kind = scope == UOTA_SCOPE_FAST ? UOTA_PUSH_STREAM : UOTA_PUSH_COMPLETE,
		.wipe = flags->wipe,
		.wait_ms = flags->no_wait ? 0 : WAIT_MS,
		.progress = on_progress,
		.waiting = on_waiting,
		.user_data = &push,
	};

	if (!uota_board_init(&board, options, TRUE, error))
		return FALSE;
	manifest = uota_release_make(
		board.dir, board.config, scope, options->version, board.cancellable, error);
	if (!manifest)
		return FALSE;
	push.manifest = manifest;
	push.bytes = sum_sizes(manifest->files);
	push_options.key = board.config->signing_key;
	uota_progress_init(&push.bar, command, !options->quiet && !options->json);
	announce(&push);
	return run(&push, &push_options, error);
}
