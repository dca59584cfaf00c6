/* The project's configuration: config/ota.json with config/.ota.secrets.json merged over it,
 * checked by type and range, and the form of it that a board receives. */
#pragma once

#include "core/json.h"

#define UOTA_CONFIG_PATH "config/ota.json"
#define UOTA_SECRETS_PATH "config/.ota.secrets.json"
#define UOTA_CONFIG_MAX (64 * 1024) /* bytes of either file */
#define UOTA_VERSION_MAX 64         /* bytes of a version string */

typedef struct {
	char *version;         /* 1 to UOTA_VERSION_MAX bytes, no control characters */
	char *hostname;        /* address or name of the board; NULL: none */
	guint16 port;          /* OTA port, 2018 */
	guint16 remoteio_port; /* RemoteIO port, 2019 */
	char *ota_password;    /* plaintext from the secrets file; NULL: none */
	/* its SHA-256 in hex, as the board has it; NULL: none. Set alone when only ota.json has it:
	 * then the plaintext is missing */
	char *ota_password_hash;
	char *signing_key;     /* NULL: none */
	char *ble_name;        /* at most 20 bytes */
	char **transports;     /* wifi_tcp, serial, ble, http_pull; at least one, each once */
	char *manifest_url;    /* NULL: none */
	guint pull_interval;   /* seconds */
	guint confirm_network; /* seconds in which a trial must have its network again */
	guint min_protocol;    /* 2: nothing older; 1 */
	char **excluded_files, **fast_ota_files, **full_ota_files, **mpy_files; /* globs */
	json_t *device; /* what the board gets as /config/ota.json; see below */
} UotaConfig;

/* Reads the configuration of the project in @project_dir.
 *
 * @warnings: (element-type utf8) one line is appended for each thing that is legal but probably
 *   not meant: unknown keys with the nearest known one, a secret in the wrong file, a secrets file
 *   that others can read, and the like. Not NULL; the caller frees.
 *
 * Errors name file, line and column for broken JSON and duplicate keys, file and key for a value
 * of the wrong type or out of range. A value "***" (a secret read back from a board) is refused.
 * No message quotes a value that may be a secret.
 * Returns: (transfer full) */
UotaConfig *uota_config_load(const char *project_dir, GPtrArray *warnings, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* The same from text; what uota_config_load() does after reading, and what fuzzing feeds.
 * @secrets: (nullable) text of the secrets file. @name, @secrets_name: for messages. */
UotaConfig *uota_config_parse(const char *text, gsize len, const char *name, const char *secrets,
	gsize secrets_len, const char *secrets_name, GPtrArray *warnings, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

void uota_config_free(UotaConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaConfig, uota_config_free)

typedef struct {
	char *ota_password; /* plaintext; NULL: none */
	char *signing_key;  /* NULL: none */
} UotaSecrets;

/* Reads otaPassword and signingKey out of @path, a file like the project's secrets file; at least
 * one must be there. */
gboolean uota_secrets_load(UotaSecrets *secrets, const char *path, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* Wipes and frees them. */
void uota_secrets_clear(UotaSecrets *secrets);

/* The /config/ota.json that a board receives: ota.json as written, known keys of the secrets file
 * merged over it, with signingKey set and otaPassword replaced by the hex SHA-256 of the
 * plaintext; the plaintext is never in it, nor is an unknown key of the secrets file (it may be a
 * mistyped secret). Keys that ota.json lacks follow at the end: those of the secrets file in its
 * order, otaPassword, signingKey. Byte for byte what Python's
 * json.dumps(merged, indent=4, ensure_ascii=False) + "\n" gives (but for fractions, which no key
 * of ours has). Returns: (transfer full) */
GBytes *uota_config_device_json(const UotaConfig *config);

/* The same with @password (nullable: none) as otaPassword: what a board of protocol 2 stores.
 * Returns: (transfer full) */
GBytes *uota_config_device_json2(const UotaConfig *config, const char *password);

/* Whether what a board receives holds anything that nobody else may read. */
gboolean uota_config_has_secrets(const UotaConfig *config);

/* FALSE, with a message that says what a version must be, unless @version is 1 to
 * UOTA_VERSION_MAX bytes of UTF-8 without control characters. */
gboolean uota_config_check_version(const char *version, GError **error) G_GNUC_WARN_UNUSED_RESULT;
