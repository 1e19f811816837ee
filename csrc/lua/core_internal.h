/* What core.c and apilib.c share. */
#ifndef MV_LUA_CORE_INTERNAL_H
#define MV_LUA_CORE_INTERNAL_H

#include <jansson.h>

#include "api/request.h"
#include "base/bytes.h"
#include "lua/compat.h"

/* What a function holds while Lua may throw; a userdata that is freed whatever happens. */
struct mv_scratch {
  json_t *value;
  struct mv_bytes bytes;
  struct mv_request request;
};

/* Pushes an empty one. */
struct mv_scratch *mv_scratch_push(lua_State *L);

/* Frees what it holds now, without waiting for the collector. */
void mv_scratch_free(struct mv_scratch *scratch);

/* Pushes nil and a message; returns 2. */
int mv_core_failure(lua_State *L, const char *message);

/* Puts the functions over the action table into the core table at index `table`. */
void mv_apilib_register(lua_State *L, int table);

#endif
