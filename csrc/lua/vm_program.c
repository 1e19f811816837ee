/* mavilua.program: what a plain script may ask of the program that runs it. */
#include <lauxlib.h>

#include "lua/values.h"
#include "lua/vm_state.h"

/* ask(name, arguments) -> its answer, or nil and a message */
static int ask(lua_State *L) {
  struct mv_vm *vm = vm_of(L);
  struct mv_error err = {0};
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 2);
  json_t **arguments = mv_value_box(L), **answer = mv_value_box(L);
  *arguments = mv_value_read(L, 2, &err);
  if (*arguments) {
    *answer = vm->options.program(vm->options.owner, name, *arguments, &err);
  }
  if (*answer) {
    mv_value_push(L, *answer, false);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, err.text);
  return 2;
}

int vm_open_program(lua_State *L) {
  lua_pushcfunction(L, ask);
  return 1;
}
