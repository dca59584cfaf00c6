/* Paths as a board has them: the strictest of littlefs, FAT, the agent and the wire. */
#include "core/path.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"

#define AGENT_PREFIX "ota_"
#define FORBIDDEN "\\:;*?\"<>|"

static gboolean fail(GError **error, const char *why)
{
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED, why);
	return FALSE;
}

static gboolean check_characters(const char *path, GError **error)
{
	const char *bad = strpbrk(path, FORBIDDEN);

	if (!g_utf8_validate(path, -1, NULL))
		return fail(error, "the name is not UTF-8: rename it");
	if (bad) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"a board cannot hold \"%c\" in a name: rename it", *bad);
		return FALSE;
	}
	for (const char *p = path; *p; p = g_utf8_next_char(p))
		if (g_unichar_iscntrl(g_utf8_get_char(p)))
			return fail(error, "a control character in the name: rename it");
	return TRUE;
}

static gboolean check_component(const char *name, GError **error)
{
	gsize len = strlen(name);

	if (!len)
		return fail(error, "an absolute path, or an empty name in it");
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail(error, "\".\" or \"..\" in the path");
	if (name[len - 1] == '.' || name[len - 1] == ' ')
		return fail(error, "a name that ends in a dot or a space: rename it");
	for (const char *tilde = strchr(name, '~'); tilde; tilde = strchr(tilde + 1, '~'))
		if (g_ascii_isdigit(tilde[1]))
			return fail(error, "\"~\" and a digit, which are FAT's own: rename it");
	return TRUE;
}

gboolean uota_path_check(const char *path, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	if (!*path)
		return fail(error, "an empty path");
	if (strlen(path) > UOTA_PATH_MAX) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"the path is longer than the %d bytes that a board can hold",
			UOTA_PATH_MAX);
		return FALSE;
	}
	if (g_strv_length(parts) > UOTA_PATH_DEPTH)
		return fail(error, "more folders in each other than a board's agent takes");
	if (!check_characters(path, error))
		return FALSE;
	for (char **part = parts; *part; part++)
		if (!check_component(*part, error))
			return FALSE;
	if (g_ascii_strncasecmp(path, AGENT_PREFIX, strlen(AGENT_PREFIX)) == 0)
		return fail(error, "names that begin with \"" AGENT_PREFIX
				   "\" are the agent's own: rename it");
	return TRUE;
}

char *uota_path_printable(const char *path)
{
	return uota_text_printable(path, UOTA_PATH_MAX);
}
