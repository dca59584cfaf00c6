/* The public face of the library: plain C over the layers below. */
#include "uota.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/release.h"
#include "protocol/update.h"
#include "transport/tcp.h"

#define DEFAULT_TIMEOUT_MS 10000
#define DEFAULT_RETURN_MS 60000
#define DEFAULT_RETRIES 3

struct uota_client {
	char *dir, *host;
	guint16 port;
	UotaConfig *config;
	UotaKnown known;
	UotaTarget target;
};

static void hand_over(GError *cause, uota_error *error)
{
	g_autoptr(GError) owned = cause;
	int status = uota_error_status(cause);

	if (error && cause)
		*error = (uota_error){(uota_status)status, strdup(cause->message)};
}

void uota_error_clear(uota_error *error)
{
	free(error->text);
	*error = (uota_error){0};
}

static UotaTransport *connect_tcp(
	gpointer user_data, UotaDeadline deadline, GCancellable *cancellable, GError **error)
{
	const uota_client *client = user_data;

	return uota_tcp_connect(client->host, client->port, deadline, cancellable, error);
}

uota_client *uota_client_new(const char *project_dir, const char *host, uint16_t port,
	unsigned timeout_ms, uota_error *error)
{
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	GError *cause = NULL;
	UotaConfig *config = uota_config_load(project_dir, warnings, &cause);
	uota_client *client;

	if (!config) {
		hand_over(cause, error);
		return NULL;
	}
	client = g_new0(uota_client, 1);
	client->dir = g_strdup(project_dir);
	client->host = g_strdup(host ? host : config->hostname ? config->hostname : "");
	client->port = port ? port : config->port;
	client->config = config;
	client->target = (UotaTarget){
		.connect = connect_tcp,
		.connect_data = client,
		.proof = {.credentials = {config->ota_password, config->signing_key},
			.only2 = config->min_protocol >= 2},
		.known = &client->known,
		.timeout_ms = timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS,
		.cancellable = g_cancellable_new(),
	};
	return client;
}

void uota_client_free(uota_client *client)
{
	if (!client)
		return;
	g_object_unref(client->target.cancellable);
	uota_config_free(client->config);
	g_free(client->dir);
	g_free(client->host);
	g_free(client);
}

void uota_client_set_legacy(uota_client *client, int allowed)
{
	client->target.proof.legacy = allowed != 0;
}

void uota_client_cancel(uota_client *client)
{
	g_cancellable_cancel(client->target.cancellable);
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

/* @from: (nullable) what was told. */
static void tell(const UotaStatus *from, uota_board_status *to)
{
	static const uota_state states[] = {
		[UOTA_STATE_UNTOLD] = UOTA_UNTOLD,
		[UOTA_STATE_CONFIRMED] = UOTA_CONFIRMED,
		[UOTA_STATE_TRIAL] = UOTA_TRIAL,
		[UOTA_STATE_ROLLED_BACK] = UOTA_ROLLED_BACK,
	};

	if (!to)
		return;
	*to = (uota_board_status){0};
	if (!from)
		return;
	*to = (uota_board_status){
		.version = copy(from->version),
		.agent = copy(from->agent),
		.state = states[from->state],
		.left = from->left,
		.awaits_app = uota_status_awaits_app(from),
		.from = copy(from->from),
		.why = copy(from->why),
		.crash = copy(from->crash),
		.safe = from->safe,
	};
}

void uota_board_status_clear(uota_board_status *status)
{
	free(status->version);
	free(status->agent);
	free(status->from);
	free(status->why);
	free(status->crash);
	*status = (uota_board_status){0};
}

int uota_client_status(uota_client *client, uota_board_status *status, uota_error *error)
{
	GError *cause = NULL;
	g_autoptr(UotaSession) session = uota_target_open(&client->target, &cause);
	g_autoptr(UotaStatus) told = session ? uota_session_status(session, &cause) : NULL;

	hand_over(cause, error);
	tell(told, status);
	return told != NULL;
}

char *uota_client_crash(uota_client *client, uota_error *error)
{
	GError *cause = NULL;
	g_autoptr(UotaSession) session = uota_target_open(&client->target, &cause);
	g_autoptr(UotaCrash) crash = session ? uota_session_crash(session, &cause) : NULL;

	hand_over(cause, error);
	return crash ? strdup(crash->trace ? crash->trace : "") : NULL;
}

static guint return_ms(unsigned wanted)
{
	return wanted ? wanted : DEFAULT_RETURN_MS;
}

int uota_client_rollback(
	uota_client *client, unsigned wanted_ms, uota_board_status *status, uota_error *error)
{
	GError *cause = NULL;
	g_autoptr(UotaStatus) told = NULL;

	if (uota_target_command(&client->target, "rollback", &cause))
		told = uota_verdict_await_return(
			&client->target, return_ms(wanted_ms), FALSE, &cause);
	hand_over(cause, error);
	tell(told, status);
	return told != NULL;
}

static UotaUpdateOptions translate(const uota_client *client, const uota_push_options *options)
{
	static const UotaWait waits[] = {
		[UOTA_UNTIL_VERDICT] = UOTA_WAIT_VERDICT,
		[UOTA_UNTIL_RUNNING] = UOTA_WAIT_RUNNING,
		[UOTA_UNTIL_COMMITTED] = UOTA_WAIT_NOT,
	};

	return (UotaUpdateOptions){
		.kind = options->scope == UOTA_FAST ? UOTA_PUSH_STREAM : UOTA_PUSH_COMPLETE,
		.wipe = options->scope == UOTA_FULL && options->wipe,
		.no_rollback = options->no_rollback,
		.force = options->force,
		.key = client->config->signing_key,
		.config = client->config,
		.retries = DEFAULT_RETRIES,
		.follow = {.wait = waits[options->follow],
			.return_ms = return_ms(options->return_ms),
			.network_ms = client->config->confirm_network * 1000},
		.progress = options->progress,
		.user_data = options->user_data,
	};
}

int uota_client_push(uota_client *client, const uota_push_options *options,
	uota_board_status *status, uota_error *error)
{
	GError *cause = NULL;
	g_auto(UotaUpdateResult) result = {0};
	UotaUpdateOptions translated = translate(client, options);
	g_autoptr(UotaManifest) manifest = uota_release_make(client->dir, client->config,
		options->scope == UOTA_FAST ? UOTA_SCOPE_FAST : UOTA_SCOPE_FULL, options->version,
		client->target.cancellable, &cause);
	gboolean ok =
		manifest && uota_update(&client->target, manifest, &translated, &result, &cause);

	hand_over(cause, error);
	tell(result.verdict.status, status);
	return ok;
}
