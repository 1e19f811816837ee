/* JSON text to Lua values, in one pass over the text. */
#include <errno.h>
#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_scan.h"
#include "lua/compat.h"
#include "lua/json_direct.h"
#include "lua/values.h"

enum {
  LONGEST_REAL = 64,
  MOST_HINT = 32, /* members that a table is made for before they are seen */
};

struct pull {
  lua_State *L;
  const char *at, *end;
  bool keep_null;
  int mark; /* where on the stack the array mark is; nil before the first array */
  struct mv_json_hints *hints; /* lists hold objects of one kind */
};

static bool pull_value(struct pull *pull, int depth);

static void skip_space(struct pull *pull) {
  while (pull->at < pull->end &&
         (*pull->at == ' ' || *pull->at == '\n' || *pull->at == '\r' || *pull->at == '\t')) {
    pull->at++;
  }
}

/* Takes the character if it comes next, after blanks. */
static bool take(struct pull *pull, char c) {
  skip_space(pull);
  if (pull->at < pull->end && *pull->at == c) {
    pull->at++;
    return true;
  }
  return false;
}

static bool take_word(struct pull *pull, const char *word, size_t length) {
  if ((size_t)(pull->end - pull->at) < length || memcmp(pull->at, word, length) != 0) {
    return false;
  }
  pull->at += length;
  return true;
}

/* strings */

/* Four hexadecimal digits, or -1. */
static int take_hex4(struct pull *pull) {
  int value = 0;
  if (pull->end - pull->at < 4) {
    return -1;
  }
  for (int i = 0; i < 4; i++) {
    char c = *pull->at++;
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

/* The character of an escape \uXXXX, of both halves where it takes two; -1 when it is none. */
static int32_t take_code(struct pull *pull) {
  int unit = take_hex4(pull);
  if (unit < 0xD800 || unit > 0xDFFF) {
    return unit;
  }
  if (unit > 0xDBFF || !take_word(pull, "\\u", 2)) {
    return -1;
  }
  int low = take_hex4(pull);
  return low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00) : -1;
}

static void add_utf8(luaL_Buffer *buffer, int32_t code) {
  static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  luaL_addchar(buffer, (char)(leads[length] | code >> (6 * (length - 1))));
  for (int i = length - 2; i >= 0; i--) {
    luaL_addchar(buffer, (char)(0x80 | (code >> (6 * i) & 0x3F)));
  }
}

/* What comes after a backslash. */
static bool take_escape(struct pull *pull, luaL_Buffer *buffer, bool name) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (pull->at == pull->end) {
    return false;
  }
  char c = *pull->at++;
  if (c == 'u') {
    int32_t code = take_code(pull);
    if (code < 0 || (code == 0 && name)) {
      return false;
    }
    add_utf8(buffer, code);
    return true;
  }
  const char *found = c ? strchr(from, c) : NULL;
  if (found) {
    luaL_addchar(buffer, to[found - from]);
  }
  return found != NULL;
}

/* A string with escapes; `run` is the end of its first part. */
static bool pull_escaped(struct pull *pull, const char *run, bool name) {
  luaL_Buffer buffer;
  luaL_buffinit(pull->L, &buffer);
  for (;; run = mv_json_plain_run(pull->at, pull->end)) {
    luaL_addlstring(&buffer, pull->at, (size_t)(run - pull->at));
    pull->at = run;
    if (take_word(pull, "\"", 1)) {
      luaL_pushresult(&buffer);
      return true;
    }
    if (!take_word(pull, "\\", 1) || !take_escape(pull, &buffer, name)) {
      return false;
    }
  }
}

/* Behind the first quotation mark. */
static bool pull_string(struct pull *pull, bool name) {
  const char *run = mv_json_plain_run(pull->at, pull->end);
  if (run == pull->end) {
    return false;
  }
  if (*run != '"') {
    return *run == '\\' && pull_escaped(pull, run, name);
  }
  lua_pushlstring(pull->L, pull->at, (size_t)(run - pull->at));
  pull->at = run + 1;
  return true;
}

/* numbers */

static bool push_real(struct pull *pull, const char *end) {
  char text[LONGEST_REAL], *stop;
  size_t length = (size_t)(end - pull->at);
  if (length >= sizeof text) {
    return false;
  }
  memcpy(text, pull->at, length);
  text[length] = '\0';
  double number = strtod(text, &stop);
  if (stop != text + length || !isfinite(number)) { /* a locale with a comma, or too large */
    return false;
  }
  lua_pushnumber(pull->L, (lua_Number)number);
  pull->at = end;
  return true;
}

static bool push_integer(struct pull *pull, const char *end) {
  const char *digits = pull->at + (*pull->at == '-');
  int64_t value = 0;
  if (end - digits > MV_JSON_SAFE_DIGITS) {
    return false;
  }
  for (const char *p = digits; p < end; p++) {
    value = value * 10 + (*p - '0');
  }
  value = *pull->at == '-' ? -value : value;
  if (mv_compat_fits(value)) {
    mv_compat_pushinteger(pull->L, value);
  } else {
    lua_pushlstring(pull->L, pull->at, (size_t)(end - pull->at));
  }
  pull->at = end;
  return true;
}

static bool pull_number(struct pull *pull) {
  bool integer;
  const char *end = mv_json_number_end(pull->at, pull->end, &integer);
  if (!end) {
    return false;
  }
  return integer ? push_integer(pull, end) : push_real(pull, end);
}

/* arrays and objects */

static bool pull_array(struct pull *pull, int depth) {
  lua_State *L = pull->L;
  if (lua_isnil(L, pull->mark)) {
    mv_value_push_mark(L);
    lua_replace(L, pull->mark);
  }
  lua_newtable(L);
  lua_pushvalue(L, pull->mark);
  lua_setmetatable(L, -2);
  if (take(pull, ']')) {
    return true;
  }
  for (int i = 1; i < INT32_MAX; i++) {
    if (!pull_value(pull, depth + 1)) {
      return false;
    }
    lua_rawseti(L, -2, i);
    if (!take(pull, ',')) {
      return take(pull, ']');
    }
  }
  return false;
}

/* Takes the name on top, which is to be absent, also when it came before. Not set to nil where it is
 * absent: some Luas take room for that. */
static void drop_member(lua_State *L) {
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  bool before = !lua_isnil(L, -1);
  lua_pop(L, 1);
  if (before) {
    lua_pushnil(L);
    lua_rawset(L, -3);
  } else {
    lua_pop(L, 1);
  }
}

/* A name and its value into the table on top; adds to `count` if it stays. */
static bool pull_member(struct pull *pull, int depth, unsigned *count) {
  lua_State *L = pull->L;
  if (!take(pull, '"') || !pull_string(pull, true) || !take(pull, ':')) {
    return false;
  }
  if (!pull_value(pull, depth + 1)) {
    return false;
  }
  if (!pull->keep_null && lua_type(L, -1) == LUA_TLIGHTUSERDATA) {
    lua_pop(L, 1);
    drop_member(L);
    return true;
  }
  lua_rawset(L, -3);
  ++*count;
  return true;
}

static bool pull_object(struct pull *pull, int depth) {
  if (take(pull, '}')) {
    lua_newtable(pull->L);
    return true;
  }
  lua_createtable(pull->L, 0, pull->hints->members[depth]);
  unsigned count = 0;
  do {
    if (!pull_member(pull, depth, &count)) {
      return false;
    }
  } while (take(pull, ','));
  pull->hints->members[depth] = (unsigned char)(count < MOST_HINT ? count : MOST_HINT);
  return take(pull, '}');
}

static bool push_word(struct pull *pull, char first) {
  bool taken = first == 't'   ? take_word(pull, "true", 4)
               : first == 'f' ? take_word(pull, "false", 5)
                              : take_word(pull, "null", 4);
  if (taken && first == 'n') {
    lua_pushlightuserdata(pull->L, NULL);
  } else if (taken) {
    lua_pushboolean(pull->L, first == 't');
  }
  return taken;
}

static bool pull_value(struct pull *pull, int depth) {
  skip_space(pull);
  if (pull->at == pull->end || depth > MV_JSON_DEPTH) {
    return false;
  }
  luaL_checkstack(pull->L, 6, "JSON is nested too deep");
  switch (*pull->at) {
  case '{':
    pull->at++;
    return depth < MV_JSON_DEPTH && pull_object(pull, depth);
  case '[':
    pull->at++;
    return depth < MV_JSON_DEPTH && pull_array(pull, depth);
  case '"':
    pull->at++;
    return pull_string(pull, false);
  case 't':
  case 'f':
  case 'n':
    return push_word(pull, *pull->at);
  default:
    return pull_number(pull);
  }
}

bool mv_json_direct_push(lua_State *L, const char *text, size_t length, bool keep_null,
                         struct mv_json_hints *hints) {
  int top = lua_gettop(L);
  struct mv_json_hints fresh;
  struct pull pull = {.L = L, .at = text, .end = text + length, .keep_null = keep_null};
  if (!hints) {
    memset(&fresh, 0, sizeof fresh);
  }
  pull.hints = hints ? hints : &fresh;
  luaL_checkstack(L, 4, "JSON is nested too deep");
  lua_pushnil(L);
  pull.mark = top + 1;
  if (!pull_value(&pull, 0) || (skip_space(&pull), pull.at < pull.end)) {
    lua_settop(L, top);
    return false;
  }
  lua_remove(L, pull.mark);
  return true;
}
