/* A board's state in words and as JSON. */
#include "cli/state.h"

#include <stdio.h>
#include <string.h>

#include "core/text.h"

#define VERSION_MAX 256 /* bytes that are shown of the board's words */
#define WHY_MAX 300
#define TRACE_LINE_MAX 400

static void append(GString *out, const char *before, const char *text, gsize max)
{
	g_autofree char *printable = uota_text_printable(text, max);

	g_string_append(out, before);
	g_string_append(out, printable);
}

static void append_trial(GString *out, const UotaStatus *status)
{
	const char *before = ", needs ";

	g_string_append(out, "on trial");
	if (uota_status_awaits_app(status))
		g_string_append(out, " until the app calls uota.confirm()");
	else if (status->left >= 0)
		g_string_append_printf(out, ", %.0f s left", status->left);
	for (char **need = status->need; *need; need++) {
		if (strcmp(*need, "app") == 0)
			continue; /* has been said */
		append(out, before, *need, VERSION_MAX);
		before = " and ";
	}
}

static void append_failure(GString *out, const UotaStatus *status)
{
	g_string_append(out, "rolled back");
	if (status->from)
		append(out, " from ", status->from, VERSION_MAX);
	if (status->why)
		append(out, ": ", status->why, WHY_MAX);
}

char *uota_state_phrase(const UotaStatus *status)
{
	GString *out = g_string_new(NULL);

	switch (status->state) {
	case UOTA_STATE_TRIAL:
		append_trial(out, status);
		break;
	case UOTA_STATE_ROLLED_BACK:
		append_failure(out, status);
		break;
	case UOTA_STATE_CONFIRMED:
		g_string_append(out, "confirmed");
		break;
	default:
		break;
	}
	return g_string_free(out, FALSE);
}

/* Where nothing is installed there is nothing to confirm. */
static gboolean is_empty(const UotaStatus *status)
{
	return status->state == UOTA_STATE_CONFIRMED && strcmp(status->version, "unknown") == 0;
}

char *uota_state_text(const UotaStatus *status)
{
	g_autofree char *phrase = uota_state_phrase(status);
	g_autofree char *remarks = uota_state_remarks(status);
	GString *out = g_string_new(NULL);

	append(out, "", status->version, VERSION_MAX);
	if (*phrase && !is_empty(status))
		g_string_append_printf(out, " %s", phrase);
	g_string_append(out, remarks);
	return g_string_free(out, FALSE);
}

char *uota_state_remarks(const UotaStatus *status)
{
	GString *out = g_string_new(NULL);

	if (status->safe)
		g_string_append(out, "; safe mode: the app does not run");
	if (status->crash)
		append(out, "; the app died: ", status->crash, WHY_MAX);
	return g_string_free(out, FALSE);
}

static void set_string(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static void set_seconds(json_t *object, const char *key, double seconds)
{
	if (seconds >= 0)
		json_object_set_new(object, key, json_real(seconds));
}

static void set_need(json_t *object, const UotaStatus *status)
{
	json_t *need = json_array();

	for (char **item = status->need; *item; item++)
		json_array_append_new(need, json_string(*item));
	json_object_set_new(object, "need", need);
}

void uota_state_to_json(const UotaStatus *status, json_t *object)
{
	static const char *const states[] = {
		[UOTA_STATE_CONFIRMED] = "confirmed",
		[UOTA_STATE_TRIAL] = "trial",
		[UOTA_STATE_ROLLED_BACK] = "rolled back",
	};

	set_string(object, "version", status->version);
	set_string(object, "agent", status->agent);
	set_string(object, "state", states[status->state]);
	set_string(object, "id", status->id);
	set_seconds(object, "app", status->app);
	set_seconds(object, "left", status->left);
	if (status->state == UOTA_STATE_TRIAL)
		set_need(object, status);
	set_string(object, "from", status->from);
	set_string(object, "why", status->why);
	set_string(object, "crash", status->crash);
	if (status->safe)
		json_object_set_new(object, "safe", json_true());
}

void uota_crash_to_json(const UotaCrash *crash, json_t *object)
{
	set_string(object, "version", crash->version);
	set_string(object, "why", crash->why);
	set_string(object, "trace", crash->trace);
}

void uota_print_trace(const char *trace)
{
	g_auto(GStrv) lines = g_strsplit(trace, "\n", -1);

	for (char **line = lines; *line; line++) {
		g_autofree char *text = uota_text_printable(*line, TRACE_LINE_MAX);

		if (**line || line[1])
			puts(text);
	}
}
