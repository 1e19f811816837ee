/* The module in a Lua state of one's own: no file of mavilua is needed beside the library.
 *
 *   MAVILUA_API_KEY=sandbox MAVILUA_BASE_URL=http://127.0.0.1:8082 ./module */
#include <lauxlib.h>
#include <lualib.h>
#include <mavilua.h>
#include <stdio.h>

static const char source[] =
    "local bot = require 'mavilua'.client {}\n"
    "local found = assert(bot:get_clients {})\n"
    "local names = {}\n"
    "for i, client in ipairs(found.clients) do names[i] = client.name or '?' end\n"
    "return #names, table.concat(names, ', ')\n";

static int run(lua_State *L) {
  char *err = NULL;
  luaL_openlibs(L);
  if (mavilua_open(L, &err)) {
    fprintf(stderr, "module: %s\n", err);
    mavilua_free(err);
    return 1;
  }
  if (luaL_loadstring(L, source) || lua_pcall(L, 0, 2, 0)) {
    fprintf(stderr, "module: %s\n", lua_tostring(L, -1));
    return 1;
  }
  printf("%lld clients: %s\n", (long long)lua_tointeger(L, -2), lua_tostring(L, -1));
  return 0;
}

int main(void) {
  lua_State *L = luaL_newstate();
  int status = L ? run(L) : 1;
  if (L)
    lua_close(L);
  return status;
}
