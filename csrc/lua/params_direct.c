#include "lua/params_direct.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "lua/compat.h"
#include "lua/json_direct.h"
#include "lua/values.h"

enum { MOST_PARAMS = 64 };

struct writing {
  lua_State *L;
  const struct mv_action *action;
  struct mv_bytes *out; /* the body, or the target of a GET */
  bool query;
  uint64_t seen;  /* a bit for each of the row's parameters that is there */
  uint64_t given; /* of them, those that count for the rules: all but false */
};

/* values; each false when it is not taken */

static bool put_integer(struct writing *writing, const struct mv_param *param, int64_t number) {
  bool counted = param->type == MV_INTEGER || param->type == MV_NUMBER;
  if (counted && (number < param->least || (param->limit && number > param->limit))) {
    return false;
  }
  return (counted || param->type == MV_ID || param->type == MV_SCALAR) &&
         mv_bytes_put_int(writing->out, number) == 0;
}

static bool put_string(struct writing *writing, const struct mv_param *param, int index) {
  size_t length;
  const char *text = lua_tolstring(writing->L, index, &length);
  bool taken = param->type == MV_STRING || param->type == MV_ID || param->type == MV_SCALAR;
  if (!taken || length == 0) {
    return false;
  }
  if (!writing->query) {
    return mv_json_put_string(writing->out, text, length) == 0;
  }
  return mv_utf8_valid(text, length) == length && mv_bytes_put_url(writing->out, text, length) == 0;
}

/* An object with members and without tables in it. */
static bool put_object(struct writing *writing, int index) {
  lua_State *L = writing->L;
  bool flat = !mv_value_is_array(L, index), members = false;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    flat = flat && lua_type(L, -2) == LUA_TSTRING && !lua_istable(L, -1);
    members = true;
  }
  return flat && members && mv_json_direct_write(L, index, writing->out);
}

static bool put_value(struct writing *writing, const struct mv_param *param, int index) {
  lua_State *L = writing->L;
  bool scalar = param->type == MV_SCALAR;
  int64_t number;
  switch (lua_type(L, index)) {
  case LUA_TNUMBER:
    return mv_compat_integer(L, index, &number) && put_integer(writing, param, number);
  case LUA_TSTRING:
    return put_string(writing, param, index);
  case LUA_TBOOLEAN:
    return (scalar || param->type == MV_BOOLEAN) && !writing->query &&
           mv_bytes_puts(writing->out, lua_toboolean(L, index) ? "true" : "false") == 0;
  case LUA_TTABLE:
    return param->type == MV_OBJECT && !writing->query && put_object(writing, index);
  default:
    return false;
  }
}

/* parameters */

/* The place of a name in the row; -1 when the row does not have it. */
static int find(const struct mv_action *action, const char *name, size_t length) {
  for (size_t i = 0; i < action->param_count; i++) {
    const char *known = action->params[i].name;
    if (strncmp(known, name, length) == 0 && known[length] == '\0') {
      return (int)i;
    }
  }
  return -1;
}

static void put_name(struct writing *writing, const char *name) {
  struct mv_bytes *out = writing->out;
  if (writing->query) {
    mv_bytes_putc(out, writing->seen ? '&' : '?');
    mv_bytes_puts(out, name); /* the table's own: letters and _ */
    mv_bytes_putc(out, '=');
  } else {
    mv_bytes_append(out, writing->seen ? ",\"" : "{\"", 2);
    mv_bytes_puts(out, name);
    mv_bytes_append(out, "\":", 2);
  }
}

/* The name and the value are on top. */
static bool put_param(struct writing *writing) {
  lua_State *L = writing->L;
  size_t length;
  if (lua_type(L, -2) != LUA_TSTRING) {
    return false;
  }
  const char *name = lua_tolstring(L, -2, &length);
  int at = memchr(name, '\0', length) ? -1 : find(writing->action, name, length);
  if (at < 0) {
    return false;
  }
  const struct mv_param *param = &writing->action->params[at];
  put_name(writing, param->name);
  if (!put_value(writing, param, lua_gettop(L))) {
    return false;
  }
  uint64_t bit = (uint64_t)1 << at;
  writing->seen |= bit;
  writing->given |= lua_toboolean(L, -1) ? bit : 0;
  return true;
}

static bool put_params(struct writing *writing, int index) {
  lua_State *L = writing->L;
  int top = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (!put_param(writing)) {
      lua_settop(L, top);
      return false;
    }
  }
  if (!writing->query) {
    mv_bytes_puts(writing->out, writing->seen ? "}" : "{}");
  }
  return true;
}

/* what the row asks for */

static bool is_given(const void *owner, const char *name, size_t length) {
  const struct writing *writing = owner;
  int at = find(writing->action, name, length);
  return at >= 0 && (writing->given >> at & 1);
}

static bool has_required(const struct writing *writing) {
  for (size_t i = 0; i < writing->action->param_count; i++) {
    if (writing->action->params[i].required && !(writing->seen >> i & 1)) {
      return false;
    }
  }
  return true;
}

static enum mv_retry_class class_of(const struct writing *writing) {
  const char *name = writing->action->idempotent_if;
  int at = name ? find(writing->action, name, strlen(name)) : -1;
  return at >= 0 && (writing->seen >> at & 1) ? MV_IDEMPOTENT : writing->action->retry;
}

static bool is_simple(const struct mv_action *action) {
  return !action->bare_array && action->extras != MV_EXTRAS_CONDITIONS &&
         action->param_count <= MOST_PARAMS;
}

bool mv_params_direct(lua_State *L, int index, const struct mv_action *action,
                      struct mv_request *request) {
  struct writing writing = {.L = L, .action = action, .query = action->method == MV_GET};
  index = lua_absindex(L, index);
  if (!is_simple(action) || !lua_checkstack(L, 8) || mv_value_is_array(L, index)) {
    return false;
  }
  writing.out = writing.query ? &request->target : &request->body;
  request->method = action->method;
  mv_bytes_puts(&request->target, action->name);
  if (!put_params(&writing, index) || !has_required(&writing) ||
      !mv_action_rules_hold(action, is_given, &writing)) {
    return false;
  }
  request->retry = class_of(&writing);
  return !request->target.failed && !request->body.failed;
}
