/* The nearest name by edit distance, where two characters swapped count as one error. */
#include "core/nearest.h"

#include <string.h>

#define WORD_MAX 64 /* bytes; longer words are no typing errors */

static guint min3(guint a, guint b, guint c)
{
	return MIN(a, MIN(b, c));
}

/* Distance by optimal string alignment; three rows are enough. */
static guint distance(const char *a, const char *b)
{
	gsize la = strlen(a), lb = strlen(b);
	guint rows[3][WORD_MAX + 1];

	for (gsize j = 0; j <= lb; j++)
		rows[0][j] = (guint)j;
	for (gsize i = 1; i <= la; i++) {
		guint *row = rows[i % 3];
		const guint *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

		row[0] = (guint)i;
		for (gsize j = 1; j <= lb; j++) {
			row[j] = min3(
				last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const char *uota_nearest(const char *word, const char *const *names)
{
	g_autofree char *wanted = g_ascii_strdown(word, -1);
	const char *nearest = NULL;
	gsize len = strlen(word);
	guint best = (guint)(len + 1) / 3 + 1; /* one error in two letters, two in five */

	if (len > WORD_MAX)
		return NULL;
	for (; *names; names++) {
		g_autofree char *name = g_ascii_strdown(*names, -1);
		guint d = strlen(name) > WORD_MAX ? best : distance(wanted, name);

		if (d < best) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}
