/* A board's state in words and as JSON: the same wherever it is told. */
#pragma once

#include <jansson.h>

#include "protocol/status.h"

/* One line, fit for a terminal: `1.2.1 on trial, 28 s left`. Returns: (transfer full) */
char *uota_state_text(const UotaStatus *status);

/* The same without the version and without what else is wrong: `on trial, 28 s left`, "" where the
 * board does not say. Returns: (transfer full) */
char *uota_state_phrase(const UotaStatus *status);

/* What else is wrong, each remark after a semicolon: `; the app died: ValueError: x`.
 * Returns: (transfer full) */
char *uota_state_remarks(const UotaStatus *status);

/* Sets the keys of @status in @object, as the board told them: version, agent, state, id, app,
 * left, need, from, why, safe, crash, those that it told. */
void uota_state_to_json(const UotaStatus *status, json_t *object);

/* Sets version, why and trace in @object, those that there are. */
void uota_crash_to_json(const UotaCrash *crash, json_t *object);

/* Prints @trace on stdout, escaped line by line. */
void uota_print_trace(const char *trace);
