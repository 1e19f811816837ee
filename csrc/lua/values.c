/* Lua values to and from JSON values. Reading never allocates in Lua, so it cannot throw; that is
 * why it looks at tables raw and finds the array marks by lua_rawgetp. */
#include "lua/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "lua/compat.h"

/* Registry keys, by address. */
static const char key_mark[] = "mavilua.array_mark";         /* the mark that is set */
static const char key_own_mark[] = "mavilua.own_array_mark"; /* the mark that is always known */
static const char key_box[] = "mavilua.value_box";           /* metatable of boxes */

/* array marks */

static void push_own_mark(lua_State *L) {
  mv_registry_get(L, key_own_mark);
  if (lua_istable(L, -1)) {
    return;
  }
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "mavilua.array");
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  mv_registry_set(L, key_own_mark);
}

void mv_value_push_mark(lua_State *L) {
  mv_registry_get(L, key_mark);
  if (lua_istable(L, -1)) {
    return;
  }
  lua_pop(L, 1);
  push_own_mark(L);
}

void mv_value_mark_array(lua_State *L, int index) {
  index = lua_absindex(L, index);
  mv_value_push_mark(L);
  lua_setmetatable(L, index);
}

void mv_value_use_array_mark(lua_State *L, int index) {
  lua_pushvalue(L, index);
  mv_registry_set(L, key_mark);
}

/* Whether the value on top is the one under `key`; pops nothing. */
static bool top_is(lua_State *L, const char *key) {
  mv_registry_get(L, key);
  bool same = lua_istable(L, -1) && lua_rawequal(L, -1, -2);
  lua_pop(L, 1);
  return same;
}

bool mv_value_is_array(lua_State *L, int index) {
  if (!lua_istable(L, index) || !lua_checkstack(L, 2) || !lua_getmetatable(L, index)) {
    return false;
  }
  bool marked = top_is(L, key_mark) || top_is(L, key_own_mark);
  lua_pop(L, 1);
  return marked;
}

/* boxes */

static int box_gc(lua_State *L) {
  json_t **slot = lua_touserdata(L, 1);
  json_decref(*slot);
  *slot = NULL;
  return 0;
}

json_t **mv_value_box(lua_State *L) {
  json_t **slot = mv_compat_newuserdata(L, sizeof(json_t *));
  *slot = NULL;
  mv_registry_get(L, key_box);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    mv_registry_set(L, key_box);
  }
  lua_setmetatable(L, -2);
  return slot;
}

/* JSON to Lua */

static void push_value(lua_State *L, const json_t *value, bool keep_null, int depth);

static void push_integer(lua_State *L, json_int_t value) {
  if (mv_compat_fits((int64_t)value)) {
    mv_compat_pushinteger(L, (int64_t)value);
    return;
  }
  char digits[32];
  snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, value);
  lua_pushstring(L, digits);
}

static int hint(size_t count) {
  return count > 1 << 26 ? 1 << 26 : (int)count;
}

static void push_array(lua_State *L, const json_t *array, bool keep_null, int depth) {
  size_t count = json_array_size(array);
  lua_createtable(L, hint(count), 0);
  for (size_t i = 0; i < count; i++) {
    push_value(L, json_array_get(array, i), keep_null, depth + 1);
    lua_rawseti(L, -2, (int)(i + 1));
  }
  mv_value_mark_array(L, -1);
}

static void push_object(lua_State *L, const json_t *object, bool keep_null, int depth) {
  json_t *members = (json_t *)(uintptr_t)object; /* iterating changes nothing */
  lua_createtable(L, 0, hint(json_object_size(object)));
  for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
    const json_t *member = json_object_iter_value(at);
    if (json_is_null(member) && !keep_null) {
      continue;
    }
    lua_pushlstring(L, json_object_iter_key(at), json_object_iter_key_len(at));
    push_value(L, member, keep_null, depth + 1);
    lua_rawset(L, -3);
  }
}

static void push_value(lua_State *L, const json_t *value, bool keep_null, int depth) {
  if (depth > MV_JSON_DEPTH) {
    luaL_error(L, "JSON is nested more than %d levels deep", MV_JSON_DEPTH);
  }
  luaL_checkstack(L, 6, "JSON is nested too deep");
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    push_object(L, value, keep_null, depth);
    break;
  case JSON_ARRAY:
    push_array(L, value, keep_null, depth);
    break;
  case JSON_STRING:
    lua_pushlstring(L, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
    push_integer(L, json_integer_value(value));
    break;
  case JSON_REAL:
    lua_pushnumber(L, (lua_Number)json_real_value(value));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    lua_pushboolean(L, json_is_true(value));
    break;
  case JSON_NULL:
    lua_pushlightuserdata(L, NULL);
    break;
  }
}

void mv_value_push(lua_State *L, const json_t *value, bool keep_null) {
  push_value(L, value, keep_null, 0);
}

/* Lua to JSON */

/* A table being read, and the part of it that is read now: the path to what is wrong. */
struct frame {
  const struct frame *up;
  const void *table;
  const char *key; /* NULL: `index` holds */
  int64_t index;   /* 0: no part yet */
  int depth;
};

struct reader {
  lua_State *L;
  struct mv_error *err;
};

static json_t *read_value(struct reader *reader, int index, const struct frame *up);

/* Appends `key` with what cannot be printed as "?", cut to a readable length. */
static void put_key(char *out, size_t size, const char *key) {
  size_t at = strlen(out), end = at + 40;
  for (; *key && at + 1 < size && at < end; key++) {
    bool printable = (unsigned char)*key >= 0x20 && (unsigned char)*key < 0x7f;
    out[at++] = (char)(printable ? *key : '?');
  }
  out[at] = '\0';
}

/* "variables.items[3].name" */
static void put_path(const struct frame *frame, char *out, size_t size) {
  if (!frame) {
    return;
  }
  put_path(frame->up, out, size);
  size_t at = strlen(out);
  if (frame->key) {
    if (at && at + 1 < size) {
      memcpy(out + at, ".", 2);
    }
    put_key(out, size, frame->key);
  } else if (frame->index > 0) {
    snprintf(out + at, size - at, "[%" PRId64 "]", frame->index);
  }
}

static json_t *refuse(struct reader *reader, const struct frame *frame, const char *what) {
  char path[256] = "";
  put_path(frame, path, sizeof path);
  mv_error_set(reader->err, MV_ERROR_USAGE, "%s%s%s", path, *path ? ": " : "", what);
  return NULL;
}

static json_t *read_string(struct reader *reader, int index, const struct frame *up) {
  size_t length;
  const char *text = lua_tolstring(reader->L, index, &length);
  size_t valid = mv_utf8_valid(text, length);
  if (valid != length) {
    char what[96];
    snprintf(what, sizeof what, "the string is not UTF-8 (byte %zu, 0x%02x); encode binary data",
             valid + 1, (unsigned)(unsigned char)text[valid]);
    return refuse(reader, up, what);
  }
  return json_stringn_nocheck(text, length);
}

static json_t *read_number(struct reader *reader, int index, const struct frame *up) {
  int64_t whole;
  if (mv_compat_integer(reader->L, index, &whole)) {
    return json_integer((json_int_t)whole);
  }
  double number = (double)lua_tonumber(reader->L, index);
  if (isnan(number)) {
    return refuse(reader, up, "NaN cannot be sent; JSON has no such number");
  }
  if (isinf(number)) {
    return refuse(reader, up, "infinity cannot be sent; JSON has no such number");
  }
  return json_real(number);
}

/* What the keys of a table say it is. */
struct shape {
  int64_t strings, integers, largest;
};

/* Looks at every key; false after refusing one. */
static bool read_shape(struct reader *reader, int table, struct shape *shape,
                       const struct frame *frame) {
  lua_State *L = reader->L;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    int64_t key;
    if (lua_type(L, -1) == LUA_TSTRING) {
      shape->strings++;
    } else if (lua_type(L, -1) == LUA_TNUMBER && mv_compat_integer(L, -1, &key) && key > 0) {
      shape->integers++;
      shape->largest = key > shape->largest ? key : shape->largest;
    } else {
      char what[128];
      snprintf(what, sizeof what, "a %s cannot be a key here; use strings, or 1..n for a list",
               lua_type(L, -1) == LUA_TNUMBER ? "number that is not 1..n"
                                              : lua_typename(L, lua_type(L, -1)));
      lua_pop(L, 1);
      return refuse(reader, frame, what) != NULL;
    }
  }
  return true;
}

/* Whether the keys fit a list or an object; false after refusing. */
static bool check_shape(struct reader *reader, const struct shape *shape, bool marked,
                        const struct frame *frame) {
  const char *what = NULL;
  if (shape->strings && shape->integers) {
    what = "the table has both names and numbers as keys; JSON has either";
  } else if (shape->strings && marked) {
    what = "a list (mavilua.array) cannot have names as keys";
  } else if (shape->integers != shape->largest) {
    what =
        "the list has holes; put mavilua.null into them, or use tostring(id) as keys of an object";
  }
  return !what || refuse(reader, frame, what);
}

static json_t *read_array(struct reader *reader, int table, int64_t count, struct frame *frame) {
  json_t *array = json_array();
  for (frame->index = 1; array && frame->index <= count; frame->index++) {
    lua_rawgeti(reader->L, table, (int)frame->index);
    json_t *item = read_value(reader, lua_gettop(reader->L), frame);
    lua_pop(reader->L, 1);
    if (!item || json_array_append_new(array, item)) {
      json_decref(array);
      return NULL;
    }
  }
  return array;
}

/* The key on top but one becomes the frame's part; false after refusing it. */
static bool read_key(struct reader *reader, struct frame *frame, size_t *length) {
  frame->key = lua_tolstring(reader->L, -2, length);
  if (memchr(frame->key, '\0', *length)) {
    return refuse(reader, frame, "a name with a NUL byte cannot be sent") != NULL;
  }
  if (mv_utf8_valid(frame->key, *length) != *length) {
    return refuse(reader, frame, "the name is not UTF-8") != NULL;
  }
  return true;
}

static json_t *read_object(struct reader *reader, int table, struct frame *frame) {
  lua_State *L = reader->L;
  json_t *object = json_object();
  if (!object) {
    return NULL;
  }
  lua_pushnil(L);
  while (lua_next(L, table)) {
    size_t length;
    json_t *member =
        read_key(reader, frame, &length) ? read_value(reader, lua_gettop(L), frame) : NULL;
    if (!member || json_object_setn_new_nocheck(object, frame->key, length, member)) {
      lua_pop(L, 2);
      json_decref(object);
      return NULL;
    }
    lua_pop(L, 1);
  }
  return object;
}

static bool in_itself(const struct frame *frame) {
  for (const struct frame *up = frame->up; up; up = up->up) {
    if (up->table == frame->table) {
      return true;
    }
  }
  return false;
}

static json_t *read_table(struct reader *reader, int index, const struct frame *up) {
  struct frame frame = {up, lua_topointer(reader->L, index), NULL, 0, up ? up->depth + 1 : 1};
  if (in_itself(&frame)) {
    return refuse(reader, &frame, "the table contains itself");
  }
  if (frame.depth > MV_JSON_DEPTH || !lua_checkstack(reader->L, 6)) {
    mv_error_set(reader->err, MV_ERROR_USAGE, "tables are nested more than %d levels deep",
                 MV_JSON_DEPTH);
    return NULL;
  }
  bool marked = mv_value_is_array(reader->L, index);
  struct shape shape = {0, 0, 0};
  if (!read_shape(reader, index, &shape, &frame) || !check_shape(reader, &shape, marked, &frame)) {
    return NULL;
  }
  if (marked || shape.integers) {
    return read_array(reader, index, shape.largest, &frame);
  }
  return read_object(reader, index, &frame);
}

static json_t *read_value(struct reader *reader, int index, const struct frame *up) {
  lua_State *L = reader->L;
  char what[96];
  switch (lua_type(L, index)) {
  case LUA_TNONE:
  case LUA_TNIL:
    return json_null();
  case LUA_TBOOLEAN:
    return json_boolean(lua_toboolean(L, index));
  case LUA_TNUMBER:
    return read_number(reader, index, up);
  case LUA_TSTRING:
    return read_string(reader, index, up);
  case LUA_TTABLE:
    return read_table(reader, index, up);
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(L, index)) {
      return json_null();
    }
    /* fallthrough */
  default:
    snprintf(what, sizeof what, "a %s cannot be sent; use a string, number, boolean or table",
             lua_typename(L, lua_type(L, index)));
    return refuse(reader, up, what);
  }
}

json_t *mv_value_read(lua_State *L, int index, struct mv_error *err) {
  struct mv_error local;
  struct reader reader = {L, err ? err : &local};
  reader.err->kind = MV_ERROR_NONE;
  int top = lua_gettop(L);
  json_t *value = read_value(&reader, lua_absindex(L, index), NULL);
  lua_settop(L, top);
  if (!value && reader.err->kind == MV_ERROR_NONE) {
    mv_error_set(reader.err, MV_ERROR_SYSTEM, "not enough memory");
  }
  return value;
}
