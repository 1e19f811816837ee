/* JSON text -> value -> Lua -> value -> text: what is accepted comes back the same, by the tree and
 * directly. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_quick.h"
#include "base/json_scan.h"
#include "lua/json_direct.h"
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

struct text {
  const char *data;
  size_t length;
};

static int push_directly(lua_State *L) {
  const struct text *text = lua_touserdata(L, 1);
  return mv_json_direct_push(L, text->data, text->length, true, NULL) ? 1 : 0;
}

/* What is taken directly is what the tree gives: `value`, or nothing where that is NULL. */
static void check_direct(lua_State *L, const char *data, size_t size, const json_t *value) {
  struct mv_error err;
  struct text text = {data, size};
  lua_pushcfunction(L, push_directly);
  lua_pushlightuserdata(L, &text);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    abort();
  }
  if (!lua_isnil(L, -1)) {
    json_t *pushed = mv_value_read(L, -1, &err);
    if (!value || !pushed || !same(value, pushed)) {
      abort();
    }
    json_decref(pushed);
  }
  lua_settop(L, 0);
}

/* The text of the value on top, as the tree's. */
static void check_direct_text(lua_State *L, const struct mv_bytes *text) {
  struct mv_bytes out = {0};
  if (mv_json_direct_write(L, -1, &out) &&
      (out.length != text->length || memcmp(out.data, text->data, out.length) != 0)) {
    abort();
  }
  mv_bytes_free(&out);
}

/* What the scan finds is what the tree has. */
static void check_find(const char *data, size_t size, json_t *value) {
  struct mv_json_wanted wanted[] = {{.outer = "a", .name = "b"}, {.name = "b"}};
  static const char *const paths[] = {"a.b", "b"};
  if (!mv_json_find(data, size, wanted, 2)) {
    return;
  }
  if (!json_is_object(value)) {
    abort();
  }
  for (int i = 0; i < 2; i++) {
    char *text = mv_json_scalar_text(mv_json_at(value, paths[i]));
    if (!text != !wanted[i].text || (text && (strlen(text) != wanted[i].length ||
                                              memcmp(text, wanted[i].text, wanted[i].length)))) {
      abort();
    }
    free(text);
  }
}

/* What is taken quickly is what jansson gives: `value`, or nothing where that is NULL. */
static void check_quick(const char *data, size_t size) {
  json_t *quick = mv_json_quick(data, size);
  json_t *value = quick ? json_loadb(data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
  if (quick && (!value || !json_equal(quick, value))) {
    abort();
  }
  json_decref(quick);
  json_decref(value);
}

static void check_refused(const char *data, size_t size) {
  lua_State *L = luaL_newstate();
  check_direct(L, data, size, NULL);
  lua_close(L);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct mv_error err;
  json_t *lenient = mv_json_parse_lenient((const char *)data, size, &err);
  check_find((const char *)data, size, lenient);
  json_decref(lenient);
  check_quick((const char *)data, size);
  json_t *value = mv_json_parse((const char *)data, size, &err);
  if (!value) {
    check_refused((const char *)data, size);
    return 0;
  }
  lua_State *L = luaL_newstate();
  check_direct(L, (const char *)data, size, value);
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
  check_direct_text(L, &text);
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
