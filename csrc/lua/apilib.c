/* The action table for Lua: describing, preparing, interpreting, and the decisions about retries.
 */
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "api/retry.h"
#include "base/json.h"
#include "lua/core_internal.h"
#include "lua/values.h"

/* actions() -> array of rows */
static int actions(lua_State *L) {
  json_t **row = mv_value_box(L);
  lua_createtable(L, (int)mv_action_count(), 0);
  mv_value_mark_array(L, -1);
  for (size_t i = 0; i < mv_action_count(); i++) {
    *row = mv_action_describe(mv_action_at(i));
    if (!*row) {
      return luaL_error(L, "not enough memory");
    }
    mv_value_push(L, *row, true);
    lua_rawseti(L, -2, (int)(i + 1));
    json_decref(*row);
    *row = NULL;
  }
  return 1;
}

/* The row of a name, NULL for an unknown one; then the message, on top, tells the nearest. */
static const struct mv_action *find_action(lua_State *L, int index) {
  size_t length;
  const char *name = luaL_checklstring(L, index, &length);
  const struct mv_action *action = mv_action_find(name, length);
  if (!action) {
    const char *near = mv_action_nearest(name);
    lua_pushfstring(L, near ? "unknown action \"%s\"; did you mean %s?" : "unknown action \"%s\"",
                    name, near);
  }
  return action;
}

/* prepare(name, params, known) -> {method, target, body, retry} | nil, message
 * known = false: an action the table does not have; sent as it is. */
static int prepare(lua_State *L) {
  struct mv_error err;
  lua_settop(L, 3);
  bool known = lua_isnoneornil(L, 3) || lua_toboolean(L, 3);
  const char *name = luaL_checkstring(L, 1);
  const struct mv_action *action = known ? find_action(L, 1) : NULL;
  if (known && !action) {
    return mv_core_failure(L, lua_tostring(L, -1));
  }
  struct mv_scratch *scratch = mv_scratch_push(L);
  if (mv_prepare(L, 2, action, name, &scratch->request, &err)) {
    return mv_core_failure(L, err.text);
  }
  mv_prepare_push(L, &scratch->request);
  mv_scratch_free(scratch);
  return 1;
}

/* interpret(name or nil, status, body, retry_after, keep_null)
 * -> result | nil, {kind, status, code, message, retry_after} */
static int interpret(lua_State *L) {
  size_t name_length = 0, length = 0;
  const char *name = luaL_optlstring(L, 1, "", &name_length);
  long status = (long)luaL_checknumber(L, 2);
  const char *body = luaL_optlstring(L, 3, "", &length);
  const char *retry_after = luaL_optstring(L, 4, NULL);
  bool keep_null = lua_toboolean(L, 5);
  const struct mv_action *action = name_length ? mv_action_find(name, name_length) : NULL;
  return mv_interpret(L, action, status, body, length, retry_after, keep_null, NULL);
}

/* retries */

static enum mv_retry_class check_class(lua_State *L, int index) {
  const char *name = luaL_checkstring(L, index);
  for (int i = MV_SAFE; i <= MV_ONCE; i++) {
    if (!strcmp(name, mv_retry_class_name((enum mv_retry_class)i))) {
      return (enum mv_retry_class)i;
    }
  }
  return (enum mv_retry_class)luaL_argerror(L, index, "\"safe\", \"idempotent\" or \"once\"");
}

static enum mv_error_kind check_kind(lua_State *L, int index) {
  const char *name = luaL_checkstring(L, index);
  for (int kind = MV_ERROR_USAGE; kind <= MV_ERROR_NOT_FOUND; kind++) {
    if (!strcmp(name, mv_error_name((enum mv_error_kind)kind))) {
      return (enum mv_error_kind)kind;
    }
  }
  return (enum mv_error_kind)luaL_argerror(L, index,
                                           "the kind of an error: \"network\", \"http\", …");
}

typedef bool (*decision)(enum mv_retry_class, enum mv_error_kind, long, bool);

static int decide(lua_State *L, decision question) {
  enum mv_retry_class retry = check_class(L, 1);
  enum mv_error_kind kind = check_kind(L, 2);
  long status = (long)luaL_optnumber(L, 3, 0);
  lua_pushboolean(L, question(retry, kind, status, lua_toboolean(L, 4)));
  return 1;
}

/* retry_allowed(class, kind, status, sent) -> whether it may be sent again */
static int retry_allowed(lua_State *L) {
  return decide(L, mv_retry_allowed);
}

/* retry_ambiguous(class, kind, status, sent) -> whether nobody knows if it was done */
static int retry_ambiguous(lua_State *L) {
  return decide(L, mv_retry_ambiguous);
}

/* Evenly spread over [0, 1). */
static double random_fraction(void) {
  char digits[2 * 6 + 1];
  return mv_random_hex(digits, 6) ? 0.5 : (double)strtoull(digits, NULL, 16) / 281474976710656.0;
}

/* retry_delay(attempt, retry_after) -> seconds before the next attempt */
static int retry_delay(lua_State *L) {
  int attempt = (int)luaL_checknumber(L, 1);
  double retry_after = (double)luaL_optnumber(L, 2, -1);
  lua_pushnumber(L, (lua_Number)mv_retry_delay(attempt, retry_after, random_fraction()));
  return 1;
}

void mv_apilib_register(lua_State *L, int table) {
  static const luaL_Reg functions[] = {
      {"actions", actions},
      {"prepare", prepare},
      {"interpret", interpret},
      {"retry_allowed", retry_allowed},
      {"retry_ambiguous", retry_ambiguous},
      {"retry_delay", retry_delay},
      {NULL, NULL},
  };
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
