/* Fuzzes the parser of a board's hello, and of each method in it. */
#include <string.h>

#include "fuzz.h"
#include "protocol/hello.h"

static void check_method(const char *text)
{
	g_autofree char *again = NULL;
	UotaMethod method;

	if (!uota_method_parse(text, &method, NULL) || method.kind != UOTA_METHOD_PASSWORD)
		return;
	g_assert_cmpuint(method.rounds, >=, UOTA_ROUNDS_MIN);
	g_assert_cmpuint(method.rounds, <=, UOTA_ROUNDS_MAX);
	again = uota_method_text(&method);
	g_assert_cmpstr(again, ==, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *line = g_strndup(size ? (const char *)data : "", size);
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaHello) hello = uota_hello_parse(line, &error);

	g_assert_true((hello == NULL) == (error != NULL));
	for (char **method = hello ? hello->methods : NULL; method && *method; method++)
		check_method(*method);
	return 0;
}
