/* Errors as people read them: the message, then the lines of the script that led there. */
#include <lauxlib.h>
#include <string.h>

#include "lua/vm_state.h"

#define LONGEST_MESSAGE 4096

/* Sources inside the program are named "=mavilua.…", pieces in C files "=mavilua". */
static bool is_own(const lua_Debug *ar) {
  return *ar->what == 'C' || strncmp(ar->source, "=mavilua.", 9) == 0 ||
         strcmp(ar->source, "=mavilua") == 0;
}

void vm_where(lua_State *L, char *out, size_t size) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (!is_own(&ar) && ar.currentline > 0) {
      lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
      strncpy(out, lua_tostring(L, -1), size - 1);
      out[size - 1] = '\0';
      lua_pop(L, 1);
      return;
    }
  }
  strncpy(out, "?", size);
}

/* Whether a line of a traceback is about the script. */
static bool is_script_line(const char *line) {
  return strncmp(line, "\t[C]:", 5) != 0 && strncmp(line, "\tmavilua.", 9) != 0 &&
         strncmp(line, "\tmavilua:", 9) != 0 && strncmp(line, "\t(...tail calls...)", 19) != 0;
}

/* Adds the lines of a traceback that are about the script. */
static void add_script_lines(luaL_Buffer *out, const char *line) {
  bool any = false;
  line = strchr(line, '\n'); /* after "stack traceback:" */
  while (line && *line) {
    line++;
    const char *end = strchr(line, '\n');
    size_t length = end ? (size_t)(end - line) : strlen(line);
    if (is_script_line(line)) {
      luaL_addstring(out, any ? "\n" : "\nstack traceback:\n");
      luaL_addlstring(out, line, length);
      any = true;
    }
    line = end;
  }
}

/* What comes after C reads texts up to a NUL only. */
static void add_text(luaL_Buffer *out, const char *text, size_t length) {
  for (const char *end = text + length; text < end;) {
    const char *nul = memchr(text, '\0', (size_t)(end - text));
    luaL_addlstring(out, text, (size_t)((nul ? nul : end) - text));
    luaL_addstring(out, nul ? "\\0" : "");
    text = nul ? nul + 1 : end;
  }
}

/* Lua would say "table: 0x55d1…", which tells nobody anything. */
static const char *push_message(lua_State *L, int error, size_t *length) {
  if (lua_type(L, error) == LUA_TTABLE && !luaL_getmetafield(L, error, "__tostring")) {
    lua_pushliteral(L, "the error is a table, which has no text: raise a string");
    return lua_tolstring(L, -1, length);
  }
  return luaL_tolstring(L, error, length); /* calls __tostring */
}

void vm_push_error(lua_State *L, lua_State *co, int index, const char *trace) {
  lua_pushvalue(co, index);
  lua_xmove(co, L, 1);
  int error = lua_gettop(L);
  size_t length;
  const char *message = push_message(L, error, &length);
  bool cut = length > LONGEST_MESSAGE;
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  add_text(&out, message, cut ? LONGEST_MESSAGE : length);
  luaL_addstring(&out, cut ? "..." : "");
  add_script_lines(&out, trace ? trace : "");
  luaL_pushresult(&out);
  lua_replace(L, error);
  lua_settop(L, error);
}

int vm_traceback(lua_State *L) {
  struct mv_vm *vm = vm_of(L);
  if (vm->exited) {
    return 1;
  }
  luaL_traceback(L, L, NULL, 0);
  vm_push_error(L, L, 1, lua_tostring(L, -1));
  return 1;
}

void vm_redact(char *text, const char *secret) {
  static const char mark[] = "[redacted]";
  size_t length = secret ? strlen(secret) : 0;
  if (!text || length < sizeof mark) { /* no key of the platform is as short */
    return;
  }
  while ((text = strstr(text, secret))) {
    memcpy(text, mark, sizeof mark - 1);
    memmove(text + sizeof mark - 1, text + length, strlen(text + length) + 1);
    text += sizeof mark - 1;
  }
}
