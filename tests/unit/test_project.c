/* Projects: finding one, and making one that works at once. */
#include "core/project.h"

#include "core/config.h"
#include "core/fileset.h"
#include "core/signer.h"
#include "scratch.h"
#include "support/errors.h"

#define ALL ".gitignore config/.ota.secrets.json app/app.py main.py config/ota.json"
#define NO_SECRETS ".gitignore app/app.py main.py config/ota.json"

static gboolean init(const Scratch *scratch, gboolean force, gboolean secrets, const char *expected,
	GError **error)
{
	UotaInitOptions options = {.force = force, .secrets = secrets};
	g_autoptr(GPtrArray) written = g_ptr_array_new_with_free_func(g_free);
	gboolean ok = uota_project_init(scratch->dir, &options, written, error);
	g_autofree char *names = NULL;

	g_ptr_array_add(written, NULL);
	names = g_strjoinv(" ", (char **)written->pdata);
	g_assert_cmpstr(names, ==, expected);
	return ok;
}

static void init_ok(const Scratch *scratch, gboolean force, gboolean secrets, const char *expected)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(init(scratch, force, secrets, expected, &error));
	g_assert_no_error(error);
}

static UotaConfig *load(const Scratch *scratch)
{
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	UotaConfig *config = uota_config_load(scratch->dir, warnings, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(warnings->len, ==, 0);
	return config;
}

static void a_new_project_works_at_once(Scratch *scratch, gconstpointer data)
{
	g_autoptr(UotaConfig) config = NULL;
	g_autoptr(GPtrArray) files = NULL;
	g_autoptr(GError) error = NULL;
	guint8 key[UOTA_SHA256_SIZE];

	init_ok(scratch, FALSE, TRUE, ALL);
	config = load(scratch);
	g_assert_true(uota_sha256_from_hex(config->signing_key, key));
	g_assert_cmpuint(strlen(config->ota_password), >=, 20);
	files = uota_fileset_collect(scratch->dir, config, UOTA_SCOPE_FAST, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(files->len, ==, 3);
}

static void the_template_has_the_defaults(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(UotaConfig) written = NULL;
	g_autoptr(UotaConfig) absent =
		uota_config_parse("{}", 2, "ota.json", NULL, 0, "secrets", warnings, NULL);

	init_ok(scratch, FALSE, FALSE, NO_SECRETS);
	written = load(scratch);
	g_assert_cmpstr(written->version, ==, absent->version);
	g_assert_cmpstr(written->hostname, ==, absent->hostname);
	g_assert_cmpuint(written->port, ==, absent->port);
	g_assert_cmpuint(written->remoteio_port, ==, absent->remoteio_port);
	g_assert_cmpuint(written->pull_interval, ==, absent->pull_interval);
	g_assert_cmpstr(written->ble_name, ==, absent->ble_name);
	g_assert_true(g_strv_equal(
		(const char *const *)written->transports, (const char *const *)absent->transports));
	g_assert_true(g_strv_equal((const char *const *)written->excluded_files,
		(const char *const *)absent->excluded_files));
	g_assert_true(g_strv_equal((const char *const *)written->fast_ota_files,
		(const char *const *)absent->fast_ota_files));
	g_assert_true(g_strv_equal((const char *const *)written->full_ota_files,
		(const char *const *)absent->full_ota_files));
	g_assert_true(g_strv_equal(
		(const char *const *)written->mpy_files, (const char *const *)absent->mpy_files));
	g_assert_null(written->signing_key);
	g_assert_null(written->ota_password_hash);
}

static void secrets_are_for_the_owner_only(Scratch *scratch, gconstpointer data)
{
	g_autofree char *path = scratch_path(scratch, UOTA_SECRETS_PATH);
	GStatBuf info;

	init_ok(scratch, FALSE, TRUE, ALL);
	g_assert_cmpint(g_stat(path, &info), ==, 0);
	g_assert_cmpint(info.st_mode & 0777, ==, 0600);
}

static void secrets_differ_each_time(Scratch *scratch, gconstpointer data)
{
	Scratch first = {.dir = scratch_path(scratch, "a/b")};
	Scratch second = {.dir = scratch_path(scratch, "c")};
	g_autoptr(UotaConfig) a = NULL;
	g_autoptr(UotaConfig) b = NULL;

	init_ok(&first, FALSE, TRUE, ALL);
	init_ok(&second, FALSE, TRUE, ALL);
	a = load(&first);
	b = load(&second);
	g_assert_cmpstr(a->signing_key, !=, b->signing_key);
	g_assert_cmpstr(a->ota_password, !=, b->ota_password);
	g_free(first.dir);
	g_free(second.dir);
}

static void no_secrets_on_request(Scratch *scratch, gconstpointer data)
{
	init_ok(scratch, FALSE, FALSE, NO_SECRETS);
	g_assert_false(scratch_has(scratch, UOTA_SECRETS_PATH));
}

static void nothing_is_written_over_a_file(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	scratch_write(scratch, "app/app.py", "mine");
	g_assert_false(init(scratch, FALSE, TRUE, "", &error));
	ASSERT_SAYS(&error, "app/app.py: exists already", "nothing was written", "--force");
	text = scratch_read(scratch, "app/app.py");
	g_assert_cmpstr(text, ==, "mine");
	g_assert_false(scratch_has(scratch, "config"));
	g_assert_false(scratch_has(scratch, "main.py"));
	g_assert_false(scratch_has(scratch, ".gitignore"));
}

static void a_dangling_link_is_a_file_too(Scratch *scratch, gconstpointer data)
{
	g_autofree char *path = scratch_path(scratch, "main.py");
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(symlink("gone", path), ==, 0);
	g_assert_false(init(scratch, FALSE, TRUE, "", &error));
	ASSERT_SAYS(&error, "main.py: exists already");
}

static void force_overwrites_all_but_secrets(Scratch *scratch, gconstpointer data)
{
	g_autofree char *secrets = NULL;
	g_autofree char *text = NULL;

	scratch_write(scratch, "main.py", "mine");
	scratch_write(scratch, UOTA_SECRETS_PATH, "{\"signingKey\": \"mine\"}");
	init_ok(scratch, TRUE, TRUE, NO_SECRETS);
	secrets = scratch_read(scratch, UOTA_SECRETS_PATH);
	text = scratch_read(scratch, "main.py");
	g_assert_cmpstr(secrets, ==, "{\"signingKey\": \"mine\"}");
	g_assert_nonnull(strstr(text, "\nimport uota\n"));
	g_assert_nonnull(strstr(text, "\nuota.main()\n"));
}

static void a_gitignore_is_completed(Scratch *scratch, gconstpointer data)
{
	g_autofree char *text = NULL;

	scratch_write(scratch, ".gitignore", "*.o\r\ndist/\r\n# mine");
	init_ok(scratch, FALSE, TRUE, ALL);
	text = scratch_read(scratch, ".gitignore");
	g_assert_cmpstr(text, ==,
		"*.o\r\ndist/\r\n# mine\nconfig/.ota.secrets.json\nconfig/ota.json\n"
		".uota_cache.json\n__pycache__/\n");
	init_ok(scratch, TRUE, TRUE, "app/app.py main.py config/ota.json");
}

static void secrets_are_ignored_by_git(Scratch *scratch, gconstpointer data)
{
	g_autofree char *text = NULL;

	init_ok(scratch, FALSE, TRUE, ALL);
	text = scratch_read(scratch, ".gitignore");
	g_assert_nonnull(strstr(text, "\nconfig/.ota.secrets.json\n"));
	g_assert_nonnull(strstr(text, "\nconfig/ota.json\n"));
	g_assert_nonnull(strstr(text, "\n.uota_cache.json\n"));
	g_assert_nonnull(strstr(text, "\ndist/\n"));
	g_assert_nonnull(strstr(text, "\n__pycache__/\n"));
}

static void a_folder_that_cannot_be_made_is_an_error(Scratch *scratch, gconstpointer data)
{
	Scratch below = {.dir = scratch_path(scratch, "file/x")};
	g_autoptr(GError) error = NULL;

	scratch_write(scratch, "file", "");
	g_assert_false(init(&below, FALSE, TRUE, "", &error));
	ASSERT_SAYS(&error, "cannot make the folder");
	g_free(below.dir);
}

static void a_named_folder_must_be_one(Scratch *scratch, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *below = scratch_path(scratch, "app");
	g_autofree char *gone = scratch_path(scratch, "gone");
	g_autofree char *found = NULL;

	init_ok(scratch, FALSE, FALSE, NO_SECRETS);
	found = uota_project_find(scratch->dir, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(found, ==, scratch->dir);
	g_assert_null(uota_project_find(below, &error));
	ASSERT_SAYS(&error, below, "no project", "uota init");
	g_assert_null(uota_project_find(gone, &error));
	ASSERT_SAYS(&error, gone, "no such folder");
}

static void the_nearest_above_is_found(Scratch *scratch, gconstpointer data)
{
	g_autofree char *before = g_get_current_dir();
	g_autofree char *below = scratch_path(scratch, "app/deep");
	g_autofree char *real = NULL;
	g_autofree char *found = NULL;
	g_autoptr(GError) error = NULL;

	init_ok(scratch, FALSE, FALSE, NO_SECRETS);
	scratch_mkdir(scratch, "app/deep");
	g_assert_cmpint(g_chdir(scratch->dir), ==, 0);
	real = g_get_current_dir();
	g_assert_cmpint(g_chdir(below), ==, 0);
	found = uota_project_find(NULL, &error);
	g_assert_cmpint(g_chdir(before), ==, 0);
	g_assert_no_error(error);
	g_assert_cmpstr(found, ==, real);
}

static void no_project_is_an_error(Scratch *scratch, gconstpointer data)
{
	g_autofree char *before = g_get_current_dir();
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(g_chdir(scratch->dir), ==, 0);
	g_assert_null(uota_project_find(NULL, &error));
	g_assert_cmpint(g_chdir(before), ==, 0);
	ASSERT_SAYS(&error, "no project here", "uota init");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	SCRATCH_TEST("/project/a-new-one-works-at-once", a_new_project_works_at_once);
	SCRATCH_TEST("/project/the-template-has-the-defaults", the_template_has_the_defaults);
	SCRATCH_TEST("/project/secrets-are-for-the-owner-only", secrets_are_for_the_owner_only);
	SCRATCH_TEST("/project/secrets-differ-each-time", secrets_differ_each_time);
	SCRATCH_TEST("/project/no-secrets-on-request", no_secrets_on_request);
	SCRATCH_TEST("/project/nothing-is-written-over-a-file", nothing_is_written_over_a_file);
	SCRATCH_TEST("/project/a-dangling-link-is-a-file-too", a_dangling_link_is_a_file_too);
	SCRATCH_TEST("/project/force-overwrites-all-but-secrets", force_overwrites_all_but_secrets);
	SCRATCH_TEST("/project/a-gitignore-is-completed", a_gitignore_is_completed);
	SCRATCH_TEST("/project/secrets-are-ignored-by-git", secrets_are_ignored_by_git);
	SCRATCH_TEST("/project/a-folder-that-cannot-be-made-is-an-error",
		a_folder_that_cannot_be_made_is_an_error);
	SCRATCH_TEST("/project/a-named-folder-must-be-one", a_named_folder_must_be_one);
	SCRATCH_TEST("/project/the-nearest-above-is-found", the_nearest_above_is_found);
	SCRATCH_TEST("/project/no-project-is-an-error", no_project_is_an_error);
	return g_test_run();
}
