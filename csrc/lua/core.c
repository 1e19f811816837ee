/* The module mavilua.core: JSON, small helpers, and the door to the loop and the action table. */
#include "lua/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/plain.h"
#include "base/tokens.h"
#include "base/version.h"
#include "lua/core_internal.h"
#include "lua/json_direct.h"
#include "lua/loop.h"
#include "lua/values.h"

static const char key_scratch[] = "mavilua.scratch";

/* scratch */

void mv_scratch_free(struct mv_scratch *scratch) {
  json_decref(scratch->value);
  scratch->value = NULL;
  mv_bytes_free(&scratch->bytes);
  mv_request_free(&scratch->request);
  memset(&scratch->request, 0, sizeof scratch->request);
}

static int scratch_gc(lua_State *L) {
  mv_scratch_free(lua_touserdata(L, 1));
  return 0;
}

struct mv_scratch *mv_scratch_push(lua_State *L) {
  struct mv_scratch *scratch = mv_compat_newuserdata(L, sizeof *scratch);
  memset(scratch, 0, sizeof *scratch);
  mv_registry_get(L, key_scratch);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, scratch_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    mv_registry_set(L, key_scratch);
  }
  lua_setmetatable(L, -2);
  return scratch;
}

int mv_core_failure(lua_State *L, const char *message) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  return 2;
}

/* JSON */

/* encode(value) -> text | nil, message */
static int encode(lua_State *L) {
  struct mv_error err;
  lua_settop(L, 1);
  struct mv_scratch *scratch = mv_scratch_push(L);
  if (!mv_json_direct_write(L, 1, &scratch->bytes)) {
    mv_bytes_free(&scratch->bytes);
    scratch->value = mv_value_read(L, 1, &err);
    if (!scratch->value) {
      return mv_core_failure(L, err.text);
    }
    if (mv_json_write(&scratch->bytes, scratch->value)) {
      return mv_core_failure(L, "not enough memory");
    }
  }
  lua_pushlstring(L, scratch->bytes.data, scratch->bytes.length);
  mv_scratch_free(scratch);
  return 1;
}

typedef json_t *parse_fn(const char *text, size_t length, struct mv_error *err);

static int decode_with(lua_State *L, parse_fn *parse) {
  struct mv_error err;
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  bool keep_null = lua_toboolean(L, 2);
  if (mv_json_direct_push(L, text, length, keep_null, NULL)) {
    return 1;
  }
  struct mv_scratch *scratch = mv_scratch_push(L);
  scratch->value = parse(text, length, &err);
  if (!scratch->value) {
    return mv_core_failure(L, err.text);
  }
  mv_value_push(L, scratch->value, keep_null);
  mv_scratch_free(scratch);
  return 1;
}

/* decode(text [, keep_null]) -> value | nil, message */
static int decode(lua_State *L) {
  return decode_with(L, mv_json_parse);
}

/* The same for webhooks, which nobody sends again: see mv_json_parse_lenient. */
static int decode_lenient(lua_State *L) {
  return decode_with(L, mv_json_parse_lenient);
}

/* array([table]) -> the table, marked as an array */
static int array(lua_State *L) {
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  if (lua_getmetatable(L, 1) && !mv_value_is_array(L, 1)) {
    return luaL_argerror(L, 1, "the table has a metatable of its own");
  }
  lua_settop(L, 1);
  mv_value_mark_array(L, 1);
  return 1;
}

static int is_array(lua_State *L) {
  lua_pushboolean(L, mv_value_is_array(L, 1));
  return 1;
}

static int use_array_mark(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  mv_value_use_array_mark(L, 1);
  return 0;
}

/* small helpers */

/* redact(text, secret) -> text without the secret */
static int redact(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  const char *secret = luaL_optstring(L, 2, "");
  if (!*secret) {
    lua_settop(L, 1);
    return 1;
  }
  struct mv_scratch *scratch = mv_scratch_push(L);
  if (mv_bytes_append(&scratch->bytes, text, length) || mv_redact(&scratch->bytes, secret)) {
    return luaL_error(L, "not enough memory");
  }
  lua_pushlstring(L, scratch->bytes.length ? scratch->bytes.data : "", scratch->bytes.length);
  mv_scratch_free(scratch);
  return 1;
}

/* hide_tokens(text) -> text without the tokens of bots in addresses */
static int hide_tokens(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  struct mv_scratch *scratch = mv_scratch_push(L);
  if (mv_bytes_append(&scratch->bytes, text, length) || mv_bytes_append(&scratch->bytes, "", 1)) {
    return luaL_error(L, "not enough memory");
  }
  lua_pushlstring(L, scratch->bytes.data, mv_tokens_hide(scratch->bytes.data));
  mv_scratch_free(scratch);
  return 1;
}

/* nearest(name, list) -> the nearest of the list's names, or nil */
static int nearest(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  size_t count = lua_rawlen(L, 2);
  const char **names = lua_newuserdata(L, (count + 1) * sizeof *names);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (int)(i + 1)); /* the table keeps the strings */
    if (lua_type(L, -1) != LUA_TSTRING) {
      return luaL_argerror(L, 2, "a list of strings is expected");
    }
    names[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lua_pushstring(L, mv_nearest(name, names, count));
  return 1;
}

/* random_hex(bytes) -> twice as many hex digits from the system's generator */
static int random_hex(lua_State *L) {
  char digits[2 * 64 + 1];
  lua_Integer count = luaL_optinteger(L, 1, 16);
  luaL_argcheck(L, count >= 1 && count <= 64, 1, "1 to 64 bytes");
  if (mv_random_hex(digits, (size_t)count)) {
    return luaL_error(L, "the system gives no random bytes");
  }
  lua_pushstring(L, digits);
  return 1;
}

/* plain(text [, columns [, lines]]) -> the text as it may be shown on a terminal, the columns it
 * takes; longer than `columns` (0: any) it is cut; with `lines` line ends stay */
static int plain(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_Integer columns = luaL_optinteger(L, 2, 0);
  bool lines = lua_toboolean(L, 3);
  struct mv_scratch *scratch = mv_scratch_push(L);
  size_t most = columns > 0 ? (size_t)columns : 0;
  size_t taken = mv_plain_append(&scratch->bytes, text, length, most, lines);
  if (scratch->bytes.failed) {
    return luaL_error(L, "not enough memory");
  }
  lua_pushlstring(L, scratch->bytes.length ? scratch->bytes.data : "", scratch->bytes.length);
  mv_scratch_free(scratch);
  mv_compat_pushinteger(L, (int64_t)taken);
  return 2;
}

int luaopen_mavilua_core(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"encode", encode},
      {"decode", decode},
      {"array", array},
      {"decode_lenient", decode_lenient},
      {"hide_tokens", hide_tokens},
      {"is_array", is_array},
      {"redact", redact},
      {"use_array_mark", use_array_mark},
      {"nearest", nearest},
      {"random_hex", random_hex},
      {"plain", plain},
      {NULL, NULL},
  };
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  lua_pushliteral(L, MV_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  lua_newtable(L); /* the array mark exists from now on, so that marking needs no memory */
  mv_value_mark_array(L, -1);
  lua_pop(L, 1);
  mv_apilib_register(L, -1);
  mv_loop_register(L, -1);
  mv_attempt_register(L, -1);
  return 1;
}
