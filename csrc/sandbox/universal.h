/* The universal webhook: another service's names for the parameters of an action. */
#ifndef MV_SANDBOX_UNIVERSAL_H
#define MV_SANDBOX_UNIVERSAL_H

#include <jansson.h>

#include "api/action.h"
#include "base/error.h"

/* Gives the action's parameters the values that `params` (an object: query and body together) says
 * are theirs, and takes what says so out:
 *
 *   value_client_id=user                       client_id is the member "user"
 *   delimiter=.&delimiter_value_client_id=a.b  client_id is the member "b" of the member "a"
 *
 * What a mapping names and is not there leaves the parameter as it is. 0, or -1 and `err` when the
 * delimiter is missing or longer than a character. */
int mv_universal_map(const struct mv_action *action, json_t *params, struct mv_error *err);

#endif
