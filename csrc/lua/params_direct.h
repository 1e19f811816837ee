/* The parameters of an action written out in one pass over their table, without a tree of values in
 * between: what plain tables take. Does the common case or nothing; the rest goes the way of
 * api/request.h, which is exact about it and about what is wrong. */
#ifndef MV_LUA_PARAMS_DIRECT_H
#define MV_LUA_PARAMS_DIRECT_H

#include <lua.h>
#include <stdbool.h>

#include "api/action.h"
#include "api/request.h"

/* Makes the same request of the table at `index` as mv_request_prepare does. False: it is not
 * taken, and `request` holds a part. Never throws. */
bool mv_params_direct(lua_State *L, int index, const struct mv_action *action,
                      struct mv_request *request);

#endif
