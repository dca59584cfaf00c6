/* `uota version`: what the board has installed. */
#include <stdio.h>

#include "cli/board.h"
#include "core/text.h"

static void print(const UotaBoard *board, const char *version)
{
	g_autofree char *text = uota_text_printable(version, 256);

	if (board->options->json)
		uota_print_json(json_pack("{s:s, s:i, s:s}", "host", board->host, "port",
			(int)board->port, "version", version));
	else
		puts(text);
}

gboolean uota_cmd_version(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_auto(UotaBoard) board = {0};
	g_autoptr(UotaSession) session = NULL;
	g_autofree char *version = NULL;

	if (!uota_options_parse(&options, "version", NULL, &argc, &argv, 0, error) ||
		!uota_board_init(&board, &options, FALSE, error))
		return FALSE;
	session = uota_target_open(&board.target, error);
	if (session)
		version = uota_session_version(session, error);
	if (!version) {
		g_prefix_error(error, "%s: ", board.host);
		return FALSE;
	}
	print(&board, version);
	return TRUE;
}
