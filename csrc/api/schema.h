/* The notation of answers (see action.h) as JSON Schema 2020-12, and values checked against it. */
#ifndef MV_API_SCHEMA_H
#define MV_API_SCHEMA_H

#include <jansson.h>

#include "base/error.h"

/* The schema of a shape in the notation; "ok" is the string "ok" here. A new reference, or NULL and
 * `err` that names the place where the notation is broken. */
json_t *mv_schema_of(const char *notation, struct mv_error *err);

/* Whether a value fits a schema that mv_schema_of made. Stricter than JSON Schema in two points:
 * where members are named there may be no others, and 1.0 is no integer. 0, or -1 and `err` with
 * the place ("$.clients[3].name: …"). */
int mv_schema_check(const json_t *schema, const json_t *value, struct mv_error *err);

#endif
