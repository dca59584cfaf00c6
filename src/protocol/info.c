/* What a board says of itself before a push. */
#include "protocol/info.h"

#include <string.h>

#include "core/json.h"
#include "core/manifest2.h"
#include "protocol/status.h"

#define TEXT_MAX 64 /* bytes of a name or version */

/* FALSE unless @key is absent, or a text that may stand on a line of a manifest. */
static gboolean take_text(const json_t *root, const char *key, char **text)
{
	const json_t *value = json_object_get(root, key);
	const char *string = json_string_value(value);

	if (!value)
		return TRUE;
	if (!string || !*string || strlen(string) > TEXT_MAX)
		return FALSE;
	for (const char *c = string; *c; c++)
		if (!g_ascii_isgraph(*c))
			return FALSE;
	*text = g_strdup(string);
	return TRUE;
}

static gboolean take_counter(const json_t *root, guint64 *counter)
{
	const json_t *value = json_object_get(root, "counter");
	json_int_t n = json_integer_value(value);

	*counter = (guint64)n;
	return json_is_integer(value) && n >= 0 && (guint64)n < UOTA_COUNTER_MAX;
}

static gboolean take_mpy(const json_t *root, UotaInfo *info)
{
	const json_t *value = json_object_get(root, "mpy");
	json_int_t n = json_integer_value(value);

	info->mpy = value ? (int)(n & 0xFF) : -1;
	info->arch = value ? (guint)(n >> 10) : 0;
	return !value || (json_is_integer(value) && n >= 0 && n <= G_MAXINT32);
}

static gboolean take_id(const json_t *root, char **id)
{
	return take_text(root, "id", id) &&
	       (!*id || (strlen(*id) == UOTA_UPDATE_ID_SIZE &&
				strspn(*id, "0123456789abcdef") == UOTA_UPDATE_ID_SIZE));
}

UotaInfo *uota_info_parse(const char *line)
{
	g_autoptr(json_t) root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	g_autoptr(UotaInfo) info = g_new0(UotaInfo, 1);
	g_autofree char *sign = NULL;

	if (!json_is_object(root) || !take_text(root, "agent", &info->agent) ||
		!take_text(root, "platform", &info->platform) ||
		!take_text(root, "micropython", &info->micropython) ||
		!take_text(root, "sign", &sign) || !take_counter(root, &info->counter) ||
		!take_mpy(root, info) || !take_id(root, &info->id))
		return NULL;
	info->signs = g_strcmp0(sign, "none") != 0;
	return g_steal_pointer(&info);
}

void uota_info_free(UotaInfo *info)
{
	if (!info)
		return;
	g_free(info->agent);
	g_free(info->platform);
	g_free(info->micropython);
	g_free(info->id);
	g_free(info);
}
