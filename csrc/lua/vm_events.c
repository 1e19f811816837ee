/* Runs: an event becomes a task of the loop, and the task's end becomes a result. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lua/values.h"
#include "lua/vm_state.h"

/* A result being made: what its strings and values lie in until `finished` has returned. */
struct outcome {
  struct vm_run *run;
  lua_State *co;
  int status, count;
  struct mv_vm_result result;
  char *reason;
  json_t *reply;
};

static void unlink_run(struct vm_run *run) {
  struct mv_vm *vm = run->vm;
  *(run->previous ? &run->previous->next : &vm->runs) = run->next;
  if (run->next) {
    run->next->previous = run->previous;
  }
  vm->run_count--;
}

static void free_run(struct vm_run *run) {
  json_decref(run->effects);
  json_decref(run->overlay);
  json_decref(run->once);
  json_decref(run->begun);
  free(run->once_trace);
  free(run->handler);
  free(run->doom);
  free(run);
}

void vm_forget_runs(struct mv_vm *vm) {
  struct vm_run *run = vm->runs;
  while (run) {
    struct vm_run *next = run->next;
    free_run(run);
    run = next;
  }
  vm->runs = NULL;
  vm->run_count = 0;
}

/* Outcome */

static char *copy_text(lua_State *L, int index) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  return text ? mv_memdup(text, length) : NULL;
}

/* The handler came back: "done" [reply] | "retry" delay reason | "later" delay | "dead" reason |
 * "cancelled" reason | "duplicate" reply reason. The values are on top of the coroutine and were made by mavilua.host.dispatch. */
static void read_return(lua_State *L, struct outcome *out) {
  lua_State *co = out->co;
  int first = lua_gettop(co) - out->count + 1;
  const char *verdict = out->count ? lua_tostring(co, first) : NULL;
  if (verdict && strcmp(verdict, "retry") == 0) {
    out->result.verdict = MV_VM_RETRY;
    out->result.delay = lua_tonumber(co, first + 1);
    out->reason = copy_text(co, first + 2);
  } else if (verdict && strcmp(verdict, "later") == 0) {
    out->result.verdict = MV_VM_LATER;
    out->result.delay = lua_tonumber(co, first + 1);
  } else if (verdict && strcmp(verdict, "dead") == 0) {
    out->result.verdict = MV_VM_DEAD;
    out->reason = copy_text(co, first + 1);
  } else if (verdict && strcmp(verdict, "cancelled") == 0) {
    out->result.verdict = MV_VM_CANCELLED;
    out->reason = copy_text(co, first + 1);
  } else if (out->count > 1 && lua_istable(co, first + 1)) {
    struct mv_error err = {0};
    if (strcmp(verdict, "duplicate") == 0) {
      out->result.verdict = MV_VM_DUPLICATE;
      out->reason = copy_text(co, first + 2);
    }
    lua_pushvalue(co, first + 1);
    lua_xmove(co, L, 1);
    out->reply = mv_value_read(L, -1, &err);
    if (!out->reply) {
      out->result.verdict = MV_VM_FAILED;
      out->reason = mv_strdup(err.text);
    }
  }
}

static void push_traced(lua_State *L, const struct outcome *out) {
  if (!vm_push_once_trace(L, out->run, out->co, -1)) {
    luaL_traceback(L, out->co, NULL, 0);
  }
  int trace = lua_gettop(L);
  vm_push_error(L, out->co, -1, lua_tostring(L, trace));
  lua_remove(L, trace);
}

static void read_error(lua_State *L, struct outcome *out) {
  out->result.verdict = MV_VM_FAILED;
  if (out->run->doom) { /* the error may be the echo of it */
    lua_pushstring(out->co, out->run->doom);
  } else if (lua_type(out->co, -1) != LUA_TSTRING) {
    vm_watch_text(out->run, true);
  }
  if (out->status == LUA_OK) { /* it caught its end and came back all the same */
    vm_push_error(L, out->co, -1, NULL);
  } else {
    push_traced(L, out);
  }
  out->reason = copy_text(L, -1);
}

/* outcome ->; protected, because texts need Lua's memory */
static int read_outcome(lua_State *L) {
  struct outcome *out = lua_touserdata(L, 1);
  if (out->status == LUA_OK && !out->run->doom) {
    read_return(L, out);
  } else {
    read_error(L, out);
  }
  return 0;
}

/* All if it is done, else only what was done once. */
static void keep_effects(struct outcome *out) {
  enum mv_vm_verdict verdict = out->result.verdict;
  struct vm_run *run = out->run;
  if (verdict == MV_VM_DONE || verdict == MV_VM_CANCELLED) {
    vm_clear_failed(run);
    return;
  }
  json_t *kept = vm_kept_effects(run);
  json_decref(run->effects);
  run->effects = kept;
}

static void tell(struct outcome *out) {
  struct vm_run *run = out->run;
  struct mv_vm *vm = run->vm;
  vm_redact(out->reason, vm->api_key);
  out->result.reason = out->reason;
  out->result.handler = run->handler;
  out->result.reply = out->reply;
  keep_effects(out);
  out->result.effects = run->effects;
  out->result.policy = json_deep_copy(run->policy); /* other threads may get it */
  if (vm->options.finished) {
    vm->options.finished(vm->options.owner, &run->event, &out->result);
  }
  json_decref(out->result.policy);
}

static void ended(struct mv_task *task, lua_State *co, int status, int count, void *owner) {
  (void)task;
  struct vm_run *run = owner;
  struct mv_vm *vm = run->vm;
  if (vm->closing) {
    return; /* vm_forget_runs frees it */
  }
  struct outcome out = {.run = run, .co = co, .status = status, .count = count};
  lua_State *L = vm->L;
  luaL_checkstack(L, 4, NULL);
  lua_pushcfunction(L, read_outcome);
  lua_pushlightuserdata(L, &out);
  int status_of_text = lua_pcall(L, 1, 0, 0);
  if (vm->current) {
    vm_watch_text(run, false);
  }
  if (status_of_text != LUA_OK) { /* a __tostring that fails, or memory */
    const char *text = lua_tostring(L, -1);
    out.result.verdict = MV_VM_FAILED;
    free(out.reason);
    out.reason = mv_strdup(run->doom ? run->doom : text ? text : "an error without a text");
    lua_pop(L, 1);
  }
  luaL_unref(L, LUA_REGISTRYINDEX, run->event_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, run->once_error);
  vm_watch_run(vm, NULL);
  unlink_run(run);
  json_decref(run->overlay); /* it shares values with the effects, which are given away now */
  json_decref(run->once);
  run->overlay = run->once = NULL;
  tell(&out);
  free(out.reason);
  json_decref(out.reply);
  free_run(run);
}

/* Start */

static struct vm_run *new_run(struct mv_vm *vm, const struct mv_vm_event *event) {
  struct vm_run *run = calloc(1, sizeof *run);
  if (!run) {
    return NULL;
  }
  *run = (struct vm_run){.vm = vm, .event = *event, .event_ref = LUA_NOREF, .next = vm->runs};
  run->once_error = LUA_NOREF;
  if (vm->runs) {
    vm->runs->previous = run;
  }
  vm->runs = run;
  vm->run_count++;
  run->started = mv_clock_monotonic(vm->options.clock);
  vm_set_timeout(run, vm->options.wall_limit);
  return run;
}

/* run -> */
static int spawn(lua_State *L) {
  struct vm_run *run = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, run->vm->entries.dispatch);
  run->task = mv_loop_spawn(L, 0, ended, run);
  return 0;
}

int mv_vm_start(struct mv_vm *vm, const struct mv_vm_event *event, struct mv_error *err) {
  struct vm_run *run = new_run(vm, event);
  if (!run) {
    return mv_error_set(err, MV_ERROR_SYSTEM, "not enough memory to run an event");
  }
  lua_pushcfunction(vm->L, spawn);
  lua_pushlightuserdata(vm->L, run);
  if (lua_pcall(vm->L, 1, 0, 0) != LUA_OK) {
    mv_error_set(err, MV_ERROR_SYSTEM, "cannot run an event: %s", lua_tostring(vm->L, -1));
    lua_pop(vm->L, 1);
    unlink_run(run);
    free_run(run);
    return -1;
  }
  return 0;
}

bool mv_vm_cancel(struct mv_vm *vm, int64_t event_id, const char *reason) {
  for (struct vm_run *run = vm->runs; run; run = run->next) {
    if (run->event.id == event_id) {
      vm_doom(run, mv_strdup(reason));
      mv_task_cancel(vm->L, run->task, reason);
      return true;
    }
  }
  return false;
}

json_t *mv_vm_kept(struct mv_vm *vm, int64_t event_id) {
  for (const struct vm_run *run = vm->runs; run; run = run->next) {
    if (run->event.id == event_id) {
      return vm_kept_effects(run);
    }
  }
  return NULL;
}

void mv_vm_step(struct mv_vm *vm, int timeout_ms) {
  mv_loop_step(vm->L, vm->loop, vm_wait_limit(vm, timeout_ms));
  vm_check_walls(vm);
  if (vm->collect) {
    vm->collect = false;
    lua_gc(vm->L, LUA_GCCOLLECT);
  }
}

/* Definitions */

/* slot -> */
static int read_definitions(lua_State *L) {
  json_t **slot = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->entries.definitions);
  lua_call(L, 0, 1);
  struct mv_error err = {0};
  *slot = mv_value_read(L, -1, &err);
  return *slot ? 0 : luaL_error(L, "%s", err.text);
}

/* An empty table cannot tell that it is a list. */
static void make_lists(json_t *definitions) {
  static const char *const lists[] = {"handlers", "hooks", "schedules", "jobs"};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    if (!json_is_array(json_object_get(definitions, lists[i]))) {
      json_object_set_new(definitions, lists[i], json_array());
    }
  }
}

json_t *mv_vm_definitions(struct mv_vm *vm) {
  json_t *definitions = NULL;
  if (vm->entries.definitions != LUA_NOREF) {
    lua_pushcfunction(vm->L, read_definitions);
    lua_pushlightuserdata(vm->L, &definitions);
    if (lua_pcall(vm->L, 1, 0, 0) != LUA_OK) {
      mv_log(vm->options.log, MV_LOG_ERROR, NULL, "definitions: %s", lua_tostring(vm->L, -1));
      lua_pop(vm->L, 1);
    }
  }
  definitions = definitions ? definitions : json_object();
  make_lists(definitions);
  return definitions;
}
