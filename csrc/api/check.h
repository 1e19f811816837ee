/* The values that each parameter type takes; what mv_action_validate is made of. */
#ifndef MV_API_CHECK_H
#define MV_API_CHECK_H

#include <jansson.h>
#include <stddef.h>

#include "api/action.h"
#include "base/error.h"

/* Where a check stands: the action, and inside a list of tables the element. */
struct mv_place {
  const struct mv_action *action;
  size_t item; /* from 1; 0: not inside one */
  struct mv_error *err;
};

/* Puts "get_history: " or "load_clients: item 3: " before the message that is there. Returns -1. */
int mv_check_locate(const struct mv_place *at);

/* Whether `value`, which is not null, is one that `param` takes. 0, or -1 and the place's error.
 * Of an MV_ITEMS parameter only that it is a list of tables. */
int mv_check_value(const struct mv_place *at, const struct mv_param *param, const json_t *value);

#endif
