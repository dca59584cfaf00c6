/* A board's answer to `push`. */
#include "protocol/inventory.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"

#define WINDOW_MIN 512
#define WINDOW_MAX 16384
#define WBITS_MIN 9
#define WBITS_MAX 15
#define QUOTE_MAX 60

/* Two decimal numbers without leading zeros, parted by one space. */
static gboolean take_pair(const char *text, guint64 max_a, guint64 *a, guint64 max_b, guint64 *b)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 3);

	for (char **word = words; *word; word++)
		if (**word == '0' && (*word)[1])
			return FALSE;
	return g_strv_length(words) == 2 &&
	       g_ascii_string_to_unsigned(words[0], 10, 0, max_a, a, NULL) &&
	       g_ascii_string_to_unsigned(words[1], 10, 0, max_b, b, NULL);
}

static gboolean take_sizes(UotaInventory *inventory, const char *text)
{
	guint64 window = 0, wbits = 0;

	if (!take_pair(text, WINDOW_MAX, &window, WBITS_MAX, &wbits) || window < WINDOW_MIN ||
		(wbits && wbits < WBITS_MIN))
		return FALSE;
	inventory->window = (guint)window;
	inventory->wbits = (guint)wbits;
	return TRUE;
}

/* The line that says which of the three answers it is. */
static gboolean take_answer(UotaInventory *inventory, const char *line)
{
	if (strcmp(line, "same") == 0) {
		inventory->answer = UOTA_PUSH_SAME;
		return TRUE;
	}
	if (g_str_has_prefix(line, "send ")) {
		inventory->answer = UOTA_PUSH_SEND;
		return take_sizes(inventory, line + strlen("send "));
	}
	inventory->answer = UOTA_PUSH_HAVE;
	return g_str_has_prefix(line, "have ") && take_sizes(inventory, line + strlen("have "));
}

static gboolean take_missing(
	UotaInventory *inventory, const char *line, const UotaManifest *manifest)
{
	guint64 index = 0, offset = 0;
	const UotaMissing *last = inventory->missing->len
					  ? &g_array_index(inventory->missing, UotaMissing,
						    inventory->missing->len - 1)
					  : NULL;
	const UotaFile *file;

	if (!take_pair(line, G_MAXUINT32, &index, UOTA_FILE_SIZE_MAX, &offset) ||
		index >= manifest->files->len || (last && index <= last->index))
		return FALSE;
	file = g_ptr_array_index(manifest->files, (guint)index);
	if (offset && offset >= file->size)
		return FALSE;
	g_array_append_val(inventory->missing, ((UotaMissing){(guint)index, offset}));
	return TRUE;
}

/* @lines: complete ones, and an empty one behind the last `\n`. */
static gboolean take_lines(UotaInventory *inventory, char **lines, const UotaManifest *manifest)
{
	guint count = g_strv_length(lines);

	if (count < 2 || *lines[count - 1] || !take_answer(inventory, lines[0]) ||
		(inventory->answer != UOTA_PUSH_HAVE && count > 2))
		return FALSE;
	for (guint i = 1; i < count - 1; i++)
		if (!take_missing(inventory, lines[i], manifest))
			return FALSE;
	return TRUE;
}

UotaInventory *uota_inventory_parse(
	const char *text, gsize len, const UotaManifest *manifest, GError **error)
{
	g_autoptr(UotaInventory) inventory = g_new0(UotaInventory, 1);
	g_autofree char *copy = g_strndup(text, len);
	g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
	g_autofree char *quote = uota_text_printable(copy, QUOTE_MAX);

	inventory->missing = g_array_new(FALSE, FALSE, sizeof(UotaMissing));
	if (strlen(copy) == len && take_lines(inventory, lines, manifest))
		return g_steal_pointer(&inventory);
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"the board answered the push with what is no inventory: \"%s\"", quote);
	return NULL;
}

void uota_inventory_free(UotaInventory *inventory)
{
	if (!inventory)
		return;
	g_array_unref(inventory->missing);
	g_free(inventory);
}
