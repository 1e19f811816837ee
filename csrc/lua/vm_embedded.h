/* The Lua sources inside the program; the table is generated when it is built. */
#ifndef MV_LUA_VM_EMBEDDED_H
#define MV_LUA_VM_EMBEDDED_H

#include <stddef.h>

struct mv_embedded {
  const char *name; /* "mavilua.client"; NULL ends the table */
  const char *source;
  size_t length;
};

extern const struct mv_embedded mv_embedded[];

#endif
