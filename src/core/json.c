/* Strict JSON. jansson's own messages quote the source near the error, which may be a password:
 * only its code and the place are used. */
#include "core/json.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"

#define QUOTE_MAX 48 /* bytes of foreign text in a message */

static const char *reason(enum json_error_code code)
{
	switch (code) {
	case json_error_invalid_utf8:
		return "not UTF-8: save the file as UTF-8";
	case json_error_premature_end_of_input:
		return "the text ends too early: a quote, bracket or brace is not closed";
	case json_error_end_of_input_expected:
		return "something follows the closing brace";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a string has the character \\u0000, which no value may hold";
	case json_error_duplicate_key:
		return "this key is there already: keep one of the two";
	case json_error_numeric_overflow:
		return "the number is too large";
	case json_error_stack_overflow:
		return "nested too deeply";
	default:
		return "not JSON: look for a comma, quote or brace missing or one too many, or a "
		       "comment";
	}
}

json_t *uota_json_parse(const char *text, gsize len, const char *name, GError **error)
{
	json_error_t where;
	g_autoptr(json_t) root = NULL;

	if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"%s:1:1: begins with a byte order mark: save the file as UTF-8 without one",
			name);
		return NULL;
	}
	/* jansson says "invalid argument", without a place, to a NULL buffer */
	root = json_loadb(len ? text : "", len, JSON_REJECT_DUPLICATES, &where);
	if (!root) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED, "%s:%d:%d: %s", name,
			MAX(where.line, 1), MAX(where.column, 1), reason(json_error_code(&where)));
		return NULL;
	}
	if (!json_is_object(root)) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"%s:1:1: must be an object: { … } around all", name);
		return NULL;
	}
	return g_steal_pointer(&root);
}

char *uota_quote(const char *text)
{
	g_autofree char *printable = uota_text_printable(text, QUOTE_MAX);

	return g_strconcat("\"", printable, "\"", NULL);
}
