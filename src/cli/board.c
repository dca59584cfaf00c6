/* The board that a command is for. */
#include "cli/board.h"

#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/state.h"
#include "core/error.h"
#include "core/project.h"
#include "transport/tcp.h"

#define DEFAULT_PORT 2018
#define RETURN_MS 60000 /* longer with a longer --timeout */

static UotaTransport *connect_tcp(
	gpointer user_data, UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	const UotaBoard *board = user_data;
	UotaTransport *transport =
		uota_tcp_connect(board->host, board->port, deadline, cancellable, error);

	if (!transport)
		g_prefix_error(error, "connecting: ");
	return transport;
}

static gboolean load_config(UotaBoard *board, gboolean need_project, GError **error)
{
	const UotaOptions *options = board->options;
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) cause = NULL;

	board->dir = uota_project_find(options->dir, &cause);
	if (!board->dir) {
		if (!need_project && options->host && !options->dir)
			return TRUE;
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	board->config = uota_config_load(board->dir, warnings, error);
	for (guint i = 0; i < warnings->len; i++)
		uota_warn(options, "warning: %s", (const char *)g_ptr_array_index(warnings, i));
	return board->config != NULL;
}

/* The first of the configured transports that this tool speaks, or what --transport says. */
static gboolean check_transport(const UotaBoard *board, GError **error)
{
	const char *wanted = board->options->transport;

	if (wanted && strcmp(wanted, "wifi_tcp") != 0) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"--transport %s: this uota speaks wifi_tcp only", wanted);
		return FALSE;
	}
	if (!wanted && board->config &&
		!g_strv_contains((const char *const *)board->config->transports, "wifi_tcp")) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"%s: transports: this uota speaks wifi_tcp only, and it is not among them",
			UOTA_CONFIG_PATH);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_password(const UotaBoard *board, GError **error)
{
	const UotaConfig *config = board->config;

	if (!config || config->ota_password || !config->ota_password_hash)
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"%s has only the hash of the OTA password: put the password itself into %s as "
		"\"otaPassword\"",
		UOTA_CONFIG_PATH, UOTA_SECRETS_PATH);
	return FALSE;
}

static gboolean check_host(const UotaBoard *board, GError **error)
{
	if (board->options->host || board->config->hostname)
		return TRUE;
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		UOTA_CONFIG_PATH ": hostname is empty: put the board's address or name there, or "
				 "give it with --host");
	return FALSE;
}

static void on_notice(const char *text, gpointer user_data)
{
	const UotaBoard *board = user_data;

	uota_warn(board->options, "warning: %s: %s", board->host, text);
}

static UotaProof proof_of(const UotaBoard *board)
{
	UotaProof proof = {.legacy = board->options->legacy};

	if (!board->config)
		return proof;
	proof.credentials =
		(UotaCredentials){board->config->ota_password, board->config->signing_key};
	proof.only2 = board->config->min_protocol >= 2;
	return proof;
}

gboolean uota_board_init(
	UotaBoard *board, const UotaOptions *options, gboolean need_project, GError **error)
{
	memset(board, 0, sizeof *board);
	board->options = options;
	if (!load_config(board, need_project, error) || !check_host(board, error) ||
		!check_transport(board, error) || !check_password(board, error))
		return FALSE;
	board->host = g_strdup(options->host ? options->host : board->config->hostname);
	board->port = (guint16)(options->port   ? options->port
				: board->config ? board->config->port
						: DEFAULT_PORT);
	board->cancellable = uota_interrupt_cancellable();
	board->target = (UotaTarget){
		.connect = connect_tcp,
		.connect_data = board,
		.proof = proof_of(board),
		.known = &board->known,
		.notice = on_notice,
		.notice_data = board,
		.timeout_ms = uota_options_timeout_ms(options),
		.cancellable = board->cancellable,
	};
	return TRUE;
}

gboolean uota_board_old_secrets(UotaBoard *board, const char *path, GError **error)
{
	if (!uota_secrets_load(&board->old, path, error))
		return FALSE;
	board->target.old = (UotaCredentials){board->old.ota_password, board->old.signing_key};
	return TRUE;
}

guint uota_board_return_ms(const UotaBoard *board)
{
	return MAX(RETURN_MS, board->target.timeout_ms);
}

void uota_board_report(const UotaBoard *board, const UotaStatus *status)
{
	g_autofree char *text = uota_state_text(status);
	json_t *object;

	if (!board->options->json) {
		puts(text);
		return;
	}
	object = json_pack("{s:s, s:i}", "host", board->host, "port", (int)board->port);
	uota_state_to_json(status, object);
	uota_print_json(object);
}

void uota_board_clear(UotaBoard *board)
{
	g_free(board->dir);
	uota_config_free(board->config);
	g_free(board->host);
	uota_secrets_clear(&board->old);
	g_clear_object(&board->cancellable);
}
