/* `uota crash`: why the app, or the last update, failed. */
#include <stdio.h>

#include "cli/board.h"
#include "cli/state.h"
#include "core/error.h"
#include "core/text.h"

#define TEXT_MAX 300 /* bytes that are shown of the board's words */

static void print(const UotaCrash *crash)
{
	g_autofree char *version = uota_text_printable(crash->version ? crash->version : "?", 80);
	g_autofree char *why = uota_text_printable(crash->why ? crash->why : "", TEXT_MAX);

	if (!crash->why && !crash->trace) {
		puts("the board has kept no traceback");
		return;
	}
	printf("%s: %s\n", version, why);
	if (crash->trace)
		uota_print_trace(crash->trace);
}

static void report(const UotaBoard *board, const UotaCrash *crash)
{
	json_t *object;

	if (board->options->json) {
		object = json_pack("{s:s, s:i}", "host", board->host, "port", (int)board->port);
		uota_crash_to_json(crash, object);
		uota_print_json(object);
	} else if (!board->options->quiet) {
		print(crash);
	}
}

gboolean uota_cmd_crash(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_auto(UotaBoard) board = {0};
	g_autoptr(UotaSession) session = NULL;
	g_autoptr(UotaCrash) crash = NULL;

	if (!uota_options_parse(&options, "crash", NULL, &argc, &argv, 0, error) ||
		!uota_board_init(&board, &options, FALSE, error))
		return FALSE;
	session = uota_target_open(&board.target, error);
	if (session)
		crash = uota_session_crash(session, error);
	if (!crash) {
		g_prefix_error(error, "%s: ", board.host);
		return FALSE;
	}
	report(&board, crash);
	return TRUE;
}
