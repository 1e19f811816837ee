/* What a handler wants committed with its completion: kept with the run, in order, until it ends.
 * Reads see the run's own writes first. Part of mavilua.host.native; keys come checked from Lua. */
#include <lauxlib.h>

#include "lua/values.h"
#include "lua/vm_state.h"

struct vm_run *vm_check_run(lua_State *L) {
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

int vm_fail(lua_State *L, const char *text) {
  lua_pushnil(L);
  lua_pushstring(L, text);
  return 2;
}

static json_t *read_key(lua_State *L, int index) {
  size_t length;
  const char *key = luaL_checklstring(L, index, &length);
  return json_stringn(key, length);
}

int vm_append_effect(struct vm_run *run, json_t *effect) {
  run->effects = run->effects ? run->effects : json_array();
  return json_array_append_new(run->effects, effect);
}

void vm_note(json_t **object, const char *key, json_t *value) {
  *object = *object ? *object : json_object();
  json_object_set_new(*object, key, value);
}

/* Adds an effect with the key at `index`; the rest is filled in by the caller. NULL and a text in
 * `err` if the key cannot be written. */
json_t *vm_add_effect(lua_State *L, struct vm_run *run, const char *op, int index) {
  json_t *key = read_key(L, index);
  if (!key) {
    return NULL;
  }
  json_t *effect = json_pack("{s:s, s:o}", "op", op, "key", key);
  if (vm_append_effect(run, effect) != 0) {
    return NULL;
  }
  return effect;
}

static const char bad_key[] = "the key is not valid UTF-8";

/* Keys and values */

/* kv_get(key) -> value; nil if there is none; nil and a text on failure */
static int kv_get(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
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
  return err.kind == MV_ERROR_NONE || err.kind == MV_ERROR_NOT_FOUND ? 0 : vm_fail(L, err.text);
}

/* kv_set(key, value, ttl or nil) -> true | nil, text */
static int kv_set(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  struct mv_error err = {0};
  json_t *value = mv_value_read(L, 2, &err);
  if (!value) {
    return vm_fail(L, err.text);
  }
  json_t *effect = vm_add_effect(L, run, "kv_set", 1);
  if (!effect) {
    json_decref(value);
    return vm_fail(L, bad_key);
  }
  vm_note(&run->overlay, lua_tostring(L, 1), json_incref(value));
  json_object_set_new(effect, "value", value);
  if (lua_isnumber(L, 3)) {
    json_object_set_new(effect, "ttl", json_real(lua_tonumber(L, 3)));
  }
  return succeed(L);
}

/* kv_delete(key) -> true | nil, text */
static int kv_delete(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  if (!vm_add_effect(L, run, "kv_delete", 1)) {
    return vm_fail(L, bad_key);
  }
  vm_note(&run->overlay, lua_tostring(L, 1), json_null());
  return succeed(L);
}

/* kv_add(key, by, sum): `sum` is what later reads of this run see -> true | nil, text */
static int kv_add(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  struct mv_error err = {0};
  json_t *by = mv_value_read(L, 2, &err), *sum = mv_value_read(L, 3, &err);
  json_t *effect = by && sum ? vm_add_effect(L, run, "kv_add", 1) : NULL;
  if (!effect) {
    json_decref(by);
    json_decref(sum);
    return vm_fail(L, by && sum ? bad_key : err.text);
  }
  json_object_set_new(effect, "by", by);
  vm_note(&run->overlay, lua_tostring(L, 1), sum);
  return succeed(L);
}

/* Jobs */

static void set_optional(lua_State *L, json_t *effect, const char *name, int index) {
  if (!lua_isnil(L, index)) {
    json_object_set_new(effect, name, json_string(lua_tostring(L, index)));
  }
}

/* job(name, args, due in ms, key or nil, id or nil, whether due is a delay from now and no moment of
 * the calendar) -> true | nil, text */
static int job(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  lua_settop(L, 6);
  struct mv_error err = {0};
  json_t *args = lua_isnil(L, 2) ? json_null() : mv_value_read(L, 2, &err);
  if (!args) {
    return vm_fail(L, err.text);
  }
  json_t *effect = json_pack("{s:s, s:s, s:o, s:I}", "op", "job", "name", luaL_checkstring(L, 1),
                             "args", args, "due", (json_int_t)lua_tointeger(L, 3));
  if (!effect) {
    return vm_fail(L, "the name is not valid UTF-8");
  }
  set_optional(L, effect, "key", 4);
  set_optional(L, effect, "id", 5);
  if (lua_toboolean(L, 6)) {
    json_object_set_new(effect, "elapsed", json_true());
  }
  vm_append_effect(run, effect);
  return succeed(L);
}

/* Webhooks */

/* known(id) -> whether a webhook has brought this message | nil, text */
static int known(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  const struct mv_vm_options *options = &run->vm->options;
  struct mv_error err = {0};
  const char *id = luaL_checkstring(L, 1);
  int found = options->known ? options->known(options->owner, id, &err) : 0;
  if (found < 0) {
    return vm_fail(L, err.text);
  }
  lua_pushboolean(L, found);
  return 1;
}

/* webhook(id, key, body, due in ms): as if the platform had sent it -> true | nil, text */
static int webhook(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  struct mv_error err = {0};
  const char *id = luaL_checkstring(L, 1), *key = luaL_checkstring(L, 2);
  lua_Integer due = luaL_checkinteger(L, 4);
  json_t *body = mv_value_read(L, 3, &err);
  if (!body) {
    return vm_fail(L, err.text);
  }
  json_t *effect = json_pack("{s:s, s:s, s:s, s:o, s:I}", "op", "webhook", "id", id, "key", key,
                             "body", body, "due", (json_int_t)due);
  if (vm_append_effect(run, effect) != 0) {
    return vm_fail(L, "the id is not valid UTF-8");
  }
  return succeed(L);
}

void vm_register_effects(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"kv_get", kv_get}, {"kv_set", kv_set}, {"kv_delete", kv_delete},
      {"kv_add", kv_add}, {"job", job},       {"known", known},
      {"webhook", webhook}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
