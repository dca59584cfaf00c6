/* How long a board may keep a host busy. */
#include "protocol/patience.h"

#include "core/error.h"

#define BYTES_PER_S 256         /* as slow as a host may be for the board */
#define ALIVE_US G_USEC_PER_SEC /* a sign of life costs this much at least */

void uota_patience_renew(UotaPatience *patience)
{
	patience->left = UOTA_PATIENCE_US;
}

gboolean uota_patience_spend(UotaPatience *patience, gint64 waited, gsize len, GError **error)
{
	if (len)
		patience->left += (gint64)len * G_USEC_PER_SEC / BYTES_PER_S - waited;
	else
		patience->left -= MAX(waited, ALIVE_US);
	if (patience->left >= 0)
		return TRUE;
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"the board is at work and does not come to an end: gave up; reset it");
	return FALSE;
}
