/* One face for Lua 5.1 to 5.4 and LuaJIT: what they name or do differently. What is built with 5.1's
 * headers runs on LuaJIT, too, and uses what that has beyond 5.1 where it is there. */
#ifndef MV_LUA_COMPAT_H
#define MV_LUA_COMPAT_H

#include <lua.h>
#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef LUA_OK
#define LUA_OK 0
#endif

/* Whole numbers up to here are exact in a double. */
#define MV_EXACT_DOUBLE 9007199254740992.0

#if LUA_VERSION_NUM < 502

static inline int mv_compat_absindex(lua_State *L, int index) {
  return index > 0 || index <= LUA_REGISTRYINDEX ? index : lua_gettop(L) + index + 1;
}
#define lua_absindex mv_compat_absindex
#define lua_rawlen lua_objlen

/* Adds functions to the table on top. */
static inline void mv_compat_setfuncs(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name; functions++) {
    lua_pushcfunction(L, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}
#undef luaL_setfuncs /* a function of LuaJIT's headers */
#define luaL_setfuncs(L, functions, upvalues) mv_compat_setfuncs(L, functions)

/* Pushes what debug.traceback gives of `co`, or `text` when there is no debug library. */
static inline void mv_compat_traceback(lua_State *L, lua_State *co, const char *text) {
  lua_getglobal(L, "debug");
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "traceback");
  }
  if (!lua_isfunction(L, -1)) {
    lua_pop(L, lua_istable(L, -1) ? 1 : 2);
    lua_pushstring(L, text ? text : "");
    return;
  }
  lua_remove(L, -2);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  if (text) {
    lua_pushstring(L, text);
  }
  lua_call(L, text ? 2 : 1, 1);
}
#undef luaL_traceback
#define luaL_traceback(L, co, text, level) mv_compat_traceback(L, co, text)

#endif

#if LUA_VERSION_NUM < 503
/* LuaJIT has it; without it only the main program is known not to yield. */
extern int lua_isyieldable(lua_State *L) __attribute__((weak));

static inline bool mv_compat_isyieldable(lua_State *L) {
  if (lua_isyieldable) {
    return lua_isyieldable(L) != 0;
  }
  bool main = lua_pushthread(L) == 1;
  lua_pop(L, 1);
  return !main;
}
#define lua_isyieldable mv_compat_isyieldable
#endif

/* The registry under a key that is the address of a constant text, unique to the caller. */
#if LUA_VERSION_NUM < 502
/* As light userdata, of which LuaJIT can hold 47 bits. */
static inline void mv_compat_pushkey(lua_State *L, const char *key) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)((uint64_t)(uintptr_t)key & 0x7FFFFFFFFFFF));
}
#endif

static inline void mv_registry_get(lua_State *L, const char *key) {
#if LUA_VERSION_NUM < 502
  mv_compat_pushkey(L, key);
  lua_rawget(L, LUA_REGISTRYINDEX);
#else
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
#endif
}

/* Pops the value. */
static inline void mv_registry_set(lua_State *L, const char *key) {
#if LUA_VERSION_NUM < 502
  mv_compat_pushkey(L, key);
  lua_insert(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
#else
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
#endif
}

/* Resumes `co` with `arguments` values; `count` values are on its top afterwards when it yielded or
 * ended well (on 5.4 others may lie below them), one (the error) when it failed. */
static inline int mv_compat_resume(lua_State *co, lua_State *from, int arguments, int *count) {
#if LUA_VERSION_NUM >= 504
  int status = lua_resume(co, from, arguments, count);
#elif LUA_VERSION_NUM >= 502
  int status = lua_resume(co, from, arguments);
  *count = lua_gettop(co);
#else
  (void)from;
  int status = lua_resume(co, arguments);
  *count = lua_gettop(co);
#endif
  if (status != LUA_OK && status != LUA_YIELD) {
    *count = 1;
  }
  return status;
}

/* Ends a failed or suspended coroutine: runs what it has yet to close. Its values are gone. */
static inline void mv_compat_close(lua_State *co, lua_State *from) {
  (void)from;
#if LUA_VERSION_NUM >= 504
#if LUA_VERSION_RELEASE_NUM >= 50406
  lua_closethread(co, from);
#else
  lua_resetthread(co);
#endif
  lua_settop(co, 0);
#else
  (void)co;
#endif
}

/* Ties the value on top to the userdata at `index`, and pops it; mv_compat_get_tied pushes it.
 * Before 5.3 only a table can be tied. */
static inline void mv_compat_tie(lua_State *L, int index) {
  index = lua_absindex(L, index);
#if LUA_VERSION_NUM >= 504
  lua_setiuservalue(L, index, 1);
#elif LUA_VERSION_NUM == 503
  lua_setuservalue(L, index);
#else
  lua_createtable(L, 1, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
#if LUA_VERSION_NUM == 502
  lua_setuservalue(L, index);
#else
  lua_setfenv(L, index);
#endif
#endif
}

static inline void mv_compat_get_tied(lua_State *L, int index) {
#if LUA_VERSION_NUM >= 504
  lua_getiuservalue(L, index, 1);
#elif LUA_VERSION_NUM == 503
  lua_getuservalue(L, index);
#else
#if LUA_VERSION_NUM == 502
  lua_getuservalue(L, index);
#else
  lua_getfenv(L, index);
#endif
  lua_rawgeti(L, -1, 1);
  lua_remove(L, -2);
#endif
}

/* As mv_compat_tie where something is tied already: allocates nothing. */
static inline void mv_compat_retie(lua_State *L, int index) {
#if LUA_VERSION_NUM >= 503
  mv_compat_tie(L, index);
#else
  index = lua_absindex(L, index);
#if LUA_VERSION_NUM == 502
  lua_getuservalue(L, index);
#else
  lua_getfenv(L, index);
#endif
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  lua_pop(L, 1);
#endif
}

/* A zeroless userdata with room for one tied value. */
static inline void *mv_compat_newuserdata(lua_State *L, size_t size) {
#if LUA_VERSION_NUM >= 504
  return lua_newuserdatauv(L, size, 1);
#else
  return lua_newuserdata(L, size);
#endif
}

/* Whether the number at `index` is a whole one that `*out` holds exactly. Never allocates. */
static inline bool mv_compat_integer(lua_State *L, int index, int64_t *out) {
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(L, index)) {
    *out = (int64_t)lua_tointeger(L, index);
    return true;
  }
#endif
  double number = (double)lua_tonumber(L, index);
  if (!(number >= -MV_EXACT_DOUBLE && number <= MV_EXACT_DOUBLE) || floor(number) != number) {
    return false;
  }
  *out = (int64_t)number;
  return true;
}

/* Whether the VM holds `value` exactly as a number. */
static inline bool mv_compat_fits(int64_t value) {
#if LUA_VERSION_NUM >= 503
  (void)value;
  return true;
#else
  return value >= -(int64_t)MV_EXACT_DOUBLE && value <= (int64_t)MV_EXACT_DOUBLE;
#endif
}

static inline void mv_compat_pushinteger(lua_State *L, int64_t value) {
#if LUA_VERSION_NUM >= 503
  lua_pushinteger(L, (lua_Integer)value);
#else
  lua_pushnumber(L, (lua_Number)value);
#endif
}

#endif
