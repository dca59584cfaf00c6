/* Strict JSON: no duplicate keys, no NUL characters, nothing behind the end, and errors in words
 * that never quote the text, since it may hold secrets. */
#pragma once

#include <glib.h>
#include <jansson.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* Parses @len bytes of @text, which must be an object. @name: what messages call the text; they
 * read "name:line:column: why". Returns: (transfer full) */
json_t *uota_json_parse(const char *text, gsize len, const char *name, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* @text in double quotes for a message: printable, and cut where it is long.
 * Returns: (transfer full) */
char *uota_quote(const char *text);
