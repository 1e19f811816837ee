/* What core.c and apilib.c share. */
#ifndef MV_LUA_CORE_INTERNAL_H
#define MV_LUA_CORE_INTERNAL_H

#include <jansson.h>

#include "api/request.h"
#include "base/bytes.h"
#include "lua/compat.h"
#include "lua/json_direct.h"

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

/* prepare.c */

/* The request of an action with the parameters at `index` (a table, or nil); `action` NULL: one
 * that the table does not have, sent as it is. 0, or -1 and `err`; `request` is the caller's to
 * free either way. Never throws. */
int mv_prepare(lua_State *L, int index, const struct mv_action *action, const char *name,
               struct mv_request *request, struct mv_error *err);

/* Pushes {method, target, body, retry}. */
void mv_prepare_push(lua_State *L, const struct mv_request *request);

/* interpret.c */

/* Pushes what an answer means: the result, or nil and {kind, status, code, message, retry_after}.
 * Returns how many. `retry_after`: the header's text, or NULL. `hints`: of answers of this action,
 * or NULL. */
int mv_interpret(lua_State *L, const struct mv_action *action, long status, const char *body,
                 size_t length, const char *retry_after, bool keep_null,
                 struct mv_json_hints *hints);

/* attempt.c */

/* Puts caller and attempt into the core table at index `table`. */
void mv_attempt_register(lua_State *L, int table);

/* Puts the functions over the action table into the core table at index `table`. */
void mv_apilib_register(lua_State *L, int table);

#endif
