/* Fuzzes the configuration: text of config/ota.json, then, where the input has a NUL byte, what
 * follows it as the secrets file. Whatever parses must make a file that a board can read, and the
 * password must be in it as its hash only. */
#include <string.h>

#include "core/config.h"
#include "core/signer.h"
#include "fuzz.h"

static void check_password(const UotaConfig *config, const json_t *device)
{
	const char *hash = json_string_value(json_object_get(device, "otaPassword"));
	guint8 digest[UOTA_SHA256_SIZE];

	if (hash && *hash)
		g_assert_true(uota_sha256_from_hex(hash, digest));
	if (config->ota_password)
		g_assert_cmpstr(hash, ==, config->ota_password_hash);
}

static void check_config(const UotaConfig *config)
{
	g_autoptr(GBytes) json = uota_config_device_json(config);
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) device = uota_json_parse(
		g_bytes_get_data(json, NULL), g_bytes_get_size(json), "device", &error);

	g_assert_no_error(error);
	g_assert_true(json_equal(device, config->device));
	check_password(config, device);
	g_assert_true(uota_config_check_version(config->version, NULL));
	g_assert_nonnull(config->transports[0]);
	g_assert_cmpuint(config->port, >, 0);
}

static void check_error(const GError *error)
{
	g_assert_nonnull(error);
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
	g_assert_null(strpbrk(error->message, "\n\r\033"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *nul = size ? memchr(text, '\0', size) : NULL;
	gsize len = nul ? (gsize)(nul - text) : size;
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaConfig) config = uota_config_parse(text, len, "ota.json",
		nul ? nul + 1 : NULL, nul ? size - len - 1 : 0, "secrets", warnings, &error);

	if (config)
		check_config(config);
	else
		check_error(error);
	for (guint i = 0; i < warnings->len; i++)
		g_assert_true(g_utf8_validate(warnings->pdata[i], -1, NULL));
	return 0;
}
