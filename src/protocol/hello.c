/* The lines that open a connection of protocol 2. */
#include "protocol/hello.h"

#include <nettle/memops.h>
#include <string.h>

#include "core/error.h"
#include "core/text.h"

#define NONCE_SIZE 16U /* bytes */
#define SALT_MIN 16U   /* bytes */
#define QUOTE_MAX 60
#define PBKDF2 "pbkdf2-sha256"
#define OURS "hello 2 "

static gboolean fail(GError **error, UotaError code, const char *why, const char *quoted)
{
	g_autofree char *quote = uota_text_printable(quoted, QUOTE_MAX);

	g_set_error(error, UOTA_ERROR, code, "%s: \"%s\"", why, quote);
	return FALSE;
}

char *uota_hello_make(GError **error)
{
	guint8 nonce[NONCE_SIZE];
	g_autofree char *hex = NULL;

	if (!uota_random(nonce, sizeof nonce, error))
		return NULL;
	hex = uota_hex(nonce, sizeof nonce);
	return g_strconcat(OURS, hex, "\n", NULL);
}

static gboolean is_hex(const char *text, gsize len)
{
	return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

/* Printable ASCII with a `\n` at its end and nowhere else. */
static gboolean is_line(const char *line)
{
	gsize len = strlen(line);

	if (len < 2 || len > UOTA_HELLO_MAX || line[len - 1] != '\n')
		return FALSE;
	for (gsize i = 0; i < len - 1; i++)
		if (!g_ascii_isprint(line[i]))
			return FALSE;
	return TRUE;
}

/* Cuts ` name=…\n` off the end of @text: NAME may hold spaces, and is the last. */
static char *cut_name(char *text)
{
	char *name = strstr(text, " name=");
	char *end = name ? strchr(name, '\n') : NULL;

	if (!end)
		return NULL;
	*name = *end = '\0';
	return name + strlen(" name=");
}

static gboolean take_value(UotaHello *hello, const char *key, const char *value)
{
	if (strcmp(key, "auth") == 0) {
		hello->methods = g_strsplit(value, ",", -1);
		return hello->methods[0] && *hello->methods[0];
	}
	if (strcmp(key, "cipher") != 0)
		return TRUE; /* of a later version */
	hello->encrypted = strcmp(value, "aes128-cbc") == 0;
	return hello->encrypted || strcmp(value, "none") == 0;
}

/* KEY=VALUE words; each key once, `auth` and `cipher` must be there. */
static gboolean take_words(UotaHello *hello, char **words)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (; *words; words++) {
		char *equals = strchr(*words, '=');

		if (!equals || equals == *words)
			return FALSE;
		*equals = '\0';
		if (!g_hash_table_add(seen, *words) || !take_value(hello, *words, equals + 1))
			return FALSE;
	}
	return g_hash_table_contains(seen, "auth") && g_hash_table_contains(seen, "cipher");
}

static gboolean take_apart(UotaHello *hello)
{
	g_autofree char *text = g_strdup(hello->line);
	const char *name = cut_name(text);
	g_auto(GStrv) words = NULL;

	if (!name || !g_str_has_prefix(text, OURS))
		return FALSE;
	hello->name = g_strdup(name);
	words = g_strsplit(text + strlen(OURS), " ", -1);
	return words[0] && is_hex(words[0], (gsize)2 * NONCE_SIZE) && take_words(hello, words + 1);
}

UotaHello *uota_hello_parse(const char *line, GError **error)
{
	g_autoptr(UotaHello) hello = g_new0(UotaHello, 1);

	hello->line = g_strdup(line);
	if (is_line(line) && take_apart(hello))
		return g_steal_pointer(&hello);
	(void)fail(error, UOTA_ERROR_FAILED, "this is no uota board: it answered", line);
	return NULL;
}

void uota_hello_free(UotaHello *hello)
{
	if (!hello)
		return;
	g_free(hello->line);
	g_free(hello->name);
	g_strfreev(hello->methods);
	g_free(hello);
}

static gboolean take_salt(UotaMethod *method, const char *hex)
{
	gsize len = strlen(hex);

	if (len % 2 || len < (gsize)2 * SALT_MIN || len > (gsize)2 * UOTA_SALT_MAX ||
		!is_hex(hex, len))
		return FALSE;
	method->salt_len = len / 2;
	for (gsize i = 0; i < method->salt_len; i++)
		method->salt[i] = (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 |
					   g_ascii_xdigit_value(hex[2 * i + 1]));
	return TRUE;
}

static gboolean parse_pbkdf2(char **parts, UotaMethod *method)
{
	guint64 rounds;

	if (g_strv_length(parts) != 3 || strcmp(parts[0], PBKDF2) != 0 || *parts[1] == '0' ||
		!g_ascii_string_to_unsigned(
			parts[1], 10, UOTA_ROUNDS_MIN, UOTA_ROUNDS_MAX, &rounds, NULL))
		return FALSE;
	method->kind = UOTA_METHOD_PASSWORD;
	method->rounds = (guint)rounds;
	return take_salt(method, parts[2]);
}

gboolean uota_method_parse(const char *text, UotaMethod *method, GError **error)
{
	static const struct {
		const char *text;
		UotaMethodKind kind;
	} plain[] = {
		{"key", UOTA_METHOD_KEY},
		{"sha256", UOTA_METHOD_SHA256},
		{"none", UOTA_METHOD_NONE},
	};
	g_auto(GStrv) parts = g_strsplit(text, ":", 4);

	memset(method, 0, sizeof *method);
	for (gsize i = 0; i < G_N_ELEMENTS(plain); i++) {
		method->kind = plain[i].kind;
		if (strcmp(text, plain[i].text) == 0)
			return TRUE;
	}
	return parse_pbkdf2(parts, method) ||
	       fail(error, UOTA_ERROR_REFUSED,
		       "the board wants a proof that this uota must not, or cannot, give", text);
}

char *uota_method_text(const UotaMethod *method)
{
	g_autofree char *salt = uota_hex(method->salt, method->salt_len);

	return g_strdup_printf(PBKDF2 ":%u:%s", method->rounds, salt);
}

gboolean uota_method_new(UotaMethod *method, GError **error)
{
	memset(method, 0, sizeof *method);
	method->kind = UOTA_METHOD_PASSWORD;
	method->rounds = UOTA_ROUNDS_MIN;
	method->salt_len = SALT_MIN;
	return uota_random(method->salt, method->salt_len, error);
}

char *uota_proof_line(const UotaKeys *keys, guint index)
{
	g_autofree char *hex = uota_sha256_hex(keys->host_proof);

	return g_strdup_printf("proof %u %s\n", index, hex);
}

gboolean uota_proof_check(const UotaKeys *keys, const char *line)
{
	g_autofree char *hex = uota_sha256_hex(keys->board_proof);
	g_autofree char *expected = g_strconcat("proof ", hex, "\n", NULL);
	gsize len = strlen(expected);

	return strlen(line) == len && memeql_sec(line, expected, len);
}
