/* The lines that open protocol 2, its proofs and keys: the vectors, and what must be refused. */
#include <string.h>

#include "core/error.h"
#include "core/keycache.h"
#include "protocol/credentials.h"
#include "scratch.h"
#include "support/vectors.h"

static UotaCredentials credentials_of(const json_t *vector)
{
	const char *password = vector_text(vector, "password");
	const char *key = vector_text(vector, "signing_key");

	return (UotaCredentials){password && *password ? password : NULL, key && *key ? key : NULL};
}

static void assert_hex(const guint8 *data, gsize len, const json_t *vector, const char *key)
{
	g_autofree char *hex = uota_hex(data, len);

	g_assert_cmpstr(hex, ==, vector_text(vector, key));
}

static void check_handshake(const json_t *vector)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaHello) hello = uota_hello_parse(vector_text(vector, "board_line"), &error);
	guint index = (guint)json_integer_value(json_object_get(vector, "index"));
	UotaCredentials credentials = credentials_of(vector);
	guint8 secret[UOTA_SECRET_SIZE];
	g_autofree char *proof = NULL;
	UotaMethod method;
	UotaKeys keys;

	g_assert_no_error(error);
	g_assert_true(uota_method_parse(hello->methods[index], &method, &error));
	g_assert_true(uota_credentials_secret(&credentials, &method, FALSE, secret, &error));
	assert_hex(secret, sizeof secret, vector, "secret");
	uota_keys_derive(&keys, secret, vector_text(vector, "host_line"), hello->line);
	proof = uota_proof_line(&keys, index);
	g_assert_cmpstr(proof, ==, vector_text(vector, "host_proof_line"));
	g_assert_true(uota_proof_check(&keys, vector_text(vector, "board_proof_line")));
	g_assert_false(uota_proof_check(&keys, vector_text(vector, "host_proof_line")));
	g_assert_false(uota_proof_check(&keys, "proof \n"));
	assert_hex(keys.host_mac, sizeof keys.host_mac, vector, "host_mac");
	assert_hex(keys.board_mac, sizeof keys.board_mac, vector, "board_mac");
	assert_hex(keys.host_aes, sizeof keys.host_aes, vector, "host_aes");
	assert_hex(keys.board_aes, sizeof keys.board_aes, vector, "board_aes");
}

static void handshakes_follow_the_vectors(void)
{
	g_autoptr(json_t) vectors = vectors_load("hello2", "handshakes");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		g_test_message("%s", vector_text(vector, "name"));
		check_handshake(vector);
	}
}

/* The whole way to a proof with the first method. */
static gboolean would_prove(const json_t *vector)
{
	g_autoptr(UotaHello) hello = uota_hello_parse(vector_text(vector, "board_line"), NULL);
	UotaCredentials credentials = credentials_of(vector);
	guint8 secret[UOTA_SECRET_SIZE];
	UotaMethod method;

	return hello && uota_method_parse(hello->methods[0], &method, NULL) &&
	       uota_credentials_secret(&credentials, &method, FALSE, secret, NULL);
}

static void refuses_what_is_broken_or_weak(void)
{
	g_autoptr(json_t) vectors = vectors_load("hello2", "refused");
	json_t *vector;
	gsize i;

	json_array_foreach(vectors, i, vector)
	{
		g_test_message("%s", vector_text(vector, "why"));
		g_assert_false(would_prove(vector));
	}
}

static void a_fast_hash_is_the_users_decision(void)
{
	UotaCredentials credentials = {"secret", NULL};
	UotaMethod method = {.kind = UOTA_METHOD_SHA256};
	guint8 secret[UOTA_SECRET_SIZE], expected[UOTA_SHA256_SIZE];

	g_assert_true(uota_credentials_secret(&credentials, &method, TRUE, secret, NULL));
	uota_sha256("secret", 6, expected);
	g_assert_cmpmem(secret, sizeof secret, expected, sizeof expected);
}

static gint64 time_of_secret(const char *password, const UotaMethod *method, guint8 *secret)
{
	gint64 start = g_get_monotonic_time();

	uota_keycache_secret(password, method->salt, method->salt_len, method->rounds, secret);
	return g_get_monotonic_time() - start;
}

static void a_stretched_password_is_kept_for_its_owner_only(void)
{
	guint8 first[UOTA_SECRET_SIZE], again[UOTA_SECRET_SIZE], other[UOTA_SECRET_SIZE];
	g_autofree char *path = NULL;
	UotaMethod method;
	struct stat info;
	gint64 slow;

	g_assert_true(uota_method_new(&method, NULL));
	slow = time_of_secret("one", &method, first);
	g_assert_cmpint(time_of_secret("one", &method, again), <, slow / 4);
	g_assert_cmpmem(first, sizeof first, again, sizeof again);
	time_of_secret("two", &method, other);
	g_assert_true(memcmp(first, other, sizeof first) != 0);
	path = uota_keycache_path("one", method.salt, method.salt_len, method.rounds);
	g_assert_cmpint(g_stat(path, &info), ==, 0);
	g_assert_cmpuint(info.st_mode & 0777, ==, 0600);
}

static void a_cache_that_others_could_write_is_not_believed(void)
{
	guint8 secret[UOTA_SECRET_SIZE], again[UOTA_SECRET_SIZE];
	g_autofree char *path = NULL;
	g_autofree char *lie = g_strnfill(64, '0');
	UotaMethod method;

	g_assert_true(uota_method_new(&method, NULL));
	uota_secret_from_password("one", method.salt, method.salt_len, method.rounds, secret);
	time_of_secret("one", &method, again);
	path = uota_keycache_path("one", method.salt, method.salt_len, method.rounds);
	g_assert_true(
		g_file_set_contents_full(path, lie, 64, G_FILE_SET_CONTENTS_NONE, 0666, NULL));
	g_assert_cmpint(g_chmod(path, 0666), ==, 0);
	time_of_secret("one", &method, again);
	g_assert_cmpmem(secret, sizeof secret, again, sizeof again);
}

static void our_lines_differ(void)
{
	g_autofree char *one = uota_hello_make(NULL);
	g_autofree char *two = uota_hello_make(NULL);

	g_assert_cmpuint(strlen(one), ==, strlen("hello 2 \n") + 32);
	g_assert_true(g_str_has_prefix(one, "hello 2 "));
	g_assert_cmpstr(one, !=, two);
}

static void a_new_salt_is_a_method_of_its_own(void)
{
	UotaMethod one, two;
	g_autofree char *text = NULL;

	g_assert_true(uota_method_new(&one, NULL));
	text = uota_method_text(&one);
	g_assert_true(uota_method_parse(text, &two, NULL));
	g_assert_cmpmem(one.salt, one.salt_len, two.salt, two.salt_len);
	g_assert_cmpuint(two.rounds, ==, UOTA_ROUNDS_MIN);
	g_assert_true(uota_method_new(&two, NULL));
	g_assert_true(memcmp(one.salt, two.salt, one.salt_len) != 0);
}

int main(int argc, char **argv)
{
	Scratch cache;
	int status;

	/* a cache of its own; GLib asks for the variable once */
	scratch_setup(&cache, NULL);
	g_assert_true(g_setenv("XDG_CACHE_HOME", cache.dir, TRUE));
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hello/handshakes-follow-the-vectors", handshakes_follow_the_vectors);
	g_test_add_func("/hello/refuses-what-is-broken-or-weak", refuses_what_is_broken_or_weak);
	g_test_add_func("/hello/our-lines-differ", our_lines_differ);
	g_test_add_func("/credentials/a-fast-hash-is-the-users-decision",
		a_fast_hash_is_the_users_decision);
	g_test_add_func("/credentials/a-stretched-password-is-kept-for-its-owner-only",
		a_stretched_password_is_kept_for_its_owner_only);
	g_test_add_func("/credentials/a-cache-that-others-could-write-is-not-believed",
		a_cache_that_others_could_write_is_not_believed);
	g_test_add_func(
		"/hello/a-new-salt-is-a-method-of-its-own", a_new_salt_is_a_method_of_its_own);
	status = g_test_run();
	scratch_teardown(&cache, NULL);
	return status;
}
