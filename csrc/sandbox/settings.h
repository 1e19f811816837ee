/* The project's settings: a table of names with their defaults and what they take. */
#ifndef MV_SANDBOX_SETTINGS_H
#define MV_SANDBOX_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "sandbox/work.h"

/* The value, or its default; new reference. `name` must be in the table. */
json_t *mv_settings_get(struct mv_work *work, const char *name);

/* Whether a text setting has this value. */
bool mv_settings_is(struct mv_work *work, const char *name, const char *value);

/* All of them: {name: value}. New reference. */
json_t *mv_settings_all(struct mv_work *work);

/* What each takes: {name: {"default":…, "takes":…, "doc":…}}. New reference. */
json_t *mv_settings_describe(void);

/* Checks all of `values` (an object), then sets them; null puts the default back. 0, or -1 and
 * `err`, which names the setting, what it takes, and for unknown ones the nearest. */
int mv_settings_set(struct mv_work *work, const json_t *values, struct mv_error *err);

#endif
