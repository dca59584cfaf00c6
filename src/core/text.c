/* Text from elsewhere made safe for a terminal and for one line. */
#include "core/text.h"

/* Explicit directional embeddings, overrides and isolates of Unicode's UAX #9, and the line and
 * paragraph separators before them. */
static gboolean is_layout(gunichar c)
{
	return (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E ||
	       c == 0x200F;
}

static const char *append_character(GString *out, const char *text)
{
	gunichar c = g_utf8_get_char_validated(text, -1);

	if (c == (gunichar)-1 || c == (gunichar)-2) {
		g_string_append_printf(out, "\\x%02x", (guchar)*text);
		return text + 1;
	}
	if (c < 0x20 || c == 0x7F)
		g_string_append_printf(out, "\\x%02x", c);
	else if ((c >= 0x80 && c <= 0x9F) || is_layout(c))
		g_string_append_printf(out, "\\u{%x}", c);
	else
		g_string_append_unichar(out, c);
	return g_utf8_next_char(text);
}

char *uota_text_printable(const char *text, gsize max)
{
	GString *out = g_string_new(NULL);

	while (*text && out->len < max)
		text = append_character(out, text);
	if (*text)
		g_string_append(out, "…");
	return g_string_free(out, FALSE);
}
