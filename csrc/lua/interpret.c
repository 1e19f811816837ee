/* What an answer means: the table it holds, or why the call failed. */
#include <string.h>
#include <strings.h>

#include "api/reply.h"
#include "lua/core_internal.h"
#include "lua/json_direct.h"
#include "lua/values.h"

static int push_failure(lua_State *L, const struct mv_failure *failure) {
  lua_pushnil(L);
  lua_createtable(L, 0, 5);
  lua_pushstring(L, mv_error_name(failure->kind));
  lua_setfield(L, -2, "kind");
  mv_compat_pushinteger(L, failure->status);
  lua_setfield(L, -2, "status");
  if (*failure->code) {
    lua_pushstring(L, failure->code);
    lua_setfield(L, -2, "code");
  }
  lua_pushstring(L, failure->message);
  lua_setfield(L, -2, "message");
  if (failure->retry_after >= 0) {
    lua_pushnumber(L, (lua_Number)failure->retry_after);
    lua_setfield(L, -2, "retry_after");
  }
  return 2;
}

/* Whether the table on top has a "status" that may be a refusal; reply.c knows. */
static bool may_refuse(lua_State *L) {
  lua_pushliteral(L, "status");
  lua_rawget(L, -2);
  const char *status = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  bool good = !status || strcmp(status, "success") == 0 || strcasecmp(status, "ok") == 0;
  lua_pop(L, 1);
  return !good;
}

/* A plain success pushed; false, and nothing pushed, for all that reply.c has to look at. */
static bool push_plain(lua_State *L, long status, const char *body, size_t length, bool keep_null,
                       struct mv_json_hints *hints) {
  if (status < 200 || status >= 300 || !mv_json_direct_push(L, body, length, keep_null, hints)) {
    return false;
  }
  if (lua_istable(L, -1) && !may_refuse(L)) {
    return true;
  }
  lua_pop(L, 1);
  return false;
}

int mv_interpret(lua_State *L, const struct mv_action *action, long status, const char *body,
                 size_t length, const char *retry_after, bool keep_null,
                 struct mv_json_hints *hints) {
  struct mv_failure failure = {
      .kind = MV_ERROR_SYSTEM, .message = "not enough memory", .retry_after = -1};
  if (push_plain(L, status, body, length, keep_null, hints)) {
    return 1;
  }
  json_t **result = mv_value_box(L);
  *result = mv_reply_interpret(action, status, body, length, retry_after, &failure);
  if (!*result) {
    return push_failure(L, &failure);
  }
  mv_value_push(L, *result, keep_null);
  json_decref(*result);
  *result = NULL;
  return 1;
}
