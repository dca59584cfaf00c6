/* The project's configuration. One table says what each key may be; both files go through it,
 * then they are merged, and the struct and the board's own file are made of the result. */
#include "core/config.h"

#include <string.h>

#include "core/error.h"
#include "core/io.h"
#include "core/keys.h"
#include "core/nearest.h"
#include "core/signer.h"

#define MASK "***"           /* what a board shows instead of a secret */
#define PASSWORD_MAX 128     /* bytes of the OTA password */
#define SIGNING_KEY_MAX 1024 /* bytes */
#define GLOB_MAX 255         /* bytes */

typedef enum {
	KEY_STRING,
	KEY_INT,
	KEY_BOOL,
	KEY_LIST, /* of strings; min is the least number of items */
} KeyType;

/* Says why @value is refused. Never quotes it unless it cannot be a secret. */
typedef gboolean (*CheckFunc)(const char *value, GError **error);

typedef struct {
	const char *name;
	KeyType type;
	json_int_t min, max; /* of an integer; bytes of a string; see KEY_LIST */
	CheckFunc check;     /* (nullable) for a string that is not empty, and for each list item */
} Key;

static gboolean fail(GError **error, const char *message)
{
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED, message);
	return FALSE;
}

static gboolean has_control(const char *text)
{
	for (; *text; text = g_utf8_next_char(text))
		if (g_unichar_iscntrl(g_utf8_get_char(text)))
			return TRUE;
	return FALSE;
}

static gboolean check_printable(const char *value, GError **error)
{
	return !has_control(value) || fail(error, "must not hold control characters");
}

static gboolean check_hostname(const char *value, GError **error)
{
	if (strpbrk(value, " /\t\n\r") || has_control(value))
		return fail(error, "must be an address or a name, like 192.168.1.42 or "
				   "micropython.local");
	return TRUE;
}

static gboolean check_url(const char *value, GError **error)
{
	g_autoptr(GUri) uri = g_uri_parse(value, G_URI_FLAGS_NONE, NULL);

	if (!uri || !g_uri_get_host(uri) || !*g_uri_get_host(uri) ||
		(strcmp(g_uri_get_scheme(uri), "http") != 0 &&
			strcmp(g_uri_get_scheme(uri), "https") != 0))
		return fail(error, "must be a URL, like http://192.168.1.2:8080/manifest.json");
	return TRUE;
}

static gboolean check_hash(const char *value, GError **error)
{
	guint8 digest[UOTA_SHA256_SIZE];

	if (!uota_sha256_from_hex(value, digest))
		return fail(error,
			"must be the hash of the password: put the password itself into "
			"config/.ota.secrets.json, or run `uota passwd` and paste what it prints");
	return TRUE;
}

static const char *const transport_names[] = {"wifi_tcp", "serial", "ble", "http_pull", NULL};

static gboolean check_transport(const char *value, GError **error)
{
	g_autofree char *quoted = uota_quote(value);
	g_autofree char *all = g_strjoinv(", ", (char **)transport_names);
	const char *nearest = uota_nearest(value, transport_names);

	if (g_strv_contains(transport_names, value))
		return TRUE;
	if (nearest)
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"%s is no transport: did you mean \"%s\"?", quoted, nearest);
	else
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s is no transport: use %s",
			quoted, all);
	return FALSE;
}

static gboolean check_glob(const char *value, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(value, "/", -1);
	g_autofree char *quoted = uota_quote(value);

	if (!*value || strlen(value) > GLOB_MAX)
		return fail(error, "must be a pattern of 1 to 255 bytes, like \"app/**\"");
	if (*value != '/' && !strchr(value, '\\') && !has_control(value) &&
		!g_strv_contains((const char *const *)parts, ".."))
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"%s must be a pattern below the project folder, with \"/\" between folders: no "
		"\"/\" at its start, no \"..\", no \"\\\"",
		quoted);
	return FALSE;
}

static const Key keys[] = {
	{"version", KEY_STRING, 1, UOTA_VERSION_MAX, uota_config_check_version},
	{"hostname", KEY_STRING, 0, 253, check_hostname},
	{"port", KEY_INT, 1, 65535, NULL},
	{"remoteioPort", KEY_INT, 1, 65535, NULL},
	{"ssid", KEY_STRING, 0, 32, NULL},
	{"password", KEY_STRING, 0, 64, NULL},
	{"otaPassword", KEY_STRING, 0, UOTA_CONFIG_MAX, check_hash},
	{"signingKey", KEY_STRING, 0, SIGNING_KEY_MAX, check_printable},
	{"bleName", KEY_STRING, 1, 20, check_printable},
	{"transports", KEY_LIST, 1, 0, check_transport},
	{"manifestUrl", KEY_STRING, 0, 1024, check_url},
	/* five days: beyond, differences of MicroPython's ticks_ms() wrap */
	{"pullInterval", KEY_INT, 1, 432000, NULL},
	{"excludedFiles", KEY_LIST, 0, 0, check_glob},
	{"fastOtaFiles", KEY_LIST, 0, 0, check_glob},
	{"fullOtaFiles", KEY_LIST, 0, 0, check_glob},
	{"mpyFiles", KEY_LIST, 0, 0, check_glob},
	{"serialUartId", KEY_INT, 0, 10, NULL},
	{"serialBaud", KEY_INT, 300, 5000000, NULL},
	{"serialTx", KEY_INT, 0, 255, NULL},
	{"serialRx", KEY_INT, 0, 255, NULL},
	{"appStack", KEY_INT, 0, 1048576, NULL},
	{"confirmAfter", KEY_INT, 0, 86400, NULL},
	{"confirmNetwork", KEY_INT, 10, 86400, NULL},
	{"watchdog", KEY_BOOL, 0, 0, NULL},
	{"minProtocol", KEY_INT, 1, 2, NULL},
	{"publicVersion", KEY_BOOL, 0, 0, NULL},
};

/* In the secrets file otaPassword is the password itself. */
static const Key password_key = {"otaPassword", KEY_STRING, 0, PASSWORD_MAX, check_printable};

static const Key *find_key(const char *name, gboolean secrets)
{
	if (secrets && strcmp(name, password_key.name) == 0)
		return &password_key;
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static const char *nearest_key(const char *name)
{
	const char *names[G_N_ELEMENTS(keys) + 1] = {NULL};

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		names[i] = keys[i].name;
	return uota_nearest(name, names);
}

static gboolean check_string(const json_t *value, const Key *key, GError **error)
{
	const char *text = json_string_value(value);
	gsize len = json_string_length(value);

	if (!text || len < (gsize)key->min || len > (gsize)key->max) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"must be a string of %s%" JSON_INTEGER_FORMAT " bytes",
			key->min ? "1 to " : "at most ", key->max);
		return FALSE;
	}
	return !len || !key->check || key->check(text, error);
}

static gboolean check_int(const json_t *value, const Key *key, GError **error)
{
	json_int_t n = json_integer_value(value);

	if (json_is_integer(value) && n >= key->min && n <= key->max)
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"must be an integer from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT,
		key->min, key->max);
	return FALSE;
}

static gboolean check_list(const json_t *value, const Key *key, GError **error)
{
	gsize i;
	json_t *item;

	if (!json_is_array(value))
		return fail(error, "must be a list of strings, in [ ]");
	if (json_array_size(value) < (gsize)key->min)
		return fail(error, "must not be empty");
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return fail(error, "must be a list of strings: another kind is in it");
		if (!key->check(json_string_value(item), error))
			return FALSE;
	}
	return TRUE;
}

static gboolean check_type(const json_t *value, const Key *key, GError **error)
{
	switch (key->type) {
	case KEY_STRING:
		return check_string(value, key, error);
	case KEY_INT:
		return check_int(value, key, error);
	case KEY_BOOL:
		return json_is_boolean(value) || fail(error, "must be true or false");
	case KEY_LIST:
		return check_list(value, key, error);
	}
	g_return_val_if_reached(FALSE);
}

/* A secret that was read back from a board would silently replace the real one. */
static gboolean is_masked(const json_t *value)
{
	const char *key;
	gsize i;
	json_t *item;

	if (json_is_string(value))
		return strcmp(json_string_value(value), MASK) == 0;
	json_array_foreach(value, i, item) if (is_masked(item)) return TRUE;
	json_object_foreach((json_t *)value, key, item) if (is_masked(item)) return TRUE;
	return FALSE;
}

static gboolean check_value(const json_t *value, const Key *key, GError **error)
{
	if (is_masked(value))
		return fail(error, "is \"" MASK "\", which a board shows instead of a secret: "
				   "put the real value here");
	return !key || check_type(value, key, error);
}

static void warn(GPtrArray *warnings, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void warn(GPtrArray *warnings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(warnings, g_strdup_vprintf(format, args));
	va_end(args);
}

static void warn_unknown(GPtrArray *warnings, const char *file, const char *name, gboolean secrets)
{
	g_autofree char *quoted = uota_quote(name);
	const char *nearest = nearest_key(name);

	if (nearest)
		warn(warnings, "%s: unknown key %s: did you mean \"%s\"?", file, quoted, nearest);
	else
		warn(warnings, "%s: unknown key %s: %s", file, quoted,
			secrets ? "it stays here and is not sent to the board"
				: "the board gets it as it is");
}

/* Passwords of WPA2 begin at 8 characters, but a WEP key is legal and shorter. */
static void warn_wifi_password(GPtrArray *warnings, const char *file, const json_t *root)
{
	gsize len = json_string_length(json_object_get(root, "password"));

	if (len > 0 && len < 8)
		warn(warnings, "%s: password: a WPA password has at least 8 characters", file);
}

static gboolean check_file(
	json_t *root, const char *file, gboolean secrets, GPtrArray *warnings, GError **error)
{
	const char *name;
	json_t *value;

	json_object_foreach(root, name, value)
	{
		const Key *key = find_key(name, secrets);
		g_autofree char *quoted = key ? g_strdup(name) : uota_quote(name);

		if (!key)
			warn_unknown(warnings, file, name, secrets);
		if (!check_value(value, key, error)) {
			g_prefix_error(error, "%s: %s: ", file, quoted);
			return FALSE;
		}
	}
	warn_wifi_password(warnings, file, root);
	return TRUE;
}

static json_t *parse_file(const char *text, gsize len, const char *file, gboolean secrets,
	GPtrArray *warnings, GError **error)
{
	g_autoptr(json_t) root = NULL;

	if (len > UOTA_CONFIG_MAX) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s: larger than %d bytes", file,
			UOTA_CONFIG_MAX);
		return NULL;
	}
	root = uota_json_parse(text, len, file, error);
	if (!root || !check_file(root, file, secrets, warnings, error))
		return NULL;
	return g_steal_pointer(&root);
}

/* The string @key of @root, or NULL where it is absent or empty. */
static const char *get_string(const json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text && *text ? text : NULL;
}

static char *dup_string(const json_t *root, const char *key, const char *fallback)
{
	return g_strdup(json_object_get(root, key) ? get_string(root, key) : fallback);
}

static guint get_int(const json_t *root, const char *key, guint fallback)
{
	const json_t *value = json_object_get(root, key);

	return value ? (guint)json_integer_value(value) : fallback;
}

/* @fallback: words parted by spaces. An item that is there twice counts once. */
static char **dup_list(const json_t *root, const char *key, const char *fallback)
{
	const json_t *list = json_object_get(root, key);
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	gsize i;
	json_t *item;

	if (!list)
		return g_strsplit(fallback, " ", -1);
	json_array_foreach(
		list, i, item) if (g_hash_table_add(seen, (gpointer)json_string_value(item)))
		g_strv_builder_add(builder, json_string_value(item));
	return g_strv_builder_end(builder);
}

static char *password_hash(const char *password)
{
	guint8 digest[UOTA_SHA256_SIZE];

	uota_sha256(password, strlen(password), digest);
	return uota_sha256_hex(digest);
}

/* Where the secrets file has otaPassword it decides, also by an empty one. */
static void take_password(UotaConfig *config, const json_t *root, const json_t *secrets)
{
	const char *hash = get_string(root, "otaPassword");

	if (!json_object_get(secrets, "otaPassword")) {
		/* boards compare text: only lower case is what their own hash gives */
		config->ota_password_hash = hash ? g_ascii_strdown(hash, -1) : NULL;
		return;
	}
	config->ota_password = g_strdup(get_string(secrets, "otaPassword"));
	if (config->ota_password)
		config->ota_password_hash = password_hash(config->ota_password);
}

static void put_secret(json_t *device, const char *key, const char *value)
{
	if (value || json_object_get(device, key))
		json_object_set_new(device, key, json_string(value ? value : ""));
}

/* ota.json with the known keys of the secrets file over it; the two secrets come last. */
static json_t *merge(json_t *root, json_t *secrets)
{
	json_t *merged = json_copy(root);
	const char *name;
	json_t *value;

	json_object_foreach(secrets, name,
		value) if (find_key(name, TRUE) && strcmp(name, "otaPassword") != 0 &&
			   strcmp(name, "signingKey") != 0) json_object_set(merged, name, value);
	return merged;
}

static UotaConfig *make_config(json_t *root, json_t *secrets)
{
	UotaConfig *config = g_new0(UotaConfig, 1);
	json_t *all = merge(root, secrets);

	config->device = all;
	config->version = dup_string(all, "version", "1.0.0");
	config->hostname = dup_string(all, "hostname", "micropython.local");
	config->port = (guint16)get_int(all, "port", 2018);
	config->remoteio_port = (guint16)get_int(all, "remoteioPort", 2019);
	config->ble_name = dup_string(all, "bleName", "micro-ota");
	config->transports = dup_list(all, "transports", "wifi_tcp");
	config->manifest_url = dup_string(all, "manifestUrl", NULL);
	config->pull_interval = get_int(all, "pullInterval", 60);
	config->min_protocol = get_int(all, "minProtocol", 1);
	config->confirm_network = get_int(all, "confirmNetwork", 300);
	config->excluded_files =
		dup_list(all, "excludedFiles", ".git/** .gitignore dist/** .uota_cache.json");
	config->fast_ota_files = dup_list(all, "fastOtaFiles", "app/** main.py config/**");
	config->full_ota_files = dup_list(all, "fullOtaFiles", "**");
	config->mpy_files = dup_list(all, "mpyFiles", "lib/**");

	take_password(config, root, secrets);
	config->signing_key = dup_string(secrets, "signingKey", get_string(root, "signingKey"));
	put_secret(all, "otaPassword", config->ota_password_hash);
	put_secret(all, "signingKey", config->signing_key);
	return config;
}

static void warn_network(const UotaConfig *config, const char *file, GPtrArray *warnings)
{
	gboolean pull = g_strv_contains((const char *const *)config->transports, "http_pull");

	if (config->port == config->remoteio_port)
		warn(warnings, "%s: remoteioPort: the same as port: RemoteIO will not start", file);
	if (pull && !config->manifest_url)
		warn(warnings,
			"%s: manifestUrl: empty, so that the transport http_pull has nothing to do",
			file);
}

/* An empty value in the secrets file switches off what ota.json sets: legal, but worth a word. */
static void warn_emptied(
	const json_t *root, const json_t *secrets, const char *secrets_file, GPtrArray *warnings)
{
	static const char *const names[] = {"otaPassword", "signingKey"};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (get_string(root, names[i]) && json_object_get(secrets, names[i]) &&
			!get_string(secrets, names[i]))
			warn(warnings, "%s: %s: empty, which overrides the one in ota.json",
				secrets_file, names[i]);
}

static void warn_secrets(const UotaConfig *config, const json_t *root, const char *file,
	const char *secrets_file, GPtrArray *warnings)
{
	const char *hash = get_string(root, "otaPassword");
	guint8 digest[UOTA_SHA256_SIZE];

	if (get_string(root, "signingKey"))
		warn(warnings,
			"%s: signingKey: belongs into config/.ota.secrets.json, which is never "
			"committed",
			file);
	if (!config->ota_password)
		return;
	if (uota_sha256_from_hex(config->ota_password, digest))
		warn(warnings,
			"%s: otaPassword: looks like a hash: here belongs the password itself",
			secrets_file);
	if (hash && g_ascii_strcasecmp(hash, config->ota_password_hash) != 0)
		warn(warnings, "%s: otaPassword: not the hash of the password in %s, which is used",
			file, secrets_file);
}

UotaConfig *uota_config_parse(const char *text, gsize len, const char *name, const char *secrets,
	gsize secrets_len, const char *secrets_name, GPtrArray *warnings, GError **error)
{
	g_autoptr(json_t) root = parse_file(text, len, name, FALSE, warnings, error);
	g_autoptr(json_t) over = NULL;
	UotaConfig *config = NULL;

	if (!root)
		return NULL;
	over = secrets ? parse_file(secrets, secrets_len, secrets_name, TRUE, warnings, error)
		       : json_object();
	if (!over)
		return NULL;
	config = make_config(root, over);
	warn_network(config, name, warnings);
	warn_emptied(root, over, secrets_name, warnings);
	warn_secrets(config, root, name, secrets_name, warnings);
	return config;
}

/* *@text stays NULL when there is no secrets file. */
static gboolean read_secrets(
	const char *project_dir, char **text, gsize *len, GPtrArray *warnings, GError **error)
{
	g_autofree char *path = g_build_filename(project_dir, UOTA_SECRETS_PATH, NULL);
	g_autoptr(GError) problem = NULL;
	guint mode = 0;

	*text = uota_io_read_all(path, UOTA_SECRETS_PATH, UOTA_CONFIG_MAX, len, &mode, &problem);
	/* a link to a file that is gone must not switch signing off */
	if (!*text && g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT) &&
		!g_file_test(path, G_FILE_TEST_IS_SYMLINK))
		return TRUE;
	if (!*text) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (mode & 077)
		warn(warnings,
			UOTA_SECRETS_PATH ": others on this computer may read it: run chmod 600 "
					  "config/.ota.secrets.json");
	return TRUE;
}

UotaConfig *uota_config_load(const char *project_dir, GPtrArray *warnings, GError **error)
{
	g_autofree char *path = g_build_filename(project_dir, UOTA_CONFIG_PATH, NULL);
	g_autofree char *secrets = NULL;
	gsize len = 0, secrets_len = 0;
	g_autofree char *text =
		uota_io_read_all(path, UOTA_CONFIG_PATH, UOTA_CONFIG_MAX, &len, NULL, error);

	if (!text || !read_secrets(project_dir, &secrets, &secrets_len, warnings, error))
		return NULL;
	return uota_config_parse(text, len, UOTA_CONFIG_PATH, secrets, secrets_len,
		UOTA_SECRETS_PATH, warnings, error);
}

void uota_config_free(UotaConfig *config)
{
	if (!config)
		return;
	g_free(config->version);
	g_free(config->hostname);
	uota_wipe_text(config->ota_password);
	g_free(config->ota_password_hash);
	uota_wipe_text(config->signing_key);
	g_free(config->ble_name);
	g_strfreev(config->transports);
	g_free(config->manifest_url);
	g_strfreev(config->excluded_files);
	g_strfreev(config->fast_ota_files);
	g_strfreev(config->full_ota_files);
	g_strfreev(config->mpy_files);
	json_decref(config->device);
	g_free(config);
}

gboolean uota_secrets_load(UotaSecrets *secrets, const char *path, GError **error)
{
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	gsize len = 0;
	g_autofree char *text = uota_io_read_all(path, path, UOTA_CONFIG_MAX, &len, NULL, error);
	g_autoptr(json_t) root = text ? parse_file(text, len, path, TRUE, warnings, error) : NULL;

	if (text)
		uota_wipe(text, len);
	if (!root)
		return FALSE;
	secrets->ota_password = g_strdup(get_string(root, "otaPassword"));
	secrets->signing_key = g_strdup(get_string(root, "signingKey"));
	if (secrets->ota_password || secrets->signing_key)
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"%s: neither otaPassword nor signingKey is in it", path);
	return FALSE;
}

void uota_secrets_clear(UotaSecrets *secrets)
{
	g_clear_pointer(&secrets->ota_password, uota_wipe_text);
	g_clear_pointer(&secrets->signing_key, uota_wipe_text);
}

/* Python writes \u001f where jansson writes \u001F. */
static void lower_escapes(char *text)
{
	for (char *p = strchr(text, '\\'); p; p = strchr(p + 2, '\\'))
		if (p[1] == 'u')
			for (int i = 2; i < 6; i++)
				p[i] = g_ascii_tolower(p[i]);
}

static GBytes *dump(const json_t *device)
{
	char *text = json_dumps(device, JSON_INDENT(4));
	g_autofree char *owned = text; /* jansson allocates with malloc, as GLib does */

	lower_escapes(text);
	return g_bytes_new_take(g_strconcat(text, "\n", NULL), strlen(text) + 1);
}

GBytes *uota_config_device_json(const UotaConfig *config)
{
	return dump(config->device);
}

GBytes *uota_config_device_json2(const UotaConfig *config, const char *password)
{
	g_autoptr(json_t) device = json_copy(config->device);

	put_secret(device, "otaPassword", password);
	return dump(device);
}

gboolean uota_config_has_secrets(const UotaConfig *config)
{
	return config->ota_password || config->signing_key ||
	       get_string(config->device, "password");
}

gboolean uota_config_check_version(const char *version, GError **error)
{
	gsize len = strlen(version);

	if (len >= 1 && len <= UOTA_VERSION_MAX && g_utf8_validate(version, -1, NULL) &&
		!has_control(version))
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"a version must be 1 to %d bytes of UTF-8 without control characters, like 1.2.3",
		UOTA_VERSION_MAX);
	return FALSE;
}
