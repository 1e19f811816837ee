/* JSON text to Lua and back without a tree of values in between: what plain text and plain tables take.
 *
 * Both do the common case or nothing: what they do not take (wrong or unusual text, a table that
 * cannot be sent) goes the way of values.h, which is exact about the rest and about what is wrong. */
#ifndef MV_LUA_JSON_DIRECT_H
#define MV_LUA_JSON_DIRECT_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/json.h"

/* Members of the last object on each level: a table that is made large enough does not grow. Zeroed
 * before the first text; kept by who reads many of one kind. */
struct mv_json_hints {
  unsigned char members[MV_JSON_DEPTH + 1];
};

/* Pushes the value of a text as mv_value_push does, or pushes nothing and returns false. Not taken,
 * besides text that is no JSON: integers of more than 18 digits, halves of surrogate pairs, names
 * with a NUL. Throws only for lack of memory. `hints` may be NULL. */
bool mv_json_direct_push(lua_State *L, const char *text, size_t length, bool keep_null,
                         struct mv_json_hints *hints);

/* Appends the text of the value at `index`, the same as mv_value_read and mv_json_write give. False:
 * it is not taken, and `out` holds a part. Never throws. */
bool mv_json_direct_write(lua_State *L, int index, struct mv_bytes *out);

#endif
