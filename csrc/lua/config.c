#include "lua/config.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/values.h"

#define STEPS 10000       /* instructions between two looks */
#define MOST_STEPS 1000   /* looks: ten million instructions, less than a second */
#define MOST_MEMORY (16 << 20)

struct config {
  const char *path;
  json_t *entries;
  size_t memory;
  int looks;
  struct mv_error problem; /* of a value that is none */
};

static struct config *config_of(lua_State *L) {
  return *(struct config **)lua_getextraspace(L);
}

/* ---- limits ----------------------------------------------------------------------------------- */

static void *allocate(void *owner, void *block, size_t old_size, size_t new_size) {
  struct config *config = owner;
  size_t old = block ? old_size : 0; /* without a block it is a type, not a size */
  if (new_size == 0) {
    free(block);
    config->memory -= old;
    return NULL;
  }
  if (new_size > old && new_size - old > MOST_MEMORY - config->memory)
    return NULL;
  void *grown = realloc(block, new_size);
  if (grown)
    config->memory = config->memory - old + new_size;
  return grown;
}

/* Once over the limit it raises at every step: no pcall outlives that. */
static void watch(lua_State *L, lua_Debug *ar) {
  if (++config_of(L)->looks < MOST_STEPS)
    return;
  lua_sethook(L, watch, LUA_MASKCOUNT, 1);
  lua_getinfo(L, "Sl", ar);
  lua_pushfstring(L, "%s:%d: stopped after ten million steps: is there a loop that does not end?",
                  ar->short_src, ar->currentline);
  lua_error(L);
}

/* ---- the globals ------------------------------------------------------------------------------ */

/* Functions that cannot harm, of the basic library and of os; the rest is left out: no files, no
 * processes, no code from elsewhere, and nothing that would escape the hook (coroutines, __gc). */
static const char *const basic[] = {"assert", "error", "ipairs", "next", "pairs", "pcall",
                                    "select", "tonumber", "tostring", "type", NULL};
static const char *const system_calls[] = {"getenv", "time", "date", NULL};
static const char *const missing[] = {"io",      "require",   "dofile", "loadfile",     "load", "print",
                                      "package", "coroutine", "debug",  "setmetatable", NULL};

static void note(lua_State *L, const char *name, json_t *value, int line) {
  struct config *config = config_of(L);
  size_t index;
  json_t *entry;
  json_array_foreach(config->entries, index, entry) {
    if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0) {
      json_array_remove(config->entries, index);
      break;
    }
  }
  if (value && json_array_append_new(config->entries,
                                     json_pack("{s:s, s:o, s:i}", "name", name, "value", value, "line", line)))
    config->problem.kind = MV_ERROR_SYSTEM;
}

/* __newindex(globals, name, value): a setting. */
static int assign(lua_State *L) {
  lua_Debug place = {0};
  json_t *value = NULL;
  if (lua_type(L, 2) != LUA_TSTRING)
    return luaL_error(L, "a setting has a name, not a %s", luaL_typename(L, 2));
  if (lua_getstack(L, 1, &place))
    lua_getinfo(L, "l", &place);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, lua_upvalueindex(1));
  if (!lua_isnil(L, 3) && !(value = mv_value_read(L, 3, &config_of(L)->problem)))
    return luaL_error(L, "%s cannot be set to this: %s", lua_tostring(L, 2), config_of(L)->problem.text);
  note(L, lua_tostring(L, 2), value, place.currentline);
  return 0;
}

/* __index(globals, name) */
static int look_up(lua_State *L) {
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  for (int i = 0; lua_isnil(L, -1) && missing[i]; i++)
    if (strcmp(missing[i], name) == 0)
      return luaL_error(L, "a configuration file has no %s: only string, table, math, utf8, os.getenv and the "
                           "plain basic functions", name);
  return 1;
}

/* Moves the named functions of the table on top into the one below it, and drops it. */
static void copy_functions(lua_State *L, const char *const *names) {
  for (; *names; names++) {
    lua_getfield(L, -1, *names);
    lua_setfield(L, -3, *names);
  }
  lua_pop(L, 1);
}

static void add_libraries(lua_State *L) {
  static const luaL_Reg whole[] = {{LUA_STRLIBNAME, luaopen_string},
                                   {LUA_TABLIBNAME, luaopen_table},
                                   {LUA_MATHLIBNAME, luaopen_math},
                                   {LUA_UTF8LIBNAME, luaopen_utf8},
                                   {NULL, NULL}};
  for (const luaL_Reg *library = whole; library->name; library++) {
    luaL_requiref(L, library->name, library->func, 0);
    lua_setfield(L, -2, library->name);
  }
  luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
  copy_functions(L, basic);
  lua_newtable(L);
  luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 0);
  copy_functions(L, system_calls);
  lua_setfield(L, -2, LUA_OSLIBNAME);
}

/* Pushes the table that stands for the globals: empty, so that each assignment is seen. */
static void push_globals(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 2);
  lua_newtable(L);
  add_libraries(L);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, look_up, 1);
  lua_setfield(L, -3, "__index");
  lua_pushcclosure(L, assign, 1);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -2);
}

/* ---- running it ------------------------------------------------------------------------------- */

static int run(lua_State *L) {
  struct config *config = config_of(L);
  lua_settop(L, 0);
  if (luaL_loadfilex(L, config->path, "t") != LUA_OK)
    return lua_error(L);
  push_globals(L);
  lua_setupvalue(L, 1, 1);
  lua_sethook(L, watch, LUA_MASKCOUNT, STEPS);
  lua_call(L, 0, LUA_MULTRET);
  lua_sethook(L, NULL, 0, 0);
  if (lua_gettop(L) > 0)
    return luaL_error(L, "%s: it returns a %s: settings are written as assignments, such as "
                         "listen = \"127.0.0.1:8080\"", config->path, luaL_typename(L, 1));
  return 0;
}

/* Whether a message of Lua begins with the file, which it shortens to "...end/of/path". */
static bool is_placed(const char *message, const char *path) {
  size_t length = strlen(path);
  return strncmp(message, "...", 3) == 0 || strncmp(message, path, length < 20 ? length : 20) == 0;
}

static void explain(lua_State *L, int status, const struct config *config, struct mv_error *err) {
  if (status == LUA_ERRMEM)
    mv_error_set(err, MV_ERROR_CONFIG, "%s: it needs more than %d MiB of memory", config->path,
                 MOST_MEMORY >> 20);
  else if (lua_type(L, -1) == LUA_TSTRING && is_placed(lua_tostring(L, -1), config->path))
    mv_error_set(err, MV_ERROR_CONFIG, "%s", lua_tostring(L, -1));
  else if (lua_type(L, -1) == LUA_TSTRING)
    mv_error_set(err, MV_ERROR_CONFIG, "%s: %s", config->path, lua_tostring(L, -1));
  else
    mv_error_set(err, MV_ERROR_CONFIG, "%s: it raised a %s", config->path, luaL_typename(L, -1));
}

json_t *mv_config_read(const char *path, struct mv_error *err) {
  struct config config = {.path = path, .entries = json_array()};
  lua_State *L = lua_newstate(allocate, &config);
  int failed = -1;
  if (!L || !config.entries) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  } else {
    *(struct config **)lua_getextraspace(L) = &config;
    lua_pushcfunction(L, run); /* takes no memory */
    int status = lua_pcall(L, 0, 0, 0);
    failed = status == LUA_OK ? 0 : -1;
    if (failed)
      explain(L, status, &config, err);
    else if (config.problem.kind == MV_ERROR_SYSTEM)
      failed = mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  }
  if (L)
    lua_close(L);
  if (!failed)
    return config.entries;
  json_decref(config.entries);
  return NULL;
}
