/* JSON text -> value -> Lua -> value -> text: what is accepted comes back the same. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lua/values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int push(lua_State *L) {
  mv_value_push(L, lua_touserdata(L, 1), true);
  return 1;
}

/* Whether the values are the same, but that whole reals may have become integers. */
static int same(const json_t *a, const json_t *b);

static int same_object(json_t *a, const json_t *b) {
  const char *key;
  json_t *member;
  if (json_object_size(a) != json_object_size(b)) {
    return 0;
  }
  json_object_foreach(a, key, member) {
    if (!same(member, json_object_get(b, key))) {
      return 0;
    }
  }
  return 1;
}

static int same(const json_t *a, const json_t *b) {
  if (json_is_number(a) && json_is_number(b)) {
    return json_typeof(a) == json_typeof(b)
               ? json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b)
               : json_number_value(a) == json_number_value(b);
  }
  if (json_is_array(a) && json_is_array(b) && json_array_size(a) == json_array_size(b)) {
    for (size_t i = 0; i < json_array_size(a); i++) {
      if (!same(json_array_get(a, i), json_array_get(b, i))) {
        return 0;
      }
    }
    return 1;
  }
  if (json_is_object(a) && json_is_object(b)) {
    return same_object((json_t *)(uintptr_t)a, b);
  }
  return json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct mv_error err;
  json_decref(mv_json_parse_lenient((const char *)data, size, &err));
  json_t *value = mv_json_parse((const char *)data, size, &err);
  if (!value) {
    return 0;
  }
  lua_State *L = luaL_newstate();
  lua_pushcfunction(L, push);
  lua_pushlightuserdata(L, value);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    abort();
  }
  json_t *back = mv_value_read(L, -1, &err);
  struct mv_bytes text = {0};
  if (!back || !same(value, back) || mv_json_write(&text, back)) {
    abort();
  }
  json_t *again = mv_json_parse(text.data, text.length, &err);
  if (!again || !same(back, again)) {
    abort();
  }
  json_decref(again);
  mv_bytes_free(&text);
  json_decref(back);
  lua_close(L);
  json_decref(value);
  return 0;
}
