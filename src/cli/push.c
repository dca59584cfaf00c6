/* What `fast` and `full` share. */
#include "cli/push.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/board.h"
#include "cli/progress.h"
#include "cli/state.h"
#include "core/error.h"
#include "core/release.h"
#include "core/text.h"

typedef struct {
	const UotaBoard *board;
	const UotaManifest *manifest;
	UotaProgressBar bar;
	guint64 bytes; /* of all files */
} Push;

static void on_progress(const char *path, guint64 done, guint64 total, gpointer user_data)
{
	Push *push = user_data;

	uota_progress_update(&push->bar, path, done, total);
}

static void on_waiting(const UotaStatus *status, gpointer user_data)
{
	Push *push = user_data;
	g_autofree char *text = status ? uota_state_text(status) : NULL;

	uota_progress_say(&push->bar, text ? text : "the board restarts …");
}

static void on_restarting(gpointer user_data)
{
	Push *push = user_data;

	uota_progress_clear(&push->bar);
	if (!push->board->options->quiet && !push->board->options->json)
		fputs("the app leaves too little memory for the update: the board restarts without "
		      "it, and gets the update once more\n",
			stderr);
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

/* What has become of the update, as the last words of the report; NULL: it was not waited for. */
static char *verdict_of(const Push *push, const UotaPushResult *result)
{
	const char *version = push->manifest->version;
	g_autofree char *phrase = result->status ? uota_state_phrase(result->status) : NULL;

	switch (result->outcome) {
	case UOTA_OUTCOME_BACK:
		return g_strdup("the board is back");
	case UOTA_OUTCOME_RUNNING:
		return g_strdup_printf("%s running, %s", version, phrase);
	case UOTA_OUTCOME_CONFIRMED:
		return g_strdup_printf("%s confirmed after %.0f s", version, result->waited);
	default:
		return phrase ? g_strdup_printf("%s %s", version, phrase) : NULL;
	}
}

static void print(const Push *push, const UotaPushResult *result)
{
	g_autofree char *size = g_format_size(push->bytes);
	g_autofree char *verdict = verdict_of(push, result);

	printf("%s: %s installed, %u files, %s, %.1f s%s%s\n", push->board->host,
		push->manifest->version, push->manifest->files->len, size, result->pushed,
		verdict ? "; " : "", verdict ? verdict : "");
}

static void print_failure(const Push *push, const UotaPushResult *result, const GError *error)
{
	printf("%s: %s\n", push->board->host, error->message);
	if (result->crash && result->crash->trace)
		uota_print_trace(result->crash->trace);
}

static json_t *to_json(const Push *push, const UotaPushResult *result)
{
	json_t *object = json_pack("{s:s, s:i, s:s, s:s, s:i, s:I, s:f, s:f, s:b}", "host",
		push->board->host, "port", (int)push->board->port, "pushed",
		push->manifest->version, "session",
		result->used == UOTA_PUSH_STREAM ? "stream_ota" : "start_ota", "files",
		(int)push->manifest->files->len, "bytes", (json_int_t)push->bytes, "seconds",
		result->pushed + result->waited, "waited", result->waited, "back",
		result->outcome != UOTA_OUTCOME_COMMITTED);

	if (result->crash)
		uota_crash_to_json(result->crash, object);
	if (result->status)
		uota_state_to_json(result->status, object);
	else
		json_object_set_new(object, "version", json_string(push->manifest->version));
	return object;
}

/* @error: (nullable) that it was rolled back. */
static void report(const Push *push, const UotaPushResult *result, const GError *error)
{
	const UotaOptions *options = push->board->options;
	json_t *object;

	if (options->json) {
		object = to_json(push, result);
		if (error)
			json_object_update_new(
				object, json_pack("{s:s, s:i}", "error", error->message, "status",
						uota_error_status(error)));
		uota_print_json(object);
	} else if (!options->quiet && error) {
		print_failure(push, result, error);
	} else if (!options->quiet) {
		print(push, result);
	}
}

static gboolean run(Push *push, const UotaPushOptions *options, GError **error)
{
	g_auto(UotaPushResult) result = {0};
	g_autoptr(GError) cause = NULL;
	gboolean ok =
		uota_target_push(&push->board->target, push->manifest, options, &result, &cause);

	uota_progress_clear(&push->bar);
	if (ok || g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_ROLLED_BACK))
		report(push, &result, cause);
	if (ok)
		return TRUE;
	g_propagate_prefixed_error(
		error, g_steal_pointer(&cause), "failed to push to %s: ", push->board->host);
	return FALSE;
}

/* Who looks on does not want to wait for all of a trial each time; a script wants the verdict. */
static UotaWait how_long(UotaScope scope, const UotaPushFlags *flags)
{
	if (flags->no_wait)
		return UOTA_WAIT_NOT;
	if (scope == UOTA_SCOPE_FAST && !flags->wait && isatty(STDOUT_FILENO) &&
		isatty(STDERR_FILENO))
		return UOTA_WAIT_RUNNING;
	return UOTA_WAIT_VERDICT;
}

static gboolean check_flags(const char *command, const UotaPushFlags *flags, GError **error)
{
	if (!flags->wait || !flags->no_wait)
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
		"%s: --wait and --no-wait: only one of them", command);
	return FALSE;
}

gboolean uota_push_project(const char *command, UotaScope scope, const UotaOptions *options,
	const UotaPushFlags *flags, GError **error)
{
	g_auto(UotaBoard) board = {0};
	g_autoptr(UotaManifest) manifest = NULL;
	Push push = {.board = &board};
	UotaPushOptions push_options = {
		.kind = scope == UOTA_SCOPE_FAST ? UOTA_PUSH_STREAM : UOTA_PUSH_COMPLETE,
		.wipe = flags->wipe,
		.no_rollback = flags->no_rollback,
		.force = flags->force,
		.wait = how_long(scope, flags),
		.progress = on_progress,
		.waiting = on_waiting,
		.restarting = on_restarting,
		.user_data = &push,
	};

	if (!check_flags(command, flags, error) || !uota_board_init(&board, options, TRUE, error))
		return FALSE;
	manifest = uota_release_make(
		board.dir, board.config, scope, options->version, board.cancellable, error);
	if (!manifest)
		return FALSE;
	push.manifest = manifest;
	push.bytes = sum_sizes(manifest->files);
	push_options.key = board.config->signing_key;
	push_options.return_ms = uota_board_return_ms(&board);
	push_options.network_ms = board.config->confirm_network * 1000;
	uota_progress_init(&push.bar, command, !options->quiet && !options->json);
	announce(&push);
	return run(&push, &push_options, error);
}
