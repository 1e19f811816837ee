/* The action table for Lua: describing, preparing, interpreting, and the decisions about retries.
 */
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "api/reply.h"
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

/* What an empty or a single table means depends on the parameter; the action's row decides. */

static bool is_empty(const json_t *value) {
  return (json_is_object(value) && !json_object_size(value)) ||
         (json_is_array(value) && !json_array_size(value));
}

/* A list of this one, which is taken over; NULL when memory is out. */
static json_t *list_of(json_t *value) {
  json_t *list = json_array();
  if (!list || json_array_append(list, value)) {
    json_decref(list);
    list = NULL;
  }
  json_decref(value);
  return list;
}

static bool is_list(enum mv_type type) {
  return type == MV_ID_LIST || type == MV_STRING_LIST || type == MV_ITEMS;
}

/* A new reference to what is to stand in the place of `value`; NULL when memory is out. */
static json_t *shaped(const struct mv_param *param, json_t *value) {
  if (is_list(param->type) || param->type == MV_BUTTONS) {
    if (is_empty(value)) {
      return json_array();
    }
    if (param->type == MV_ITEMS && json_is_object(value)) {
      return list_of(json_incref(value));
    }
  } else if ((param->type == MV_OBJECT || param->type == MV_CONDITIONS) && is_empty(value)) {
    return json_object();
  }
  return json_incref(value);
}

/* Gives the members of `params` their row's shapes. 0, or -1 when memory is out. */
static int shape_params(const struct mv_action *action, json_t *params) {
  for (size_t i = 0; i < action->param_count; i++) {
    const struct mv_param *param = &action->params[i];
    json_t *value = json_object_get(params, param->name);
    if (!value) {
      continue;
    }
    json_t *replacement = shaped(param, value);
    if (!replacement || json_object_set_new(params, param->name, replacement)) {
      return -1;
    }
  }
  return 0;
}

/* Whether the object is one item given instead of a list of them: it has names that only items
 * have. */
static bool is_single_item(const struct mv_action *action, const json_t *params) {
  for (size_t i = 0; i < action->item_param_count; i++) {
    const char *name = action->item_params[i].name;
    if (json_object_get(params, name) && !mv_action_param(action, name)) {
      return true;
    }
  }
  return false;
}

/* The parameters as the table wants them, in the place of *params. */
static int shape(const struct mv_action *action, json_t **params) {
  if (action && action->bare_array && is_single_item(action, *params)) {
    json_t *item = *params;
    *params = list_of(item);
    return *params ? 0 : -1;
  }
  if (is_empty(*params) && json_is_array(*params) && (!action || !action->bare_array)) {
    json_decref(*params);
    *params = json_object();
  }
  return !*params ? -1 : action ? shape_params(action, *params) : 0;
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

static int push_request(lua_State *L, const struct mv_request *request) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, mv_method_name(request->method));
  lua_setfield(L, -2, "method");
  lua_pushlstring(L, request->target.data, request->target.length);
  lua_setfield(L, -2, "target");
  if (request->body.length) {
    lua_pushlstring(L, request->body.data, request->body.length);
    lua_setfield(L, -2, "body");
  }
  lua_pushstring(L, mv_retry_class_name(request->retry));
  lua_setfield(L, -2, "retry");
  return 1;
}

static json_t *read_params(lua_State *L, int index, struct mv_error *err) {
  if (lua_isnoneornil(L, index)) {
    return json_object();
  }
  if (!lua_istable(L, index)) {
    mv_error_set(err, MV_ERROR_USAGE, "the parameters must be a table, not a %s",
                 luaL_typename(L, index));
    return NULL;
  }
  return mv_value_read(L, index, err);
}

/* prepare(name, params, known) -> {method, target, body, retry} | nil, message
 * known = false: an action the table does not have; sent as it is. */
static int prepare(lua_State *L) {
  struct mv_error err = {MV_ERROR_SYSTEM, "not enough memory"};
  lua_settop(L, 3);
  bool known = lua_isnoneornil(L, 3) || lua_toboolean(L, 3);
  const char *name = luaL_checkstring(L, 1);
  const struct mv_action *action = known ? find_action(L, 1) : NULL;
  if (known && !action) {
    return mv_core_failure(L, lua_tostring(L, -1));
  }
  struct mv_scratch *scratch = mv_scratch_push(L);
  scratch->value = read_params(L, 2, &err);
  if (!scratch->value) {
    mv_error_prefix(&err, "%s", name);
    return mv_core_failure(L, err.text);
  }
  if (shape(action, &scratch->value)) {
    return luaL_error(L, "not enough memory");
  }
  if (mv_request_prepare(action, name, scratch->value, &scratch->request, &err)) {
    return mv_core_failure(L, err.text);
  }
  push_request(L, &scratch->request);
  mv_scratch_free(scratch);
  return 1;
}

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

/* interpret(name or nil, status, body, retry_after, keep_null)
 * -> result | nil, {kind, status, code, message, retry_after} */
static int interpret(lua_State *L) {
  struct mv_failure failure = {
      .kind = MV_ERROR_SYSTEM, .message = "not enough memory", .retry_after = -1};
  size_t name_length = 0, length = 0;
  const char *name = luaL_optlstring(L, 1, "", &name_length);
  long status = (long)luaL_checknumber(L, 2);
  const char *body = luaL_optlstring(L, 3, "", &length);
  const char *retry_after = luaL_optstring(L, 4, NULL);
  bool keep_null = lua_toboolean(L, 5);
  json_t **result = mv_value_box(L);
  const struct mv_action *action = name_length ? mv_action_find(name, name_length) : NULL;
  *result = mv_reply_interpret(action, status, body, length, retry_after, &failure);
  if (!*result) {
    return push_failure(L, &failure);
  }
  mv_value_push(L, *result, keep_null);
  json_decref(*result);
  *result = NULL;
  return 1;
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
