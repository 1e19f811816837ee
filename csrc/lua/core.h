/* The module mavilua.core: the one door between the module's Lua sources and the C core. */
#ifndef MV_LUA_CORE_H
#define MV_LUA_CORE_H

#include <lua.h>

/* Pushes the module's table; what package.loadlib or package.preload calls. */
__attribute__((visibility("default"))) int luaopen_mavilua_core(lua_State *L);

#endif
