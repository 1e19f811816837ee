/* The module in a Lua state of the program, and what all of the library has. */
#include <stdlib.h>

#include "base/version.h"
#include "embed/failure.h"
#include "lua/vm_open.h"

const char *mavilua_version(void) {
  return MV_VERSION;
}

void mavilua_free(void *text) {
  free(text);
}

int mavilua_open(struct lua_State *L, char **err) {
  struct mv_error own = {0};
  mv_failure_none(err);
  return mv_vm_open(L, &own) ? mv_failure_tell(&own, err) : MAVILUA_OK;
}

int luaopen_mavilua(struct lua_State *L) {
  return mv_vm_require(L);
}
