/* The configuration: what is read, what is refused and in which words, and what the board gets. */
#include "core/config.h"

#include "scratch.h"
#include "support/errors.h"

#define HASH "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4" /* of "hi" */

static GPtrArray *new_warnings(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

static UotaConfig *parse_with(
	const char *text, const char *secrets, GPtrArray *warnings, GError **error)
{
	return uota_config_parse(text, strlen(text), "config/ota.json", secrets,
		secrets ? strlen(secrets) : 0, "config/.ota.secrets.json", warnings, error);
}

/* Must parse. @n: how many warnings there must be. */
static UotaConfig *parse_warned(const char *text, const char *secrets, guint n)
{
	g_autoptr(GPtrArray) warnings = new_warnings();
	g_autoptr(GError) error = NULL;
	UotaConfig *config = parse_with(text, secrets, warnings, &error);

	g_assert_no_error(error);
	for (guint i = 0; i < warnings->len; i++)
		g_test_message("%s", (const char *)warnings->pdata[i]);
	g_assert_cmpuint(warnings->len, ==, n);
	return config;
}

static UotaConfig *parse(const char *text, const char *secrets)
{
	return parse_warned(text, secrets, 0);
}

/* Must not parse; the message has all of the words, and not "hunter2", our secret of the tests. */
static void refuse_with(const char *text, const char *secrets, const char *const *words)
{
	g_autofree char *shown = g_strescape(text, NULL);
	g_autoptr(GPtrArray) warnings = new_warnings();
	g_autoptr(GError) error = NULL;

	g_test_message("%.200s", shown);
	g_assert_null(parse_with(text, secrets, warnings, &error));
	g_assert_error(error, UOTA_ERROR, UOTA_ERROR_FAILED);
	g_assert_null(strstr(error->message, "hunter2"));
	g_assert_null(strchr(error->message, '\n'));
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
	assert_says(&error, words);
}

#define REFUSE(text, ...) refuse_with(text, NULL, (const char *const[]){__VA_ARGS__, NULL})
#define REFUSE_SECRETS(secrets, ...)                                                               \
	refuse_with("{}", secrets, (const char *const[]){__VA_ARGS__, NULL})

static void warns(const char *text, const char *secrets, const char *word)
{
	g_autoptr(GPtrArray) warnings = new_warnings();
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaConfig) config = parse_with(text, secrets, warnings, &error);
	const char *warning;

	g_assert_no_error(error);
	g_assert_cmpuint(warnings->len, ==, 1);
	warning = warnings->pdata[0];
	if (!strstr(warning, word))
		g_error("\"%s\" does not say \"%s\"", warning, word);
	g_assert_null(strstr(warning, "hunter2"));
}

static void assert_device(const UotaConfig *config, const char *expected)
{
	g_autoptr(GBytes) json = uota_config_device_json(config);
	g_autofree char *text = g_strndup(g_bytes_get_data(json, NULL), g_bytes_get_size(json));

	g_assert_cmpstr(text, ==, expected);
}

static void assert_list(char **list, const char *expected)
{
	g_autofree char *joined = g_strjoinv(" ", list);

	g_assert_cmpstr(joined, ==, expected);
}

static void absent_keys_have_their_defaults(void)
{
	g_autoptr(UotaConfig) config = parse("{}", NULL);

	g_assert_cmpstr(config->version, ==, "1.0.0");
	g_assert_cmpstr(config->hostname, ==, "micropython.local");
	g_assert_cmpuint(config->port, ==, 2018);
	g_assert_cmpuint(config->remoteio_port, ==, 2019);
	g_assert_null(config->ota_password);
	g_assert_null(config->ota_password_hash);
	g_assert_null(config->signing_key);
	g_assert_cmpstr(config->ble_name, ==, "micro-ota");
	assert_list(config->transports, "wifi_tcp");
	g_assert_null(config->manifest_url);
	g_assert_cmpuint(config->pull_interval, ==, 60);
	g_assert_cmpuint(config->confirm_network, ==, 300);
	assert_list(config->excluded_files, ".git/** .gitignore dist/** .uota_cache.json");
	assert_list(config->fast_ota_files, "app/** main.py config/**");
	assert_list(config->full_ota_files, "**");
	assert_list(config->mpy_files, "lib/**");
	assert_device(config, "{}\n");
}

static void every_key_is_read(void)
{
	g_autoptr(UotaConfig) config =
		parse("{\"version\": \"2.1\", \"hostname\": \"10.0.0.7\", \"port\": 1, "
		      "\"remoteioPort\": 65535, \"ssid\": \"net\", \"password\": \"12345678\", "
		      "\"bleName\": \"12345678901234567890\", "
		      "\"transports\": [\"ble\", \"serial\", \"http_pull\"], "
		      "\"manifestUrl\": \"https://h:1/m.json\", \"pullInterval\": 5, "
		      "\"excludedFiles\": [\"a\"], \"fastOtaFiles\": [\"b/\"], "
		      "\"fullOtaFiles\": [\"**/c.py\"], \"mpyFiles\": [], \"serialUartId\": 1, "
		      "\"serialBaud\": 115200, \"serialTx\": 10, \"serialRx\": 9, \"appStack\": 0, "
		      "\"confirmAfter\": 30, \"confirmNetwork\": 10, \"watchdog\": true, "
		      "\"minProtocol\": 2, \"publicVersion\": false}",
			"{\"otaPassword\": \"hi\", \"signingKey\": \"k\"}");

	g_assert_cmpstr(config->version, ==, "2.1");
	g_assert_cmpstr(config->hostname, ==, "10.0.0.7");
	g_assert_cmpuint(config->port, ==, 1);
	g_assert_cmpuint(config->remoteio_port, ==, 65535);
	g_assert_cmpstr(config->ota_password, ==, "hi");
	g_assert_cmpstr(config->ota_password_hash, ==, HASH);
	g_assert_cmpstr(config->signing_key, ==, "k");
	g_assert_cmpstr(config->ble_name, ==, "12345678901234567890");
	assert_list(config->transports, "ble serial http_pull");
	g_assert_cmpstr(config->manifest_url, ==, "https://h:1/m.json");
	g_assert_cmpuint(config->pull_interval, ==, 5);
	g_assert_cmpuint(config->confirm_network, ==, 10);
	assert_list(config->excluded_files, "a");
	assert_list(config->fast_ota_files, "b/");
	assert_list(config->full_ota_files, "**/c.py");
	assert_list(config->mpy_files, "");
}

static void empty_strings_are_none(void)
{
	g_autoptr(UotaConfig) config =
		parse("{\"hostname\": \"\", \"manifestUrl\": \"\", \"signingKey\": \"\", "
		      "\"otaPassword\": \"\", \"ssid\": \"\", \"password\": \"\"}",
			NULL);

	g_assert_null(config->hostname);
	g_assert_null(config->manifest_url);
	g_assert_null(config->signing_key);
	g_assert_null(config->ota_password);
	g_assert_null(config->ota_password_hash);
}

static void an_item_twice_counts_once(void)
{
	g_autoptr(UotaConfig) config =
		parse("{\"transports\": [\"ble\", \"serial\", \"ble\"]}", NULL);

	assert_list(config->transports, "ble serial");
}

static void device_json_is_pythons(void)
{
	g_autoptr(UotaConfig) config = parse_warned(
		"{\"version\":\"1\",\"x\":{\"b\":[],\"a\":{},\"c\":[1,-2,true,null,[\"\"]]},"
		"\"y\":\"\\u001f\\u007f\\b\\f\\n\\r\\t\\/\\\\\\\"\\u00e9\\ud83d\\ude00\\\\u001F\"}",
		NULL, 2);

	assert_device(config,
		"{\n    \"version\": \"1\",\n    \"x\": {\n        \"b\": [],\n        \"a\": {},\n"
		"        \"c\": [\n            1,\n            -2,\n            true,\n"
		"            null,\n            [\n                \"\"\n            ]\n        ]\n"
		"    },\n    \"y\": "
		"\"\\u001f\x7f\\b\\f\\n\\r\\t/\\\\\\\"é😀\\\\u001F\"\n}\n");
}

static void secrets_come_last(void)
{
	g_autoptr(UotaConfig) config = parse("{\"version\": \"1\", \"ssid\": \"a\"}",
		"{\"signingKey\": \"k\", \"password\": \"12345678\", \"otaPassword\": \"hi\", "
		"\"ssid\": \"b\"}");

	assert_device(config, "{\n    \"version\": \"1\",\n    \"ssid\": \"b\",\n    \"password\": "
			      "\"12345678\",\n"
			      "    \"otaPassword\": \"" HASH "\",\n    \"signingKey\": \"k\"\n}\n");
}

static void secrets_keep_their_place(void)
{
	g_autoptr(UotaConfig) config =
		parse("{\"signingKey\": \"\", \"otaPassword\": \"\", \"version\": \"1\"}",
			"{\"otaPassword\": \"hi\", \"signingKey\": \"k\"}");

	assert_device(config, "{\n    \"signingKey\": \"k\",\n    \"otaPassword\": \"" HASH
			      "\",\n    \"version\": \"1\"\n}\n");
}

static void empty_secrets_stay_where_they_are_written(void)
{
	g_autoptr(UotaConfig) written =
		parse("{\"otaPassword\": \"\", \"signingKey\": \"\"}", "{}");
	g_autoptr(UotaConfig) absent = parse("{}", "{\"otaPassword\": \"\", \"signingKey\": \"\"}");

	assert_device(written, "{\n    \"otaPassword\": \"\",\n    \"signingKey\": \"\"\n}\n");
	assert_device(absent, "{}\n");
}

static void the_plaintext_never_reaches_the_board(void)
{
	g_autoptr(UotaConfig) config = parse_warned(
		"{\"otaPassword\": \"" HASH "\"}", "{\"otaPassword\": \"hunter2\"}", 1);
	g_autoptr(GBytes) json = uota_config_device_json(config);

	g_assert_null(g_strstr_len(
		g_bytes_get_data(json, NULL), (gssize)g_bytes_get_size(json), "hunter2"));
	g_assert_cmpstr(config->ota_password, ==, "hunter2");
}

/* It may be a secret with a typing error in its name. */
static void unknown_secrets_never_reach_the_board(void)
{
	g_autoptr(UotaConfig) config = parse_warned("{}", "{\"otaPasword\": \"hunter2\"}", 1);

	assert_device(config, "{}\n");
}

static void only_the_hash_is_known(void)
{
	g_autofree char *upper = g_ascii_strup(HASH, -1);
	g_autofree char *text = g_strdup_printf("{\"otaPassword\": \"%s\"}", upper);
	g_autoptr(UotaConfig) config = parse(text, NULL);

	g_assert_null(config->ota_password);
	g_assert_cmpstr(config->ota_password_hash, ==, HASH);
	assert_device(config, "{\n    \"otaPassword\": \"" HASH "\"\n}\n");
}

static void a_hash_that_fits_is_no_news(void)
{
	g_autoptr(UotaConfig) config =
		parse("{\"otaPassword\": \"" HASH "\"}", "{\"otaPassword\": \"hi\"}");

	g_assert_cmpstr(config->ota_password, ==, "hi");
}

static void an_empty_secret_overrides(void)
{
	g_autoptr(UotaConfig) config =
		parse_warned("{\"otaPassword\": \"" HASH "\"}", "{\"otaPassword\": \"\"}", 1);

	g_assert_null(config->ota_password_hash);
	assert_device(config, "{\n    \"otaPassword\": \"\"\n}\n");
}

static void warns_of_unknown_keys(void)
{
	warns("{\"hostnme\": 1}", NULL,
		"config/ota.json: unknown key \"hostnme\": did you mean \"hostname\"?");
	warns("{\"SSID\": \"a\"}", NULL, "did you mean \"ssid\"?");
	warns("{\"signing_key\": \"hunter2\"}", NULL, "did you mean \"signingKey\"?");
	warns("{\"excludeFiles\": []}", NULL, "did you mean \"excludedFiles\"?");
	warns("{\"mqttBroker\": \"x\"}", NULL, "the board gets it as it is");
	warns("{}", "{\"otaPasword\": \"hunter2\"}", "did you mean \"otaPassword\"?");
	warns("{}", "{\"mqttToken\": \"hunter2\"}", "is not sent to the board");
	warns("{\"a\\u001b[31m\": 1}", NULL, "\"a\\x1b[31m\"");
}

static void warns_of_what_is_probably_not_meant(void)
{
	warns("{\"password\": \"hunter2\"}", NULL, "config/ota.json: password: ");
	warns("{}", "{\"password\": \"hunter2\"}", "config/.ota.secrets.json: password: ");
	warns("{\"port\": 2019}", NULL, "remoteioPort");
	warns("{\"transports\": [\"http_pull\"]}", NULL, "manifestUrl");
	warns("{\"signingKey\": \"hunter2\"}", NULL, "belongs into config/.ota.secrets.json");
	warns("{\"otaPassword\": \"" HASH "\"}", "{\"otaPassword\": \"other\"}",
		"not the hash of the password");
	warns("{}", "{\"otaPassword\": \"" HASH "\"}", "looks like a hash");
	warns("{\"otaPassword\": \"" HASH "\"}", "{\"otaPassword\": \"\"}", "overrides");
}

static void broken_json_names_line_and_column(void)
{
	REFUSE("{\n  \"port\": 2018,\n}\n", "config/ota.json:3:1: not JSON");
	REFUSE("{\"port\": 2018 \"ssid\": \"a\"}", "config/ota.json:1:20: not JSON");
	REFUSE("{\"port\": 1, \"port\": 2}", "config/ota.json:1:18: ", "there already");
	REFUSE("{\"a\": {\"b\": 1, \"b\": 2}}", "there already");
	REFUSE("", "config/ota.json:1:1: ");
	REFUSE("{", "ends too early");
	REFUSE("{} {}", "follows the closing brace");
	REFUSE("[]", "must be an object");
	REFUSE("{\"port\": 01}", "not JSON");
	REFUSE("{\"port\": 123456789012345678901}", "number is too large");
	REFUSE("{\"ssid\": \"a\\u0000b\"}", "\\u0000");
	REFUSE("{\"ssi\\u0000d\": \"ab\"}", "\\u0000");
	REFUSE("{\"ssid\": \"\xff\"}", "not UTF-8");
	REFUSE("\xEF\xBB\xBF{}", "byte order mark");
	REFUSE("// comment\n{}", "not JSON");
	REFUSE_SECRETS("{,}", "config/.ota.secrets.json:1:2: not JSON");
}

static void no_error_quotes_a_secret(void)
{
	REFUSE("{\"password\": \"hunter2", "config/ota.json:1:");
	REFUSE("{\"password\": \"hunter2\x01\"}", "config/ota.json:1:");
	REFUSE("{\"password\": \"hunter2\\q\"}", "config/ota.json:1:");
	REFUSE("{\"password\": \"hunter2\" \"a\": 1}", "config/ota.json:1:");
	REFUSE("{\"password\": hunter2}", "config/ota.json:1:");
	REFUSE("{\"otaPassword\": \"hunter2\"}", "config/ota.json: otaPassword: ", "hash",
		"config/.ota.secrets.json");
	REFUSE_SECRETS("{\"signingKey\": \"hunter2\" 1}", "config/.ota.secrets.json:1:");
	REFUSE_SECRETS("{\"signingKey\": \"hunter2\\n\"}", "control characters");
	REFUSE_SECRETS("{\"signingKey\": [\"hunter2\"]}", "must be a string");
	REFUSE_SECRETS("{\"password\": {\"hunter2\": 1}}", "must be a string");
	REFUSE_SECRETS("{\"otaPassword\": \"hunter2\\t\"}", "control characters");
}

static void refuses_masked_values(void)
{
	REFUSE("{\"password\": \"***\"}", "config/ota.json: password: is \"***\"");
	REFUSE("{\"signingKey\": \"***\"}", "signingKey: is \"***\"");
	REFUSE("{\"otaPassword\": \"***\"}", "otaPassword: is \"***\"");
	REFUSE("{\"mqtt\": {\"users\": [\"a\", \"***\"]}}", "\"mqtt\": is \"***\"");
	REFUSE_SECRETS("{\"otaPassword\": \"***\"}", "config/.ota.secrets.json: otaPassword: ");
}

static void refuses_what_is_no_integer(void)
{
	static const char *const keys[] = {"port", "remoteioPort", "pullInterval", "serialUartId",
		"serialBaud", "serialTx", "serialRx", "appStack", "confirmAfter", "confirmNetwork",
		"minProtocol"};
	static const char *const values[] = {
		"2018.0", "true", "\"5\"", "null", "[5]", "{}", "-1", "2000000000", "1e3"};

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		for (gsize j = 0; j < G_N_ELEMENTS(values); j++) {
			g_autofree char *text = g_strdup_printf("{\"%s\": %s}", keys[i], values[j]);
			g_autofree char *where = g_strdup_printf("config/ota.json: %s: ", keys[i]);

			REFUSE(text, where, "must be an integer from ");
		}
	REFUSE("{\"port\": 0}", "from 1 to 65535");
	REFUSE("{\"port\": 65536}", "from 1 to 65535");
	REFUSE("{\"minProtocol\": 3}", "from 1 to 2");
	REFUSE("{\"confirmAfter\": 86401}", "from 0 to 86400");
	REFUSE("{\"confirmNetwork\": 9}", "from 10 to 86400");
	REFUSE("{\"confirmNetwork\": 86401}", "from 10 to 86400");
}

static void refuses_what_is_no_string(void)
{
	static const char *const keys[] = {"version", "hostname", "ssid", "password", "otaPassword",
		"signingKey", "bleName", "manifestUrl"};
	static const char *const values[] = {"1", "true", "null", "[\"a\"]", "{}"};

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		for (gsize j = 0; j < G_N_ELEMENTS(values); j++) {
			g_autofree char *text = g_strdup_printf("{\"%s\": %s}", keys[i], values[j]);
			g_autofree char *where = g_strdup_printf(": %s: ", keys[i]);

			REFUSE(text, where, "must be a string");
		}
}

static void refuses_what_is_no_list_of_strings(void)
{
	static const char *const keys[] = {
		"transports", "excludedFiles", "fastOtaFiles", "fullOtaFiles", "mpyFiles"};
	static const char *const values[] = {
		"1", "\"ble\"", "null", "{}", "[1]", "[\"ble\", null]", "[[\"ble\"]]"};

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		for (gsize j = 0; j < G_N_ELEMENTS(values); j++) {
			g_autofree char *text = g_strdup_printf("{\"%s\": %s}", keys[i], values[j]);
			g_autofree char *where = g_strdup_printf(": %s: ", keys[i]);

			REFUSE(text, where, "must be a list of strings");
		}
	REFUSE("{\"publicVersion\": 1}", "publicVersion: must be true or false");
	REFUSE("{\"watchdog\": 30}", "watchdog: must be true or false");
}

static void refuses_strings_out_of_range(void)
{
	REFUSE("{\"bleName\": \"123456789012345678901\"}", "1 to 20 bytes");
	REFUSE("{\"bleName\": \"ééééééééééé\"}", "1 to 20 bytes");
	REFUSE("{\"bleName\": \"\"}", "1 to 20 bytes");
	REFUSE("{\"version\": \"\"}", "1 to 64 bytes");
	REFUSE("{\"version\": \"1\\n2\"}", "version: ", "control characters");
	REFUSE("{\"hostname\": \"a b\"}", "hostname: ");
	REFUSE("{\"hostname\": \"http://a\"}", "hostname: ");
	REFUSE("{\"ssid\": \"123456789012345678901234567890123\"}", "at most 32 bytes");
	REFUSE("{\"manifestUrl\": \"server/manifest.json\"}", "must be a URL");
	REFUSE("{\"manifestUrl\": \"ftp://server/manifest.json\"}", "must be a URL");
	REFUSE("{\"manifestUrl\": \"http:///manifest.json\"}", "must be a URL");
	REFUSE("{\"transports\": []}", "transports: must not be empty");
	REFUSE("{\"transports\": [\"wifi\"]}", "\"wifi\" is no transport: use wifi_tcp, serial");
	REFUSE("{\"transports\": [\"wifi-tcp\"]}", "did you mean \"wifi_tcp\"?");
	REFUSE("{\"fastOtaFiles\": [\"\"]}", "fastOtaFiles: ", "1 to 255 bytes");
	REFUSE("{\"fastOtaFiles\": [\"/app\"]}", "fastOtaFiles: \"/app\" must be");
	REFUSE("{\"fastOtaFiles\": [\"../app/**\"]}", "below the project folder");
	REFUSE("{\"excludedFiles\": [\"dist\\\\**\"]}", "between folders");
	REFUSE("{\"mpyFiles\": [\"a\\n\"]}", "\"a\\x0a\" must be");
}

static void a_password_has_at_most_128_bytes(void)
{
	g_autofree char *longest = g_strnfill(128, 'x');
	g_autofree char *good = g_strdup_printf("{\"otaPassword\": \"%s\"}", longest);
	g_autofree char *bad = g_strdup_printf("{\"otaPassword\": \"%sx\"}", longest);
	g_autoptr(UotaConfig) config = parse("{}", good);

	g_assert_cmpstr(config->ota_password, ==, longest);
	REFUSE_SECRETS(bad, "config/.ota.secrets.json: otaPassword: ", "at most 128 bytes");
}

static void refuses_more_than_64_kib(void)
{
	g_autofree char *spaces = g_strnfill(UOTA_CONFIG_MAX - 1, ' ');
	g_autofree char *fits = g_strconcat("{", spaces, NULL);
	g_autofree char *large = g_strconcat("{}", spaces, NULL);
	g_autoptr(UotaConfig) config = NULL;

	fits[UOTA_CONFIG_MAX - 1] = '}';
	config = parse(fits, NULL);
	REFUSE(large, "config/ota.json: larger than 65536 bytes");
	REFUSE_SECRETS(large, "config/.ota.secrets.json: larger than");
}

static void nesting_ends(void)
{
	g_autofree char *open = g_strnfill(60000, '[');
	g_autofree char *text = g_strconcat("{\"a\": ", open, NULL);

	REFUSE(text, "nested too deeply");
}

static gboolean version_ok(const char *version)
{
	g_autoptr(GError) error = NULL;
	gboolean ok = uota_config_check_version(version, &error);

	g_assert_true(ok == !error);
	return ok;
}

static void checks_versions(void)
{
	g_autofree char *longest = g_strnfill(64, '1');
	g_autofree char *too_long = g_strnfill(65, '1');

	g_assert_true(version_ok("1.2.3"));
	g_assert_true(version_ok("1.0.0-bêta (draft)"));
	g_assert_true(version_ok(longest));
	g_assert_false(version_ok(too_long));
	g_assert_false(version_ok(""));
	g_assert_false(version_ok("1\n"));
	g_assert_false(version_ok("1\r2"));
	g_assert_false(version_ok("1\x7f"));
	g_assert_false(version_ok("1\xc2\x85"));
	g_assert_false(version_ok("1\xff"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/absent-keys-have-their-defaults", absent_keys_have_their_defaults);
	g_test_add_func("/config/every-key-is-read", every_key_is_read);
	g_test_add_func("/config/empty-strings-are-none", empty_strings_are_none);
	g_test_add_func("/config/an-item-twice-counts-once", an_item_twice_counts_once);
	g_test_add_func("/config/device-json-is-pythons", device_json_is_pythons);
	g_test_add_func("/config/secrets-come-last", secrets_come_last);
	g_test_add_func("/config/secrets-keep-their-place", secrets_keep_their_place);
	g_test_add_func("/config/empty-secrets-stay-where-they-are-written",
		empty_secrets_stay_where_they_are_written);
	g_test_add_func("/config/the-plaintext-never-reaches-the-board",
		the_plaintext_never_reaches_the_board);
	g_test_add_func("/config/unknown-secrets-never-reach-the-board",
		unknown_secrets_never_reach_the_board);
	g_test_add_func("/config/only-the-hash-is-known", only_the_hash_is_known);
	g_test_add_func("/config/a-hash-that-fits-is-no-news", a_hash_that_fits_is_no_news);
	g_test_add_func("/config/an-empty-secret-overrides", an_empty_secret_overrides);
	g_test_add_func("/config/warns-of-unknown-keys", warns_of_unknown_keys);
	g_test_add_func(
		"/config/warns-of-what-is-probably-not-meant", warns_of_what_is_probably_not_meant);
	g_test_add_func(
		"/config/broken-json-names-line-and-column", broken_json_names_line_and_column);
	g_test_add_func("/config/no-error-quotes-a-secret", no_error_quotes_a_secret);
	g_test_add_func("/config/refuses-masked-values", refuses_masked_values);
	g_test_add_func("/config/refuses-what-is-no-integer", refuses_what_is_no_integer);
	g_test_add_func("/config/refuses-what-is-no-string", refuses_what_is_no_string);
	g_test_add_func(
		"/config/refuses-what-is-no-list-of-strings", refuses_what_is_no_list_of_strings);
	g_test_add_func("/config/refuses-strings-out-of-range", refuses_strings_out_of_range);
	g_test_add_func(
		"/config/a-password-has-at-most-128-bytes", a_password_has_at_most_128_bytes);
	g_test_add_func("/config/refuses-more-than-64-kib", refuses_more_than_64_kib);
	g_test_add_func("/config/nesting-ends", nesting_ends);
	g_test_add_func("/config/checks-versions", checks_versions);
	return g_test_run();
}
