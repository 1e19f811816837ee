/* An action and the table of its parameters made into a request. */
#include "base/json.h"
#include "lua/core_internal.h"
#include "lua/params_direct.h"
#include "lua/values.h"

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

/* By a tree of values, which is exact about what is wrong. */
static int prepare_tree(lua_State *L, int index, const struct mv_action *action, const char *name,
                        struct mv_request *request, struct mv_error *err) {
  *err = (struct mv_error){MV_ERROR_SYSTEM, "not enough memory"};
  json_t *params = read_params(L, index, err);
  if (!params) {
    return mv_error_prefix(err, "%s", name);
  }
  int result = shape(action, &params) ? mv_error_set(err, MV_ERROR_SYSTEM, "not enough memory")
                                      : mv_request_prepare(action, name, params, request, err);
  json_decref(params);
  return result;
}

int mv_prepare(lua_State *L, int index, const struct mv_action *action, const char *name,
               struct mv_request *request, struct mv_error *err) {
  if (action && lua_istable(L, index) && mv_params_direct(L, index, action, request)) {
    return 0;
  }
  mv_request_free(request);
  return prepare_tree(L, index, action, name, request, err);
}

void mv_prepare_push(lua_State *L, const struct mv_request *request) {
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
}
