#include "lua/vm_open.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "lua/core.h"
#include "lua/vm_embedded.h"

/* What only the program can run: its commands. */
static const char commands[] = "mavilua.cli.";

/* package.preload[name]: the source's chunk, called with what require gives. Its upvalue is where the
 * source is. */
static int load_source(lua_State *L) {
  const struct mv_embedded *module = lua_touserdata(L, lua_upvalueindex(1));
  const char *name = lua_pushfstring(L, "=%s%s", module->name, strchr(module->name, '.') ? "" : ".init");
  if (luaL_loadbufferx(L, module->source, module->length, name, "t") != LUA_OK) {
    return lua_error(L);
  }
  lua_replace(L, -2);
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

static int preload_all(lua_State *L) {
  luaL_checkversion(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const struct mv_embedded *module = mv_embedded; module->name; module++) {
    if (strncmp(module->name, commands, sizeof commands - 1) == 0) {
      continue;
    }
    lua_pushlightuserdata(L, (void *)(uintptr_t)module);
    lua_pushcclosure(L, load_source, 1);
    lua_setfield(L, -2, module->name);
  }
  lua_pushcfunction(L, luaopen_mavilua_core);
  lua_setfield(L, -2, "mavilua.core");
  return 0;
}

int mv_vm_open(lua_State *L, struct mv_error *err) {
  if (!lua_checkstack(L, LUA_MINSTACK)) {
    return mv_error_set(err, MV_ERROR_SYSTEM, "the Lua stack has no room left");
  }
  lua_pushcfunction(L, preload_all);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) {
    return 0;
  }
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
  mv_error_set(err, MV_ERROR_SYSTEM, "%s", text);
  lua_pop(L, 1);
  return -1;
}

int mv_vm_require(lua_State *L) {
  lua_pushcfunction(L, preload_all);
  lua_call(L, 0, 0);
  if (lua_getglobal(L, "require") != LUA_TFUNCTION) {
    return luaL_error(L, "mavilua needs the standard libraries: call luaL_openlibs first");
  }
  lua_pushliteral(L, "mavilua");
  lua_call(L, 1, 1);
  return 1;
}
