/* The public face of the library: plain C over the layers below. */
#include "uota.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/release.h"
#include "protocol/target.h"
#include "transport/tcp.h"

#define DEFAULT_TIMEOUT_MS 10000

struct uota_client {
	char *dir, *host;
	guint16 port;
	UotaConfig *config;
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
		.password = config->ota_password,
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

void uota_client_cancel(uota_client *client)
{
	g_cancellable_cancel(client->target.cancellable);
}

char *uota_client_version(uota_client *client, uota_error *error)
{
	GError *cause = NULL;
	g_autoptr(UotaSession) session = uota_target_open(&client->target, &cause);
	g_autofree char *version = session ? uota_session_version(session, &cause) : NULL;

	hand_over(cause, error);
	return version ? strdup(version) : NULL;
}

int uota_client_push(uota_client *client, uota_push_scope scope, const char *version,
	unsigned wait_ms, uota_progress progress, void *user_data, uota_error *error)
{
	GError *cause = NULL;
	UotaPushKind used;
	UotaOutcome outcome;
	UotaPushOptions options = {
		.kind = scope == UOTA_FAST ? UOTA_PUSH_STREAM : UOTA_PUSH_COMPLETE,
		.key = client->config->signing_key,
		.wait_ms = wait_ms,
		.progress = progress,
		.user_data = user_data,
	};
	g_autoptr(UotaManifest) manifest = uota_release_make(client->dir, client->config,
		scope == UOTA_FAST ? UOTA_SCOPE_FAST : UOTA_SCOPE_FULL, version,
		client->target.cancellable, &cause);
	gboolean ok = manifest && uota_target_push(&client->target, manifest, &options, &used,
					  &outcome, &cause);

	hand_over(cause, error);
	return ok;
}
