/* Globs. Both levels, characters in a component and components in a path, go back only to the
 * latest star, so that no pattern takes more than pattern times path steps. */
#include "core/glob.h"

#include <string.h>

struct UotaGlob {
	char **parts; /* without empty and `.` ones; a glob that names a folder ends in `**` */
};

/* One character and where the next begins; a byte that is no UTF-8 is a character of its own. */
static gunichar take(const char **text)
{
	gunichar c = g_utf8_get_char_validated(*text, -1);

	if (c == (gunichar)-1 || c == (gunichar)-2)
		return 0x110000 + (guchar) * (*text)++;
	*text = g_utf8_next_char(*text);
	return c;
}

/* The end of the set that begins at the `[` @set, or NULL where it is not closed. */
static const char *set_end(const char *set)
{
	const char *first = set + 1;

	if (*first == '!' || *first == '^')
		first++;
	return *first ? strchr(first + 1, ']') : NULL;
}

static gboolean in_set(const char *set, const char *end, gunichar c)
{
	const char *p = set + 1;
	gboolean negated = *p == '!' || *p == '^';
	gboolean found = FALSE;

	if (negated)
		p++;
	while (p < end) {
		gunichar low = take(&p), high = low;

		if (*p == '-' && p + 1 < end) {
			p++;
			high = take(&p);
		}
		found |= c >= low && c <= high;
	}
	return found != negated;
}

/* Whether the first element of @glob takes @c; then *@glob moves behind it. */
static gboolean match_one(const char **glob, gunichar c)
{
	const char *end = **glob == '[' ? set_end(*glob) : NULL;
	gboolean ok;

	if (end) {
		ok = in_set(*glob, end, c);
		*glob = end + 1;
		return ok;
	}
	if (**glob == '?') {
		(*glob)++;
		return TRUE;
	}
	return **glob && take(glob) == c;
}

static gboolean match_part(const char *glob, const char *part)
{
	const char *star = NULL, *resume = NULL;

	while (*part) {
		const char *next = part;
		gunichar c = take(&next);

		if (*glob == '*') {
			star = ++glob;
			resume = part;
		} else if (match_one(&glob, c)) {
			part = next;
		} else if (star) {
			glob = star;
			(void)take(&resume);
			part = resume;
		} else {
			return FALSE;
		}
	}
	return glob[strspn(glob, "*")] == '\0';
}

static gboolean is_deep(const char *part)
{
	return part && strcmp(part, "**") == 0;
}

gboolean uota_glob_matches(const UotaGlob *glob, char **path)
{
	char **parts = glob->parts, **star = NULL, **resume = NULL;

	if (!*parts)
		return FALSE;
	while (*path) {
		if (is_deep(*parts)) {
			star = ++parts;
			resume = path;
		} else if (*parts && match_part(*parts, *path)) {
			parts++;
			path++;
		} else if (star) {
			parts = star;
			path = ++resume;
		} else {
			return FALSE;
		}
	}
	while (is_deep(*parts))
		parts++;
	return !*parts;
}

gboolean uota_glob_reaches(const UotaGlob *glob, char **path)
{
	char **parts = glob->parts;

	for (; *path; path++, parts++) {
		if (is_deep(*parts))
			return TRUE;
		if (!*parts || !match_part(*parts, *path))
			return FALSE;
	}
	return *parts != NULL;
}

UotaGlob *uota_glob_new(const char *text)
{
	UotaGlob *glob = g_new0(UotaGlob, 1);
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) parts = g_strsplit(text, "/", -1);
	const char *last = NULL;

	for (char **part = parts; *part; part++) {
		if (!**part || strcmp(*part, ".") == 0)
			continue;
		last = *part;
		g_strv_builder_add(builder, last);
	}
	if (*text && (!last || !strpbrk(last, "*?[") || g_str_has_suffix(text, "/")))
		g_strv_builder_add(builder, "**");
	glob->parts = g_strv_builder_end(builder);
	return glob;
}

void uota_glob_free(UotaGlob *glob)
{
	if (!glob)
		return;
	g_strfreev(glob->parts);
	g_free(glob);
}

gboolean uota_glob_match(const char *text, const char *path)
{
	g_autoptr(UotaGlob) glob = uota_glob_new(text);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	return uota_glob_matches(glob, parts);
}
