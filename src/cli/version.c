/* `uota version`: what the board has installed, and how it stands. */
#include <stdio.h>

#include "cli/board.h"
#include "cli/state.h"

gboolean uota_cmd_version(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_auto(UotaBoard) board = {0};
	g_autoptr(UotaSession) session = NULL;
	g_autoptr(UotaStatus) status = NULL;

	if (!uota_options_parse(&options, "version", NULL, &argc, &argv, 0, error) ||
		!uota_board_init(&board, &options, FALSE, error))
		return FALSE;
	session = uota_target_open(&board.target, error);
	if (session)
		status = uota_session_status(session, error);
	if (!status) {
		g_prefix_error(error, "%s: ", board.host);
		return FALSE;
	}
	uota_board_report(&board, status);
	return TRUE;
}
