/* `uota rollback`: back to the version that the board has kept. */
#include <stdio.h>

#include "cli/board.h"
#include "cli/progress.h"
#include "cli/state.h"
#include "protocol/verdict.h"

static gboolean await(const UotaBoard *board, GError **error)
{
	g_autoptr(UotaStatus) status = NULL;
	UotaProgressBar bar;

	uota_progress_init(&bar, "rollback", !board->options->quiet && !board->options->json);
	uota_progress_say(&bar, "the board restarts …");
	status = uota_verdict_await_return(
		&board->target, uota_board_return_ms(board), FALSE, error);
	uota_progress_clear(&bar);
	if (!status) {
		g_prefix_error(error, "%s goes back, but has not returned: ", board->host);
		return FALSE;
	}
	uota_board_report(board, status);
	return TRUE;
}

static void report_unawaited(const UotaBoard *board)
{
	if (board->options->json)
		uota_print_json(
			json_pack("{s:s, s:i}", "host", board->host, "port", (int)board->port));
	else if (!board->options->quiet)
		puts("the board goes back to the version that it has kept");
}

gboolean uota_cmd_rollback(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_auto(UotaBoard) board = {0};
	gboolean no_wait = FALSE;
	const GOptionEntry entries[] = {
		{"no-wait", 0, 0, G_OPTION_ARG_NONE, &no_wait,
			"Do not wait for the board to come back", NULL},
		G_OPTION_ENTRY_NULL,
	};

	if (!uota_options_parse(&options, "rollback", entries, &argc, &argv, 0, error) ||
		!uota_board_init(&board, &options, FALSE, error))
		return FALSE;
	if (!uota_target_command(&board.target, "rollback", error)) {
		g_prefix_error(error, "%s: ", board.host);
		return FALSE;
	}
	if (!no_wait)
		return await(&board, error);
	report_unawaited(&board);
	return TRUE;
}
