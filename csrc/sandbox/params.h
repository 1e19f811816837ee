/* The parameters of a call: made into the types of the action's row, checked, and read. */
#ifndef MV_SANDBOX_PARAMS_H
#define MV_SANDBOX_PARAMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/ask.h"

/* Sorts `raw` (an object: query and body together) into ask->params and ask->extras. Texts that
 * stand for other types (forms and queries have only texts) become those types; numbers over a
 * documented limit are cut to it. Missing or wrong ones are answered with 400 and the reason: then
 * -1. */
int mv_params_check(struct mv_ask *ask, const json_t *raw);

/* Frees ask->params and ask->extras. */
void mv_params_free(struct mv_ask *ask);

/* The parameter (borrowed), or NULL. */
json_t *mv_param(const struct mv_ask *ask, const char *name);

/* The text of a STRING, CHOICE or DATE; NULL when absent. */
const char *mv_param_text(const struct mv_ask *ask, const char *name);

/* Whether a BOOLEAN is there and true. */
bool mv_param_true(const struct mv_ask *ask, const char *name);

/* The number of an INTEGER, or `absent`. */
int64_t mv_param_integer(const struct mv_ask *ask, const char *name, int64_t absent);

/* An ID that must be a number: 1 and *id, 0 when absent, -1 when it is none (answered with 400). */
int mv_param_id(struct mv_ask *ask, const char *name, int64_t *id);

/* The number an id is (integer, or text of one), for elements of lists. */
bool mv_params_id_of(const json_t *value, int64_t *id);

/* An ID as text (phones, platform ids); to be freed, NULL when absent. */
char *mv_param_id_text(const struct mv_ask *ask, const char *name);

#endif
