/* Lua values to and from JSON values, exactly: the one file of the Lua side that knows jansson. */
#ifndef MV_LUA_VALUES_H
#define MV_LUA_VALUES_H

#include <jansson.h>
#include <lua.h>
#include <stdbool.h>

#include "base/error.h"

/* Pushes one Lua value. Arrays carry the array mark; null members of objects are left out unless
 * `keep_null` (then mavilua.null), nulls in arrays are mavilua.null; an integer the VM cannot hold
 * exactly is its decimal string. May throw only for lack of memory or depth; `value` stays the
 * caller's, so keep it in a box (see mv_value_box). */
void mv_value_push(lua_State *L, const json_t *value, bool keep_null);

/* Reads the Lua value at `index`. A new reference, or NULL and `err`, whose text tells the path of
 * the offending part ("variables.when: a function cannot be sent"). Never throws. Tables with the
 * array mark or with keys 1..n are arrays, the empty unmarked table is an object; whole floats
 * within 2^53 are integers; nil itself is null. Metamethods are not asked. Refused: functions,
 * userdata, threads, NaN, infinities, mixed keys, holes, cycles, more than MV_JSON_DEPTH levels,
 * strings that are not UTF-8, keys with a NUL. */
json_t *mv_value_read(lua_State *L, int index, struct mv_error *err);

/* Pushes a userdata that drops `value` when collected: makes a reference safe across throws.
 * Call with NULL first, set *slot after. */
json_t **mv_value_box(lua_State *L);

/* Marks the table at `index` as an array. */
void mv_value_mark_array(lua_State *L, int index);

/* Pushes the mark that arrays carry. */
void mv_value_push_mark(lua_State *L);

/* Whether the value at `index` is a table with an array mark. Never throws. */
bool mv_value_is_array(lua_State *L, int index);

/* From now on arrays carry the metatable at `index` (another library's mark); tables with the
 * mark of before are still arrays. */
void mv_value_use_array_mark(lua_State *L, int index);

#endif
