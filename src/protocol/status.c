/* What a board says of itself. */
#include "protocol/status.h"

#include <string.h>

#include "core/json.h"

#define SECONDS_MAX 1e9 /* more is no time that a board has run, or will */
#define NEED_MAX 16     /* things that a trial waits for */

static json_t *parse_object(const char *line)
{
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

/* The value of @key; NULL also for a null. */
static const json_t *get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

/* Each take_…() leaves its target alone where @key is absent, and is FALSE where the value is not
 * of its type. */

static gboolean take_string(const json_t *object, const char *key, char **text)
{
	const json_t *value = get(object, key);

	if (value)
		*text = g_strdup(json_string_value(value));
	return !value || *text;
}

static gboolean take_seconds(const json_t *object, const char *key, double *seconds)
{
	const json_t *value = get(object, key);

	if (!value)
		return TRUE;
	*seconds = json_number_value(value);
	return json_is_number(value) && *seconds >= 0 && *seconds <= SECONDS_MAX;
}

static gboolean take_flag(const json_t *object, const char *key, gboolean *flag)
{
	const json_t *value = get(object, key);

	*flag = json_is_true(value);
	return !value || json_is_boolean(value);
}

static gboolean take_id(const json_t *object, char **id)
{
	return take_string(object, "id", id) &&
	       (!*id || (strlen(*id) == UOTA_UPDATE_ID_SIZE &&
				strspn(*id, "0123456789abcdef") == UOTA_UPDATE_ID_SIZE));
}

static gboolean take_need(const json_t *object, char ***need)
{
	const json_t *list = get(object, "need");
	gsize size = json_array_size(list);

	*need = g_new0(char *, NEED_MAX + 1);
	if (list && (!json_is_array(list) || size > NEED_MAX))
		return FALSE;
	for (gsize i = 0; i < size; i++) {
		(*need)[i] = g_strdup(json_string_value(json_array_get(list, i)));
		if (!(*need)[i])
			return FALSE;
	}
	return TRUE;
}

static gboolean take_state(const json_t *object, UotaState *state)
{
	const json_t *value = get(object, "state");
	const char *name = json_string_value(value);

	if (g_strcmp0(name, "confirmed") == 0)
		*state = UOTA_STATE_CONFIRMED;
	else if (g_strcmp0(name, "trial") == 0)
		*state = UOTA_STATE_TRIAL;
	else if (g_strcmp0(name, "rolled back") == 0)
		*state = UOTA_STATE_ROLLED_BACK;
	return !value || name;
}

static gboolean take_details(const json_t *object, UotaStatus *status)
{
	return take_state(object, &status->state) && take_id(object, &status->id) &&
	       take_seconds(object, "app", &status->app) &&
	       take_seconds(object, "left", &status->left) && take_need(object, &status->need) &&
	       take_string(object, "from", &status->from) &&
	       take_string(object, "why", &status->why) &&
	       take_string(object, "crash", &status->crash) &&
	       take_flag(object, "safe", &status->safe);
}

UotaStatus *uota_status_parse(const char *line)
{
	g_autoptr(json_t) root = parse_object(line);
	g_autoptr(UotaStatus) status = g_new0(UotaStatus, 1);

	status->app = status->left = -1;
	if (!take_string(root, "version", &status->version) || !status->version ||
		!take_string(root, "agent", &status->agent))
		return NULL;
	if (status->agent ? take_details(root, status) : take_need(NULL, &status->need))
		return g_steal_pointer(&status);
	return NULL;
}

gboolean uota_status_awaits_app(const UotaStatus *status)
{
	return status->state == UOTA_STATE_TRIAL &&
	       g_strv_contains((const char *const *)status->need, "app");
}

void uota_status_free(UotaStatus *status)
{
	if (!status)
		return;
	g_free(status->version);
	g_free(status->agent);
	g_free(status->id);
	g_strfreev(status->need);
	g_free(status->from);
	g_free(status->why);
	g_free(status->crash);
	g_free(status);
}

UotaCrash *uota_crash_parse(const char *line)
{
	g_autoptr(json_t) root = parse_object(line);
	g_autoptr(UotaCrash) crash = g_new0(UotaCrash, 1);

	if (root && take_string(root, "version", &crash->version) &&
		take_string(root, "why", &crash->why) && take_string(root, "trace", &crash->trace))
		return g_steal_pointer(&crash);
	return NULL;
}

void uota_crash_free(UotaCrash *crash)
{
	if (!crash)
		return;
	g_free(crash->version);
	g_free(crash->why);
	g_free(crash->trace);
	g_free(crash);
}
