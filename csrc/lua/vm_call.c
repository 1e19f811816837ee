/* Calls from C into a module inside the program, which can be interrupted. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lua/values.h"
#include "lua/vm_state.h"

/* One call, on the C stack of mv_vm_call. */
struct call {
  struct mv_vm *vm;
  const char *module, *name, *text;
  size_t length;
  lua_State *co; /* once it has ended: its results or its error are on top */
  int status, count;
  json_t *answer;
  struct mv_error err;
  bool ended;
};

static const char key_call[] = "mavilua.call";

/* call -> ; what it returned or raised, as C reads it */
static int read_end(lua_State *L) {
  struct call *call = lua_touserdata(L, 1);
  if (call->status != LUA_OK) {
    vm_push_error(L, call->co, -1, NULL);
    mv_error_set(&call->err, MV_ERROR_USAGE, "%s", lua_tostring(L, -1));
    return 0;
  }
  if (call->count == 0) {
    call->answer = json_null();
    return 0;
  }
  lua_pushvalue(call->co, lua_gettop(call->co) - call->count + 1);
  lua_xmove(call->co, L, 1);
  call->answer = mv_value_read(L, -1, &call->err);
  return 0;
}

static struct call *current_call(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, key_call);
  struct call *call = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return call;
}

/* The task has no owner: an owner is a run of the host. */
static void ended(struct mv_task *task, lua_State *co, int status, int count, void *owner) {
  (void)task;
  (void)owner;
  struct mv_vm *vm = vm_of(co);
  vm->call = NULL;
  if (vm->closing) {
    return;
  }
  lua_State *L = vm->L;
  struct call *call = current_call(L);
  *call = (struct call){.vm = vm, .co = co, .status = status, .count = count, .ended = true};
  lua_pushcfunction(L, read_end);
  lua_pushlightuserdata(L, call);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    const char *text = lua_tostring(L, -1);
    mv_error_set(&call->err, MV_ERROR_USAGE, "%s", text ? text : "an error without a text");
    lua_pop(L, 1);
  }
}

/* call -> */
static int spawn(lua_State *L) {
  struct call *call = lua_touserdata(L, 1);
  lua_pushlightuserdata(L, call);
  lua_setfield(L, LUA_REGISTRYINDEX, key_call);
  lua_getglobal(L, "require");
  lua_pushstring(L, call->module);
  lua_call(L, 1, 1);
  lua_getfield(L, -1, call->name);
  lua_pushlstring(L, call->text, call->length);
  call->vm->call = mv_loop_spawn(L, 1, ended, NULL);
  return 0;
}

static int start(struct call *call) {
  lua_State *L = call->vm->L;
  lua_settop(L, 0);
  lua_pushcfunction(L, spawn);
  lua_pushlightuserdata(L, call);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
    return 0;
  }
  mv_error_set(&call->err, MV_ERROR_USAGE, "%s", lua_tostring(L, -1));
  lua_settop(L, 0);
  return -1;
}

static int give(struct call *call, json_t **answer, struct mv_error *err) {
  bool interrupted = atomic_load(&call->vm->interrupted) || call->vm->exited;
  if (call->answer && !call->vm->exited) {
    *(answer ? answer : &call->answer) = call->answer;
    if (!answer) {
      json_decref(call->answer);
    }
    return 0;
  }
  json_decref(call->answer);
  *err = call->err;
  return interrupted ? 1 : -1;
}

int mv_vm_call(struct mv_vm *vm, const char *module, const char *name, const char *text,
               size_t length, json_t **answer, struct mv_error *err) {
  struct call call = {.vm = vm, .module = module, .name = name, .text = text, .length = length};
  atomic_store(&vm->interrupted, false);
  if (start(&call) == 0) {
    vm_watch_load(vm, true);
    while (!call.ended) {
      mv_vm_step(vm, -1);
    }
    vm_watch_load(vm, false);
  }
  return give(&call, answer, err);
}

void mv_vm_interrupt(struct mv_vm *vm) {
  atomic_store(&vm->interrupted, true);
  mv_vm_wakeup(vm);
}
