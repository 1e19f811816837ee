/* The module in a Lua state that is the program's own: its Lua sources and its core from inside the
 * library, with no files beside it. */
#ifndef MV_LUA_VM_OPEN_H
#define MV_LUA_VM_OPEN_H

#include "base/error.h"

struct lua_State;

/* Makes require "mavilua" and its parts find what is inside the library; loads nothing yet and leaves
 * the stack as it was. Raises no error: 0, or -1 and `err`. */
int mv_vm_open(struct lua_State *L, struct mv_error *err);

/* lua_CFunction: does that, requires the module and returns it. Raises errors. */
int mv_vm_require(struct lua_State *L);

#endif
