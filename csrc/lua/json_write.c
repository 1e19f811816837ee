/* Lua values to JSON text, in one pass over the tables. */
#include <string.h>

#include "base/json.h"
#include "lua/compat.h"
#include "lua/json_direct.h"
#include "lua/values.h"

struct writer {
  lua_State *L;
  struct mv_bytes *out;
  const void *tables[MV_JSON_DEPTH]; /* those that are being written, outermost first */
};

static bool write_value(struct writer *writer, int index, int depth);

static void put(struct mv_bytes *out, char c) {
  if (out->length < out->capacity) {
    out->data[out->length++] = c;
  } else {
    mv_bytes_putc(out, c);
  }
}

static bool write_string(struct writer *writer, int index) {
  size_t length;
  const char *text = lua_tolstring(writer->L, index, &length);
  return mv_json_put_string(writer->out, text, length) == 0;
}

/* Over the keys 1, 2, 3 … in this order, as a list that was made as one has them; the first key and
 * its value are on the stack. Other lists are not taken. */
static bool write_list(struct writer *writer, int table, int depth) {
  lua_State *L = writer->L;
  int64_t key, expected = 1;
  put(writer->out, '[');
  do {
    if (lua_type(L, -2) != LUA_TNUMBER || !mv_compat_integer(L, -2, &key) || key != expected) {
      return false;
    }
    if (expected++ > 1) {
      put(writer->out, ',');
    }
    if (!write_value(writer, lua_gettop(L), depth)) {
      return false;
    }
    lua_pop(L, 1);
  } while (lua_next(L, table));
  put(writer->out, ']');
  return true;
}

static bool write_object(struct writer *writer, int table, int depth) {
  lua_State *L = writer->L;
  bool first = true;
  put(writer->out, '{');
  do {
    if (lua_type(L, -2) != LUA_TSTRING) {
      return false;
    }
    if (!first) {
      put(writer->out, ',');
    }
    first = false;
    int value = lua_gettop(L);
    size_t length;
    const char *name = lua_tolstring(L, value - 1, &length);
    if (memchr(name, '\0', length) || mv_json_put_string(writer->out, name, length)) {
      return false;
    }
    put(writer->out, ':');
    if (!write_value(writer, value, depth)) {
      return false;
    }
    lua_pop(L, 1);
  } while (lua_next(L, table));
  put(writer->out, '}');
  return true;
}

static bool in_itself(struct writer *writer, int index, int depth) {
  const void *table = lua_topointer(writer->L, index);
  for (int i = 0; i < depth; i++) {
    if (writer->tables[i] == table) {
      return true;
    }
  }
  writer->tables[depth] = table;
  return false;
}

/* `depth` tables are around it. */
static bool write_table(struct writer *writer, int table, int depth) {
  lua_State *L = writer->L;
  if (depth >= MV_JSON_DEPTH || !lua_checkstack(L, 6) || in_itself(writer, table, depth)) {
    return false;
  }
  bool marked = mv_value_is_array(L, table);
  lua_pushnil(L);
  if (!lua_next(L, table)) {
    return mv_bytes_append(writer->out, marked ? "[]" : "{}", 2) == 0;
  }
  return marked || lua_type(L, -2) != LUA_TSTRING ? write_list(writer, table, depth + 1)
                                                  : write_object(writer, table, depth + 1);
}

static bool write_number(struct writer *writer, int index) {
  int64_t whole;
  if (mv_compat_integer(writer->L, index, &whole)) {
    return mv_bytes_put_int(writer->out, whole) == 0;
  }
  return mv_json_put_real(writer->out, (double)lua_tonumber(writer->L, index)) == 0;
}

static bool write_value(struct writer *writer, int index, int depth) {
  lua_State *L = writer->L;
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    return mv_bytes_append(writer->out, "null", 4) == 0;
  case LUA_TBOOLEAN:
    return mv_bytes_puts(writer->out, lua_toboolean(L, index) ? "true" : "false") == 0;
  case LUA_TNUMBER:
    return write_number(writer, index);
  case LUA_TSTRING:
    return write_string(writer, index);
  case LUA_TTABLE:
    return write_table(writer, index, depth);
  case LUA_TLIGHTUSERDATA:
    return !lua_touserdata(L, index) && mv_bytes_append(writer->out, "null", 4) == 0;
  default:
    return false;
  }
}

bool mv_json_direct_write(lua_State *L, int index, struct mv_bytes *out) {
  struct writer writer = {.L = L, .out = out};
  int top = lua_gettop(L);
  bool done = write_value(&writer, lua_absindex(L, index), 0);
  lua_settop(L, top);
  return mv_bytes_append(out, "", 0) == 0 && done; /* the NUL behind */
}
