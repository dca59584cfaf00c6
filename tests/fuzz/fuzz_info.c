/* Fuzzes the parser of what a board says of itself: what it takes may stand in a manifest. */
#include <string.h>

#include "core/manifest2.h"
#include "fuzz.h"
#include "protocol/info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *line = g_strndup(size ? (const char *)data : "", size);
	g_autoptr(UotaInfo) info = uota_info_parse(line);

	if (!info)
		return 0;
	g_assert_cmpuint(info->counter, <, UOTA_COUNTER_MAX);
	g_assert_cmpint(info->mpy, >=, -1);
	g_assert_cmpint(info->mpy, <=, 255);
	g_assert_true(!info->platform || !strpbrk(info->platform, " \n"));
	return 0;
}
