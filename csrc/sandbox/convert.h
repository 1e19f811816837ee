/* Values of parameters made into the types of the action table: forms and queries have only texts,
 * and programs write numbers as texts and texts as numbers. */
#ifndef MV_SANDBOX_CONVERT_H
#define MV_SANDBOX_CONVERT_H

#include <jansson.h>

#include "api/action.h"

/* A new reference, or NULL when the value cannot be of the parameter's type. Numbers over the
 * documented limit are cut to it. */
json_t *mv_convert(const struct mv_param *param, json_t *value);

/* What the type takes, for a message; behind "one of" come the choices. */
const char *mv_convert_takes(enum mv_type type);

/* The number that a text is; NULL when the value is no text of one. New reference. */
json_t *mv_convert_number(const json_t *value);

#endif
