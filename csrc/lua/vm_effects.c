/* What a handler wants committed with its completion: kept with the run, in order, until it ends.
 * Reads see the run's own writes first. Part of mavilua.host.native; keys come checked from Lua. */
#include <lauxlib.h>

#include "lua/values.h"
#include "lua/vm_state.h"

static struct vm_run *check_run(lua_State *L) {
  struct vm_run *run = vm_of(L)->current;
  if (!run) {
    luaL_error(L, "no handler is running");
  }
  return run;
}

/* Success is true, failure is nil and a text: Lua raises it where the script called. */
static int succeed(lua_State *L) {
  lua_pushboolean(L, true);
  return 1;
}

static int fail(lua_State *L, const char *text) {
  lua_pushnil(L);
  lua_pushstring(L, text);
  return 2;
}

static json_t *read_key(lua_State *L, int index) {
  size_t length;
  const char *key = luaL_checklstring(L, index, &length);
  return json_stringn(key, length);
}

/* Adds an effect with the key at `index`; the rest is filled in by the caller. NULL and a text in
 * `err` if the key cannot be written. */
static json_t *add_effect(lua_State *L, struct vm_run *run, const char *op, int index) {
  json_t *key = read_key(L, index);
  if (!key) {
    return NULL;
  }
  json_t *effect = json_pack("{s:s, s:o}", "op", op, "key", key);
  if (!effect || json_array_append_new(run->effects, effect) != 0) {
    return NULL;
  }
  return effect;
}

static const char bad_key[] = "the key is not valid UTF-8";

/* Keys and values */

/* kv_get(key) -> value; nil if there is none; nil and a text on failure */
static int kv_get(lua_State *L) {
  struct vm_run *run = check_run(L);
  const char *key = luaL_checkstring(L, 1);
  json_t *own = json_object_get(run->overlay, key);
  if (own) {
    lua_pushnil(L);
    if (!json_is_null(own)) {
      mv_value_push(L, own, false);
    }
    return 1;
  }
  const struct mv_vm_options *options = &run->vm->options;
  struct mv_error err = {0};
  json_t **box = mv_value_box(L);
  *box = options->kv_get ? options->kv_get(options->owner, key, &err) : NULL;
  if (*box && !json_is_null(*box)) {
    mv_value_push(L, *box, false);
    return 1;
  }
  return err.kind == MV_ERROR_NONE || err.kind == MV_ERROR_NOT_FOUND ? 0 : fail(L, err.text);
}

/* kv_set(key, value, ttl or nil) -> true | nil, text */
static int kv_set(lua_State *L) {
  struct vm_run *run = check_run(L);
  struct mv_error err = {0};
  json_t *value = mv_value_read(L, 2, &err);
  if (!value) {
    return fail(L, err.text);
  }
  json_t *effect = add_effect(L, run, "kv_set", 1);
  if (!effect) {
    json_decref(value);
    return fail(L, bad_key);
  }
  json_object_set(run->overlay, lua_tostring(L, 1), value);
  json_object_set_new(effect, "value", value);
  if (lua_isnumber(L, 3)) {
    json_object_set_new(effect, "ttl", json_real(lua_tonumber(L, 3)));
  }
  return succeed(L);
}

/* kv_delete(key) -> true | nil, text */
static int kv_delete(lua_State *L) {
  struct vm_run *run = check_run(L);
  if (!add_effect(L, run, "kv_delete", 1)) {
    return fail(L, bad_key);
  }
  json_object_set_new(run->overlay, lua_tostring(L, 1), json_null());
  return succeed(L);
}

/* kv_add(key, by, sum): `sum` is what later reads of this run see -> true | nil, text */
static int kv_add(lua_State *L) {
  struct vm_run *run = check_run(L);
  struct mv_error err = {0};
  json_t *by = mv_value_read(L, 2, &err), *sum = mv_value_read(L, 3, &err);
  json_t *effect = by && sum ? add_effect(L, run, "kv_add", 1) : NULL;
  if (!effect) {
    json_decref(by);
    json_decref(sum);
    return fail(L, by && sum ? bad_key : err.text);
  }
  json_object_set_new(effect, "by", by);
  json_object_set_new(run->overlay, lua_tostring(L, 1), sum);
  return succeed(L);
}

/* Jobs */

static void set_optional(lua_State *L, json_t *effect, const char *name, int index) {
  if (!lua_isnil(L, index)) {
    json_object_set_new(effect, name, json_string(lua_tostring(L, index)));
  }
}

/* job(name, args, due in ms, key or nil, id or nil) -> true | nil, text */
static int job(lua_State *L) {
  struct vm_run *run = check_run(L);
  lua_settop(L, 5);
  struct mv_error err = {0};
  json_t *args = lua_isnil(L, 2) ? json_null() : mv_value_read(L, 2, &err);
  if (!args) {
    return fail(L, err.text);
  }
  json_t *effect = json_pack("{s:s, s:s, s:o, s:I}", "op", "job", "name", luaL_checkstring(L, 1),
                             "args", args, "due", (json_int_t)lua_tointeger(L, 3));
  if (!effect) {
    return fail(L, "the name is not valid UTF-8");
  }
  set_optional(L, effect, "key", 4);
  set_optional(L, effect, "id", 5);
  json_array_append_new(run->effects, effect);
  return succeed(L);
}

/* once */

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
  struct vm_run *run = check_run(L);
  const struct mv_vm_options *options = &run->vm->options;
  const char *key = luaL_checkstring(L, 1);
  struct mv_error err = {0};
  json_t **box = mv_value_box(L);
  *box = json_incref(json_object_get(run->once, key));
  if (!*box && options->once_get && options->once_get(options->owner, key, box, &err) < 0) {
    return fail(L, err.text);
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
  struct vm_run *run = check_run(L);
  struct mv_error err = {0};
  json_t *values = read_values(L, 2, &err);
  if (!values) {
    return fail(L, err.text);
  }
  json_t *effect = add_effect(L, run, "once", 1);
  if (!effect) {
    json_decref(values);
    return fail(L, bad_key);
  }
  json_object_set(run->once, lua_tostring(L, 1), values);
  json_object_set_new(effect, "value", values);
  return succeed(L);
}

void vm_register_effects(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"kv_get", kv_get}, {"kv_set", kv_set},     {"kv_delete", kv_delete}, {"kv_add", kv_add},
      {"job", job},       {"once_get", once_get}, {"once_set", once_set},   {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
