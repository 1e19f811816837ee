/* What a call brings, query and body, as one object of parameters. */
#ifndef MV_SANDBOX_INPUT_H
#define MV_SANDBOX_INPUT_H

#include <jansson.h>
#include <stddef.h>

#include "api/action.h"
#include "base/error.h"

struct mv_input {
  const char *query; /* raw */
  const char *body;
  size_t length;    /* of the body */
  const char *type; /* its Content-Type, or NULL */
};

/* The body wins over the query, and where the action has it, the universal webhook is applied. A
 * new reference; NULL and `err` when they cannot be understood. */
json_t *mv_input_read(const struct mv_action *action, const struct mv_input *input,
                      struct mv_error *err);

#endif
