/* The board that a command is for: project, configuration and options put together. */
#pragma once

#include "cli/cli.h"
#include "protocol/target.h"

typedef struct {
	const UotaOptions *options;
	char *dir;          /* the project's folder; NULL outside of one */
	UotaConfig *config; /* NULL outside of a project */
	char *host;
	guint16 port;
	GCancellable *cancellable; /* Ctrl-C */
	UotaKnown known;
	UotaSecrets old;
	UotaTarget target;
} UotaBoard;

/* Finds project and board. Without @need_project a --host is enough. @options must outlive it. */
gboolean uota_board_init(UotaBoard *board, const UotaOptions *options, gboolean need_project,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Milliseconds that the board may take to restart and to join its Wi-Fi. */
guint uota_board_return_ms(const UotaBoard *board);

/* Prints the state of the board on stdout as the options want it. */
void uota_board_report(const UotaBoard *board, const UotaStatus *status);

void uota_board_clear(UotaBoard *board);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UotaBoard, uota_board_clear)

/* Reads the secrets before these from @path, a file like config/.ota.secrets.json: the board has
 * them still. */
gboolean uota_board_old_secrets(UotaBoard *board, const char *path, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
