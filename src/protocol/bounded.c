/* What a board sends, gathered in memory up to a limit. */
#include "protocol/bounded.h"

#include "core/error.h"

gboolean uota_bounded_take(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	UotaBounded *bounded = user_data;

	if (len > bounded->max - bounded->bytes->len) {
		g_set_error(error, UOTA_ERROR, UOTA_ERROR_FAILED,
			"the board sends more than %" G_GSIZE_FORMAT " bytes: gave up",
			bounded->max);
		return FALSE;
	}
	g_byte_array_append(bounded->bytes, data, (guint)len);
	return TRUE;
}
