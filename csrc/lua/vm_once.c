/* `once`: what a run knows of it. The marks and results of others are the store's. Part of
 * mavilua.host.native; keys come checked from Lua. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lua/values.h"
#include "lua/vm_state.h"

/* Results */

/* Pushes the kept values of a `once`, an array; null is nil there. Returns their number. */
static int push_values(lua_State *L, const json_t *values) {
  size_t count = json_array_size(values);
  luaL_checkstack(L, (int)count + 4, "too many results");
  for (size_t i = 0; i < count; i++) {
    const json_t *value = json_array_get(values, i);
    if (json_is_null(value)) {
      lua_pushnil(L);
    } else {
      mv_value_push(L, value, false);
    }
  }
  return (int)count;
}

/* once_get(key) -> true, values… | false | nil, text */
static int once_get(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  const struct mv_vm_options *options = &run->vm->options;
  const char *key = luaL_checkstring(L, 1);
  struct mv_error err = {0};
  json_t **box = mv_value_box(L);
  *box = json_incref(json_object_get(run->once, key));
  if (!*box && options->once_get && options->once_get(options->owner, key, box, &err) < 0) {
    return vm_fail(L, err.text);
  }
  lua_pushboolean(L, *box != NULL);
  return *box ? 1 + push_values(L, *box) : 1;
}

static json_t *read_values(lua_State *L, int first, struct mv_error *err) {
  json_t *values = json_array();
  for (int i = first; i <= lua_gettop(L); i++) {
    json_t *value = lua_isnil(L, i) ? json_null() : mv_value_read(L, i, err);
    if (!value || json_array_append_new(values, value) != 0) {
      mv_error_prefix(err, "result %d", i - first + 1);
      json_decref(values);
      return NULL;
    }
  }
  return values;
}

/* once_set(key, values…) -> true | nil, text */
static int once_set(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  struct mv_error err = {0};
  json_t *values = read_values(L, 2, &err);
  if (!values) {
    return vm_fail(L, err.text);
  }
  json_t *effect = vm_add_effect(L, run, "once", 1);
  if (!effect) {
    json_decref(values);
    return vm_fail(L, "the key is not valid UTF-8");
  }
  vm_note(&run->once, lua_tostring(L, 1), json_incref(values));
  json_object_del(run->begun, lua_tostring(L, 1));
  json_object_set_new(effect, "value", values);
  lua_pushboolean(L, true);
  return 1;
}

/* Standing */

/* once_state(key [, state]) -> how it stands in this run: nil, "begun", "failed", "unknown" */
static int once_state(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  const char *key = luaL_checkstring(L, 1);
  const char *state = luaL_optstring(L, 2, NULL);
  if (state) {
    vm_note(&run->begun, key, json_string(state));
  }
  lua_pushstring(L, json_string_value(json_object_get(run->begun, key)));
  return 1;
}

static bool is_cut_off(const struct vm_run *run) {
  return run->doom || mv_loop_is_cancelled(run->vm->loop);
}

/* once_cut() -> whether the run, or the part of it that calls, is being ended */
static int once_cut(lua_State *L) {
  lua_pushboolean(L, is_cut_off(vm_check_run(L)));
  return 1;
}

/* Message handler around what is done once: the error stays as it is, and where it came from is
 * kept for the log, because it is raised again from further up. */
static int once_caught(lua_State *L) {
  struct vm_run *run = vm_of(L)->current;
  if (!run || is_cut_off(run) || lua_isnil(L, 1)) {
    return 1;
  }
  lua_settop(L, 1);
  luaL_traceback(L, L, NULL, 1);
  free(run->once_trace);
  run->once_trace = mv_strdup(lua_tostring(L, 2));
  luaL_unref(L, LUA_REGISTRYINDEX, run->once_error);
  lua_pushvalue(L, 1);
  run->once_error = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, 1);
  return 1;
}

bool vm_push_once_trace(lua_State *L, struct vm_run *run, lua_State *co, int index) {
  if (!run->once_trace) {
    return false;
  }
  lua_rawgeti(co, LUA_REGISTRYINDEX, run->once_error);
  bool same = lua_rawequal(co, -1, index < 0 ? index - 1 : index);
  lua_pop(co, 1);
  if (same) {
    lua_pushstring(L, run->once_trace);
  }
  return same;
}

/* Effects */

static bool is_once(const json_t *effect) {
  const char *op = json_string_value(json_object_get(effect, "op"));
  return op && strcmp(op, "once") == 0;
}

/* Makes the array if it is not there yet. */
static void add_failed(const struct vm_run *run, json_t **effects) {
  const char *key;
  json_t *state;
  json_object_foreach(run->begun, key, state) {
    if (strcmp(json_string_value(state), "failed") == 0) {
      *effects = *effects ? *effects : json_array();
      json_array_append_new(*effects, json_pack("{s:s, s:s}", "op", "once_clear", "key", key));
    }
  }
}

void vm_clear_failed(struct vm_run *run) {
  add_failed(run, &run->effects);
}

json_t *vm_kept_effects(const struct vm_run *run) {
  json_t *kept = json_array(), *effect;
  size_t index;
  json_array_foreach(run->effects, index, effect) {
    if (is_once(effect)) {
      json_array_append(kept, effect);
    }
  }
  add_failed(run, &kept);
  return kept;
}

void vm_register_once(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"once_get", once_get}, {"once_set", once_set},       {"once_state", once_state},
      {"once_cut", once_cut}, {"once_caught", once_caught}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
