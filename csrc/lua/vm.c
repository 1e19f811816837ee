/* The script VM: its state, the modules inside the program, and loading scripts. */
#include "lua/vm.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/tokens.h"
#include "lua/core.h"
#include "lua/vm_embedded.h"
#include "lua/vm_state.h"

struct mv_vm *vm_of(lua_State *L) {
  return *(struct mv_vm **)lua_getextraspace(L);
}

/* Modules */

static bool is_beside(const struct mv_vm *vm, const char *path) {
  size_t index;
  json_t *folder;
  json_array_foreach(vm->folders, index, folder) {
    size_t length = json_string_length(folder);
    if (strncmp(path, json_string_value(folder), length) == 0 && path[length] == '/') {
      return true;
    }
  }
  return false;
}

/* Notes the file that the next searcher will load, whether that goes well or not. Each is asked for
 * once: then it is loaded, or the script has failed. */
static void note_module(lua_State *L, const char *name) {
  struct mv_vm *vm = vm_of(L);
  int top = lua_gettop(L);
  const char *path = NULL;
  if (lua_getglobal(L, "package") == LUA_TTABLE) { /* a script may have put something else there */
    lua_getfield(L, -1, "searchpath");
    lua_pushstring(L, name);
    lua_getfield(L, -3, "path");
    path = lua_pcall(L, 2, 1, 0) == LUA_OK ? lua_tostring(L, -1) : NULL;
  }
  if (path && is_beside(vm, path)) {
    json_array_append_new(vm->modules, json_string(path));
  }
  lua_settop(L, top);
}

static const char key_env[] = "mavilua.environment";

/* Copies the table on top of the stack, one level deep; libraries inside of it, too, if `deep`. */
static void push_copy(lua_State *L, bool deep) {
  int from = lua_gettop(L);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    bool library = deep && lua_istable(L, -2) && !lua_rawequal(L, -2, from);
    if (library) {
      lua_pushvalue(L, -2);
      push_copy(L, false);
      lua_remove(L, -2);
    } else {
      lua_pushvalue(L, -2);
    }
    lua_rawset(L, from + 1);
  }
}

/* The modules inside the program have globals of their own: a script that overwrites `type` or
 * `table.concat` overwrites its own only. `package` stays the one of all. */
static void keep_environment(lua_State *L) {
  lua_pushglobaltable(L);
  push_copy(L, true);
  lua_getglobal(L, "package");
  lua_setfield(L, -2, "package");
  lua_setfield(L, LUA_REGISTRYINDEX, key_env);
  lua_pop(L, 1);
}

static int load_embedded(lua_State *L, const struct mv_embedded *module, const char *name) {
  int status = luaL_loadbuffer(L, module->source, module->length, name);
  if (status == LUA_OK && vm_of(L)->options.host) {
    lua_getfield(L, LUA_REGISTRYINDEX, key_env);
    lua_setupvalue(L, -2, 1);
  }
  return status;
}

/* The searcher of modules inside the program: only names of our own. */
static int search_embedded(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  for (const struct mv_embedded *module = mv_embedded; module->name; module++) {
    if (strcmp(module->name, name) == 0) {
      lua_pushfstring(L, "=%s%s", name, strchr(name, '.') ? "" : ".init");
      if (load_embedded(L, module, lua_tostring(L, -1)) != LUA_OK) {
        return lua_error(L);
      }
      lua_pushliteral(L, ":embedded:");
      return 2;
    }
  }
  note_module(L, name);
  lua_pushfstring(L, "no module '%s' inside the program", name);
  return 1;
}

/* Puts it before all searchers but preload: a file called mavilua.lua does not shadow the module.
 */
static void add_searcher(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i >= 2; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, search_embedded);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

static void require(lua_State *L, const char *name) {
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  lua_call(L, 1, 0);
}

static const char host_script[] = "mavilua.host.script";

/* mavilua.host.native of a plain script: handlers get webhooks from standard input. */
static int open_script_native(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushstring(L, host_script);
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "native");
  return 1;
}

static int refuse_host(lua_State *L) {
  return luaL_error(L, "mavilua.host is for scripts that run under a host (`mavilua serve`, mavilua_host_start); "
                       "this one was started as a plain script");
}

/* os.exit in a plain script: all is closed in order, so it may not leave from here. */
static int exit_script(lua_State *L) {
  int status = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);
  vm_exit(L, status);
  return 0;
}

static void set_exit(lua_State *L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, exit_script);
  lua_setfield(L, -2, "exit");
  lua_pop(L, 1);
}

/* print, for a program that takes the lines itself. */
static int print_line(lua_State *L) {
  const struct mv_vm *vm = vm_of(L);
  int count = lua_gettop(L);
  size_t length;
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; i++) {
    if (i > 1) {
      luaL_addchar(&line, '\t');
    }
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&line);
  }
  luaL_pushresult(&line);
  const char *text = lua_tolstring(L, -1, &length);
  vm->options.print(vm->options.owner, text, length);
  return 0;
}

/* package.loaded["mavilua.defaults"]: what mavilua.client falls back to before the environment. */
static void set_defaults(lua_State *L, const struct mv_vm *vm) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_newtable(L);
  lua_pushstring(L, vm->api_key);
  lua_setfield(L, -2, "api_key");
  lua_pushstring(L, vm->base_url);
  lua_setfield(L, -2, "base_url");
  lua_pushstring(L, vm->ca_file);
  lua_setfield(L, -2, "ca_file");
  lua_setfield(L, -2, "mavilua.defaults");
  lua_pop(L, 1);
}

/* State */

static int prepare(lua_State *L) {
  struct mv_vm *vm = vm_of(L);
  luaL_openlibs(L);
  add_searcher(L);
  preload(L, "mavilua.core", luaopen_mavilua_core);
  set_defaults(L, vm);
  vm->loop = mv_loop_of(L);
  vm_limits_install(vm);
  mv_loop_wrap_coroutines(L);
  if (vm->options.host) {
    keep_environment(L);
    preload(L, "mavilua.host.native", vm_open_native);
    require(L, "mavilua.host");
  } else {
    preload(L, "mavilua.host.native", vm->options.fed ? open_script_native : refuse_host);
    preload(L, "mavilua.host.log", vm_open_log);
    if (vm->options.program) {
      preload(L, "mavilua.program", vm_open_program);
    }
    if (vm->options.print) {
      lua_pushcfunction(L, print_line);
      lua_setglobal(L, "print");
    }
    set_exit(L);
  }
  return 0;
}

static void copy_options(struct mv_vm *vm, const struct mv_vm_options *options) {
  vm->options = *options;
  vm->options.api_key = vm->api_key = mv_strdup(options->api_key);
  vm->options.base_url = vm->base_url = mv_strdup(options->base_url);
  vm->options.ca_file = vm->ca_file = mv_strdup(options->ca_file);
}

static int fill_error(struct mv_vm *vm, struct mv_error *err) {
  const char *text = lua_tostring(vm->L, -1);
  mv_error_set(err, MV_ERROR_USAGE, "%s", text ? text : "unknown error");
  lua_settop(vm->L, 0);
  return -1;
}

struct mv_vm *mv_vm_new(const struct mv_vm_options *options, struct mv_error *err) {
  struct mv_vm *vm = calloc(1, sizeof *vm);
  if (vm) {
    vm->options.memory = options->memory; /* the state's first block is already theirs */
    if (!options->memory) {
      vm_pool_init(&vm->pool);
    }
  }
  if (!vm || !(vm->L = lua_newstate(vm_allocate, vm))) {
    if (vm) {
      vm_pool_free(&vm->pool);
    }
    free(vm);
    mv_error_set(err, MV_ERROR_SYSTEM, "not enough memory for a Lua state");
    return NULL;
  }
  *(struct mv_vm **)lua_getextraspace(vm->L) = vm;
  copy_options(vm, options);
  pthread_mutex_init(&vm->watched_lock, NULL);
  vm->entries = (struct vm_entries){LUA_NOREF, LUA_NOREF};
  vm->folders = json_array();
  vm->modules = json_array();
  lua_pushcfunction(vm->L, prepare);
  if (lua_pcall(vm->L, 0, 0, 0) != LUA_OK) {
    fill_error(vm, err);
    mv_vm_free(vm);
    return NULL;
  }
  return vm;
}

void mv_vm_free(struct mv_vm *vm) {
  if (!vm) {
    return;
  }
  vm->closing = true;
  lua_close(vm->L);
  vm_pool_free(&vm->pool);
  vm_forget_runs(vm);
  pthread_mutex_destroy(&vm->watched_lock);
  free(vm->load_doom);
  free(vm->trace);
  json_decref(vm->folders);
  json_decref(vm->modules);
  free(vm->api_key);
  free(vm->base_url);
  free(vm->ca_file);
  free(vm);
}

/* Loading */

/* Puts the script's directory first in package.path, once. */
static void add_directory(lua_State *L, const char *path) {
  const char *slash = strrchr(path, '/');
  json_array_append_new(vm_of(L)->folders,
                        slash ? json_stringn(path, (size_t)(slash - path)) : json_string("."));
  if (!slash) {
    return; /* "./?.lua" is in the default path */
  }
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushlstring(L, path, (size_t)(slash - path));
  const char *directory = lua_tostring(L, -1);
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;", directory, directory);
  if (!strstr(lua_tostring(L, -3), lua_tostring(L, -1))) {
    lua_pushvalue(L, -3);
    lua_concat(L, 2);
    lua_setfield(L, -4, "path");
  }
  lua_settop(L, 0);
}

/* Sets the global `arg` and pushes the script's arguments; returns their number. */
static int push_arguments(lua_State *L, const struct mv_vm *vm, const char *path) {
  int count = 0;
  lua_newtable(L);
  int table = lua_gettop(L);
  lua_pushstring(L, path);
  lua_rawseti(L, table, 0);
  for (const char *const *arg = vm->options.args; arg && *arg; arg++) {
    luaL_checkstack(L, 4, "too many arguments");
    lua_pushstring(L, *arg);
    lua_pushvalue(L, -1);
    lua_rawseti(L, table, ++count);
  }
  lua_pushvalue(L, table);
  lua_setglobal(L, "arg");
  lua_remove(L, table);
  return count;
}

/* A plain script that has asked for mavilua.host: its handlers' turn. */
static void feed_handlers(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, host_script) == LUA_TTABLE) {
    lua_getfield(L, -1, "feed");
    lua_pushboolean(L, isatty(STDIN_FILENO));
    lua_call(L, 1, 0);
  }
}

/* path -> runs it. An error leaves with its traceback. */
static int run_script(lua_State *L) {
  const char *path = lua_touserdata(L, 1);
  struct mv_vm *vm = vm_of(L);
  lua_settop(L, 0);
  add_directory(L, path);
  if (luaL_loadfile(L, strcmp(path, "-") == 0 ? NULL : path) != LUA_OK) {
    return lua_error(L);
  }
  int count = vm->options.host ? 0 : push_arguments(L, vm, path);
  lua_call(L, count, 0);
  if (vm->options.fed) {
    feed_handlers(L);
  }
  return 0;
}

/* Source in memory. */
struct chunk {
  const char *name, *text;
  size_t length;
};

/* chunk -> runs it. Text only: what was compiled before could break the VM. */
static int run_chunk(lua_State *L) {
  const struct chunk *chunk = lua_touserdata(L, 1);
  struct mv_vm *vm = vm_of(L);
  lua_settop(L, 0);
  const char *name = lua_pushfstring(L, "@%s", chunk->name);
  if (luaL_loadbufferx(L, chunk->text, chunk->length, name, "t") != LUA_OK) {
    return lua_error(L);
  }
  lua_remove(L, 1);
  int count = vm->options.host ? 0 : push_arguments(L, vm, chunk->name);
  lua_call(L, count, 0);
  return 0;
}

/* name -> calls the function that the module inside the program returns. */
static int run_module(lua_State *L) {
  const char *name = lua_touserdata(L, 1);
  lua_settop(L, 0);
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
  lua_call(L, push_arguments(L, vm_of(L), name), 0);
  return 0;
}

static int load_failed(struct mv_vm *vm, struct mv_error *err) {
  size_t length;
  const char *text = lua_tolstring(vm->L, -1, &length);
  free(vm->trace);
  vm->trace = text ? mv_memdup(text, length) : NULL;
  mv_tokens_hide(vm->trace);
  vm_redact(vm->trace, vm->api_key);
  const char *line_end = text ? strstr(text, "\nstack traceback:") : NULL;
  length = line_end ? (size_t)(line_end - text) : length;
  mv_error_set(err, MV_ERROR_USAGE, "%.*s", (int)length, text ? text : "unknown error");
  vm_redact(err ? err->text : NULL, vm->api_key);
  lua_settop(vm->L, 0);
  return -1;
}

/* Calls `run` with `what` under the loading limits. */
static int load(struct mv_vm *vm, lua_CFunction run, const void *what, struct mv_error *err) {
  lua_State *L = vm->L;
  lua_settop(L, 0);
  lua_pushcfunction(L, vm_traceback);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, (void *)(uintptr_t)what);
  vm_watch_load(vm, true);
  int status = lua_pcall(L, 1, 0, 1);
  vm_watch_load(vm, false);
  if (status != LUA_OK && !vm->exited) {
    return load_failed(vm, err);
  }
  lua_settop(L, 0);
  return 0;
}

int mv_vm_load(struct mv_vm *vm, const char *path, struct mv_error *err) {
  return load(vm, run_script, path, err);
}

int mv_vm_load_text(struct mv_vm *vm, const char *name, const char *text, size_t length,
                    struct mv_error *err) {
  struct chunk chunk = {name, text, length};
  return load(vm, run_chunk, &chunk, err);
}

int mv_vm_run_module(struct mv_vm *vm, const char *module, struct mv_error *err) {
  return load(vm, run_module, module, err);
}

bool mv_vm_exited(const struct mv_vm *vm) {
  return vm->exited;
}

int mv_vm_exit_status(const struct mv_vm *vm) {
  return vm->exit_status;
}

const char *mv_vm_trace(const struct mv_vm *vm) {
  return vm->trace;
}

const json_t *mv_vm_modules(const struct mv_vm *vm) {
  return vm->modules;
}

size_t mv_vm_running(const struct mv_vm *vm) {
  return vm->run_count;
}

size_t mv_vm_memory(const struct mv_vm *vm) {
  return vm->memory;
}

void mv_vm_wakeup(struct mv_vm *vm) {
  mv_loop_wakeup(vm->loop);
}
