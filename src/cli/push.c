/* What `fast` and `full` share. */
#include "cli/push.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/board.h"
#include "cli/progress.h"
#include "cli/state.h"
#include "core/cache.h"
#include "core/error.h"
#include "core/release.h"
#include "core/text.h"
#include "protocol/update.h"

typedef struct {
	const UotaBoard *board;
	const UotaManifest *manifest;
	UotaProgressBar bar;
	guint64 bytes;     /* of all files */
	const char *phase; /* protocol 2: what is being done; NULL: 1.0, or not begun */
	gint64 told;       /* monotonic time of the last event, microseconds */
	gboolean no_trial;
} Push;

#define RETRIES_MAX 20
#define EVENT_US 100000 /* between two events of one file, at least */

/* An editor's line of what happens, among them the report as the last. */
static void tell_event(Push *push, const char *file, guint64 bytes, guint64 total)
{
	json_t *event;

	if (!push->board->options->json || !push->phase)
		return;
	event = json_pack("{s:s, s:s}", "event", "progress", "phase", push->phase);
	if (file)
		json_object_update_new(
			event, json_pack("{s:s, s:I, s:I}", "file", file, "bytes",
				       (json_int_t)bytes, "total", (json_int_t)total));
	push->told = g_get_monotonic_time();
	uota_print_json(event);
	(void)fflush(stdout);
}

static void on_phase(const char *name, gpointer user_data)
{
	Push *push = user_data;

	push->phase = name;
	tell_event(push, NULL, 0, 0);
}

static void on_retrying(guint attempt, const GError *cause, gpointer user_data)
{
	Push *push = user_data;

	uota_progress_clear(&push->bar);
	uota_warn(push->board->options, "warning: %s: %s: trying again (%u)", push->board->host,
		cause->message, attempt);
}

static void on_progress(const char *path, guint64 done, guint64 total, gpointer user_data)
{
	Push *push = user_data;

	uota_progress_update(&push->bar, path, done, total);
	if (done == total || g_get_monotonic_time() - push->told > EVENT_US)
		tell_event(push, path, done, total);
}

static void on_waiting(const UotaStatus *status, gpointer user_data)
{
	Push *push = user_data;
	g_autofree char *text = status ? uota_state_text(status) : NULL;

	uota_progress_say(&push->bar, text ? text : "the board restarts …");
	if (!status && push->phase)
		on_phase("wait", push);
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

/* Without a trial it is confirmed before its app has had the time to die. */
static char *confirmed(const Push *push, const UotaUpdateResult *result)
{
	if (push->no_trial)
		return g_strdup_printf("%s confirmed without a trial", push->manifest->version);
	return g_strdup_printf(
		"%s confirmed after %.0f s", push->manifest->version, result->waited);
}

/* What has become of the update, as the last words of the report; NULL: it was not waited for. */
static char *verdict_of(const Push *push, const UotaUpdateResult *result)
{
	const char *version = push->manifest->version;
	g_autofree char *phrase =
		result->verdict.status ? uota_state_phrase(result->verdict.status) : NULL;

	switch (result->verdict.outcome) {
	case UOTA_OUTCOME_BACK:
		return g_strdup("the board is back");
	case UOTA_OUTCOME_RUNNING:
		return g_strdup_printf("%s running, %s", version, phrase);
	case UOTA_OUTCOME_CONFIRMED:
		return confirmed(push, result);
	default:
		return phrase ? g_strdup_printf("%s %s", version, phrase) : NULL;
	}
}

static guint count_moved(const UotaUpdateResult *result)
{
	guint count = 0;

	for (guint i = 0; i < result->push2.plan->len; i++) {
		const UotaPlanned *planned = result->push2.plan->pdata[i];

		count += strcmp(planned->why, "deleted") != 0;
	}
	return count;
}

/* What was done, in a few words. */
static char *summary_of(const Push *push, const UotaUpdateResult *result)
{
	g_autofree char *size = g_format_size(result->bytes);
	g_autofree char *sent = g_format_size(result->sent);

	if (result->protocol != 2)
		return g_strdup_printf("%u files, %s, %.1f s", result->files, size, result->pushed);
	return g_strdup_printf("%u files, %u changed, %s sent (of %s), %.1f s", result->files,
		count_moved(result), sent, size, result->pushed);
}

static void print_plan(const Push *push, const UotaUpdateResult *result)
{
	g_autofree char *size = NULL;
	guint64 bytes = 0;
	guint files = 0;

	for (guint i = 0; i < result->push2.plan->len; i++) {
		const UotaPlanned *planned = result->push2.plan->pdata[i];

		printf("  %-8s %8" G_GUINT64_FORMAT "  %s\n", planned->why, planned->bytes,
			planned->path);
		files +=
			strcmp(planned->why, "deleted") != 0 && strcmp(planned->why, "copied") != 0;
		bytes += planned->bytes;
	}
	size = g_format_size(bytes);
	printf("%s: dry run: %u of %u files would travel, %s\n", push->board->host, files,
		result->files, size);
}

static void print(const Push *push, const UotaUpdateResult *result)
{
	g_autofree char *summary = summary_of(push, result);
	g_autofree char *verdict = verdict_of(push, result);
	g_autofree char *remarks =
		result->verdict.status ? uota_state_remarks(result->verdict.status) : NULL;

	if (result->verdict.outcome == UOTA_OUTCOME_SAME) {
		printf("%s: already up to date (%s)\n", push->board->host, push->manifest->version);
		return;
	}
	if (result->verdict.outcome == UOTA_OUTCOME_PLANNED) {
		print_plan(push, result);
		return;
	}
	printf("%s: %s installed, %s%s%s%s\n", push->board->host, push->manifest->version, summary,
		verdict ? "; " : "", verdict ? verdict : "", remarks ? remarks : "");
}

static void print_failure(const Push *push, const UotaUpdateResult *result, const GError *error)
{
	printf("%s: %s\n", push->board->host, error->message);
	if (result->verdict.crash && result->verdict.crash->trace)
		uota_print_trace(result->verdict.crash->trace);
}

/* What protocol 2 knows besides. */
static void add_protocol2(const UotaUpdateResult *result, json_t *object)
{
	json_t *plan = json_array();

	for (guint i = 0; i < result->push2.plan->len; i++) {
		const UotaPlanned *planned = result->push2.plan->pdata[i];

		json_array_append_new(
			plan, json_pack("{s:s, s:s, s:I}", "path", planned->path, "why",
				      planned->why, "bytes", (json_int_t)planned->bytes));
	}
	json_object_update_new(
		object, json_pack("{s:s, s:i, s:I, s:b, s:b, s:o}", "session", "push", "changed",
				(int)count_moved(result), "sent", (json_int_t)result->sent,
				"unchanged", result->push2.same, "dryRun",
				result->verdict.outcome == UOTA_OUTCOME_PLANNED, "plan", plan));
}

static json_t *to_json(const Push *push, const UotaUpdateResult *result)
{
	json_t *object = json_pack("{s:s, s:i, s:s, s:s, s:i, s:I, s:f, s:f, s:b}", "host",
		push->board->host, "port", (int)push->board->port, "pushed",
		push->manifest->version, "session",
		result->used == UOTA_PUSH_STREAM ? "stream_ota" : "start_ota", "files",
		(int)result->files, "bytes", (json_int_t)result->bytes, "seconds",
		result->pushed + result->waited, "waited", result->waited, "back",
		result->verdict.outcome != UOTA_OUTCOME_COMMITTED);

	json_object_set_new(object, "protocol", json_integer(result->protocol));
	if (result->protocol == 2)
		add_protocol2(result, object);
	if (result->verdict.crash)
		uota_crash_to_json(result->verdict.crash, object);
	if (result->verdict.status)
		uota_state_to_json(result->verdict.status, object);
	else
		json_object_set_new(object, "version", json_string(push->manifest->version));
	return object;
}

/* @error: (nullable) that it was rolled back. */
static void report(const Push *push, const UotaUpdateResult *result, const GError *error)
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

static gboolean run(Push *push, const UotaUpdateOptions *options, GError **error)
{
	g_auto(UotaUpdateResult) result = {0};
	g_autoptr(GError) cause = NULL;
	gboolean ok = uota_update(&push->board->target, push->manifest, options, &result, &cause);

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

void uota_push_flags_clear(UotaPushFlags *flags)
{
	g_free(flags->old_secrets);
}

static gboolean check_flags(const char *command, const UotaPushFlags *flags, GError **error)
{
	if (flags->retries < 0 || flags->retries > RETRIES_MAX) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE, "%s: --retries: 0 to %d", command,
			RETRIES_MAX);
		return FALSE;
	}
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
	Push push = {.board = &board, .no_trial = flags->no_rollback};
	UotaUpdateOptions push_options = {
		.kind = scope == UOTA_SCOPE_FAST ? UOTA_PUSH_STREAM : UOTA_PUSH_COMPLETE,
		.wipe = flags->wipe,
		.no_rollback = flags->no_rollback,
		.force = flags->force,
		.follow = {.wait = how_long(scope, flags),
			.waiting = on_waiting,
			.user_data = &push},
		.verify = flags->verify,
		.downgrade = flags->downgrade,
		.dry_run = flags->dry_run,
		.retries = (guint)flags->retries,
		.progress = on_progress,
		.phase = on_phase,
		.retrying = on_retrying,
		.restarting = on_restarting,
		.user_data = &push,
	};

	if (!check_flags(command, flags, error) || !uota_board_init(&board, options, TRUE, error))
		return FALSE;
	if (flags->old_secrets && !uota_board_old_secrets(&board, flags->old_secrets, error))
		return FALSE;
	manifest = uota_release_make(
		board.dir, board.config, scope, options->version, board.cancellable, error);
	if (!manifest)
		return FALSE;
	push.manifest = manifest;
	push.bytes = sum_sizes(manifest->files);
	push_options.key = board.config->signing_key;
	push_options.config = board.config;
	push_options.bytecode = uota_cache_bytecode(board.dir);
	push_options.follow.return_ms = uota_board_return_ms(&board);
	push_options.follow.network_ms = board.config->confirm_network * 1000;
	uota_progress_init(&push.bar, command, !options->quiet && !options->json);
	announce(&push);
	return run(&push, &push_options, error);
}
