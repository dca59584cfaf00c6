/* The configuration as it lies in the project: two files, links, and what is no file. */
#include "core/config.h"

#include "scratch.h"
#include "support/errors.h"

static UotaConfig *load(const Scratch *scratch, guint n, GError **error)
{
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	UotaConfig *config = uota_config_load(scratch->dir, warnings, error);

	for (guint i = 0; i < warnings->len; i++)
		g_test_message("%s", (const char *)warnings->pdata[i]);
	g_assert_cmpuint(warnings->len, ==, n);
	return config;
}

static void loads_both_files(Scratch *scratch, gconstpointer data)
{
	g_autoptr(UotaConfig) config = NULL;
	g_autoptr(GError) error = NULL;

	scratch_write(scratch, UOTA_CONFIG_PATH, "{\"version\": \"3\"}");
	scratch_write(scratch, UOTA_SECRETS_PATH, "{\"signingKey\": \"k\"}");
	scratch_chmod(scratch, UOTA_SECRETS_PATH, 0600);
	config = load(scratch, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(config->version, ==, "3");
	g_assert_cmpstr(config->signing_key, ==, "k");
}

static void needs_no_secrets(Scratch *scratch, gconstpointer data)
{
	g_autoptr(UotaConfig) config = NULL;
	g_autoptr(GError) error = NULL;

	scratch_write(scratch, UOTA_CONFIG_PATH, "{}");
	config = load(scratch, 0, &error);
	g_assert_no_error(error);
	g_assert_null(config->signing_key);
}

static void warns_of_secrets_that_others_can_read(Scratch *scratch, gconstpointer data)
{
	g_autoptr(UotaConfig) config = NULL;
	g_autoptr(GError) error = NULL;

	scratch_write(scratch, UOTA_CONFIG_PATH, "{}");
	scratch_write(scratch, UOTA_SECRETS_PATH, "{}");
	scratch_chmod(scratch, UOTA_SECRETS_PATH, 0644);
	config = load(scratch, 1, &error);
	g_assert_no_error(error);
}

static void a_missing_file_is_named(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(load(scratch, 0, &error));
	ASSERT_SAYS(&error, "config/ota.json: not found");
	scratch_mkdir(scratch, UOTA_CONFIG_PATH);
	g_assert_null(load(scratch, 0, &error));
	ASSERT_SAYS(&error, "config/ota.json: not a regular file");
}

static void follows_links(Scratch *scratch, gconstpointer data)
{
	g_autofree char *link = scratch_path(scratch, UOTA_SECRETS_PATH);
	g_autoptr(UotaConfig) config = NULL;
	g_autoptr(GError) error = NULL;

	scratch_write(scratch, UOTA_CONFIG_PATH, "{}");
	scratch_write(scratch, "safe", "{\"signingKey\": \"k\"}");
	scratch_chmod(scratch, "safe", 0600);
	g_assert_cmpint(symlink("../safe", link), ==, 0);
	config = load(scratch, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(config->signing_key, ==, "k");
}

/* Else a drive that is not mounted would switch signing off. */
static void secrets_that_are_gone_are_an_error(Scratch *scratch, gconstpointer data)
{
	g_autofree char *link = scratch_path(scratch, UOTA_SECRETS_PATH);
	g_autoptr(GError) error = NULL;

	scratch_write(scratch, UOTA_CONFIG_PATH, "{}");
	g_assert_cmpint(symlink("/nowhere/secrets.json", link), ==, 0);
	g_assert_null(load(scratch, 0, &error));
	ASSERT_SAYS(&error, "config/.ota.secrets.json: not found");
}

static void a_fifo_does_not_hang(Scratch *scratch, gconstpointer data)
{
	g_autofree char *path = scratch_path(scratch, UOTA_CONFIG_PATH);
	g_autoptr(GError) error = NULL;

	scratch_mkdir(scratch, "config");
	g_assert_cmpint(mkfifo(path, 0600), ==, 0);
	g_assert_null(load(scratch, 0, &error));
	ASSERT_SAYS(&error, "config/ota.json: not a regular file");
}

static void unreadable_secrets_are_an_error(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	if (geteuid() == 0) {
		g_test_skip("root reads everything");
		return;
	}
	scratch_write(scratch, UOTA_CONFIG_PATH, "{}");
	scratch_write(scratch, UOTA_SECRETS_PATH, "{}");
	scratch_chmod(scratch, UOTA_SECRETS_PATH, 0);
	g_assert_null(load(scratch, 0, &error));
	ASSERT_SAYS(&error, "config/.ota.secrets.json: no permission");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	SCRATCH_TEST("/config-files/loads-both-files", loads_both_files);
	SCRATCH_TEST("/config-files/needs-no-secrets", needs_no_secrets);
	SCRATCH_TEST("/config-files/warns-of-secrets-that-others-can-read",
		warns_of_secrets_that_others_can_read);
	SCRATCH_TEST("/config-files/a-missing-file-is-named", a_missing_file_is_named);
	SCRATCH_TEST("/config-files/follows-links", follows_links);
	SCRATCH_TEST("/config-files/secrets-that-are-gone-are-an-error",
		secrets_that_are_gone_are_an_error);
	SCRATCH_TEST("/config-files/a-fifo-does-not-hang", a_fifo_does_not_hang);
	SCRATCH_TEST(
		"/config-files/unreadable-secrets-are-an-error", unreadable_secrets_are_an_error);
	return g_test_run();
}
