/* What a board sends, gathered in memory up to a limit. */
#pragma once

#include <glib.h>

typedef struct {
	GByteArray *bytes; /* borrowed */
	gsize max;         /* bytes that it may hold */
} UotaBounded;

/* A UotaChunkFunc: appends @len bytes of @data to the UotaBounded @user_data. Error:
 * UOTA_ERROR_FAILED, they are more than it may hold; it is left as it was. */
gboolean uota_bounded_take(const guint8 *data, gsize len, gpointer user_data, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;
