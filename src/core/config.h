/* The project's configuration: config/ota.json with config/.ota.secrets.json merged over it,
 * checked by type and range, and the form of it that a board receives. */
#pragma once

#include <gio/gio.h>
#include <jansson.h>

#define UOTA_CONFIG_PATH "config/ota.json"
#define UOTA_SECRETS_PATH "config/.ota.secrets.json"
#define UOTA_VERSION_MAX 64 /* bytes of a version string */

typedef struct {
	char *version;        /* 1 to UOTA_VERSION_MAX bytes, no control characters */
	char *hostname;       /* address or name of the board */
	guint16 port;         /* OTA port, 2018 */
	guint16 remoteio_port; /* RemoteIO port, 2019 */
	char *ota_password;   /* plaintext from the secrets file; NULL: none */
	char *signing_key;    /* NULL: none */
	char *ble_name;       /* at most 20 bytes */
	char **transports;    /* wifi_tcp, serial, ble, http_pull; at least one */
	char *manifest_url;   /* NULL: none */
	guint pull_interval;  /* seconds */
	char **excluded_files, **fast_ota_files, **full_ota_files, **mpy_files; /* globs */
	json_t *device;       /* what the board gets as /config/ota.json; see below */
} UotaConfig;

/* Reads the configuration of the project in @project_dir.
 *
 * @warnings: (element-type utf8) one line is appended for each thing that is legal but probably
 *   not meant: unknown keys with the nearest known one. Not NULL; the caller frees.
 *
 * Errors name file, line and column for broken JSON and duplicate keys, file and key for a value
 * of the wrong type or out of range. A value "***" (a secret read back from a board) is refused.
 * Returns: (transfer full) */
UotaConfig *uota_config_load(
	const char *project_dir, GPtrArray *warnings, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same from text; what uota_config_load() does after reading, and what fuzzing feeds.
 * @secrets: (nullable) text of the secrets file. @name, @secrets_name: for messages. */
UotaConfig *uota_config_parse(const char *text, gsize len, const char *name, const char *secrets,
	gsize secrets_len, const char *secrets_name, GPtrArray *warnings,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

void uota_config_free(UotaConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaConfig, uota_config_free)

/* The /config/ota.json that a board receives: ota.json as written, with signingKey set and
 * otaPassword replaced by the hex SHA-256 of the plaintext; the plaintext is never in it.
 * Indented by four spaces, a newline at the end, key order kept. Returns: (transfer full) */
GBytes *uota_config_device_json(const UotaConfig *config);

/* FALSE, with a message that says what a version must be, unless @version is 1 to
 * UOTA_VERSION_MAX bytes of UTF-8 without control characters. */
gboolean uota_config_check_version(
	const char *version, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The name in @names (NULL-terminated) nearest to @word by edit distance, or NULL when none is
 * near enough to be what was meant. For unknown keys and unknown commands. */
const char *uota_nearest(const char *word, const char *const *names);
