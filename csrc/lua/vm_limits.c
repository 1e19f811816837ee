/* Limits of a run: memory in the allocator, processor time in a count hook, wall time in the step.
 *
 * A run over a limit is doomed: the hook raises its reason at every instruction from then on, so a
 * pcall in the script catches it and fails again at once. One call into C (a string.rep, a pattern)
 * cannot be interrupted; neither can a __gc metamethod, in which Lua runs no hooks. */
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"
#include "lua/vm_state.h"

#define INSTRUCTIONS 10000 /* between two looks at the clock: about 0.1 ms */
#define NS_PER_SECOND 1000000000
#define SEEN_EVERY 10000000 /* ns */

static int64_t read_clock(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static int64_t thread_time(void) {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* From here on processor time counts. To ask for it takes a call of the system, which most runs are
 * over too soon to be worth: the hook asks when it comes to it. */
static void begin_time(struct mv_vm *vm) {
  vm->resumed_at = read_clock(CLOCK_MONOTONIC);
  vm->cpu_started = -1;
  if (vm->resumed_at - vm->cpu_seen_at > SEEN_EVERY) {
    vm->cpu_seen = thread_time();
    vm->cpu_seen_at = vm->resumed_at;
  }
}

/* Processor time since then, ns: first no more than what has passed and what the thread had since it
 * was asked last, from then on exactly. */
static int64_t time_used(struct mv_vm *vm) {
  int64_t now = thread_time();
  if (vm->cpu_started < 0) {
    int64_t passed = read_clock(CLOCK_MONOTONIC) - vm->resumed_at, had = now - vm->cpu_seen;
    vm->cpu_started = now - (passed < had ? passed : had);
  }
  vm->cpu_seen = now;
  vm->cpu_seen_at = vm->resumed_at;
  return now - vm->cpu_started;
}

__attribute__((format(printf, 1, 2))) static char *format(const char *text, ...) {
  va_list args;
  va_start(args, text);
  char *out = NULL;
  int length = vasprintf(&out, text, args);
  va_end(args);
  return length < 0 ? NULL : out;
}

static const char *doom_of(const struct mv_vm *vm) {
  if (vm->exited) {
    return "os.exit";
  }
  return vm->current ? vm->current->doom : vm->load_doom;
}

/* Processor time. A coroutine has the hook of the one that made it, so nested ones are watched too.
 */

static void raise_at_each_step(lua_State *L, const char *reason);

static bool out_of_time(struct mv_vm *vm) {
  double limit = vm->options.cpu_limit * NS_PER_SECOND;
  return limit > 0 && (double)time_used(vm) > limit;
}

static void doom_for_processor(lua_State *L, struct mv_vm *vm) {
  char place[128];
  vm_where(L, place, sizeof place);
  char *reason = format("%s: ran for more than %g s without waiting (the limit on processor time): "
                        "is there a loop that does not end?",
                        place, vm->options.cpu_limit);
  if (vm->current) {
    vm_doom(vm->current, reason);
  } else {
    vm->load_doom = reason;
  }
}

static bool can_be_stopped(const struct mv_vm *vm) {
  return vm->options.host || vm->call || vm->options.cpu_limit > 0 || vm->options.memory_limit > 0;
}

/* From now on nothing that the call runs goes on. */
static void doom_for_interrupt(struct mv_vm *vm) {
  if (vm->call && !vm->load_doom && atomic_load(&vm->interrupted)) {
    vm->load_doom = mv_strdup("interrupted");
  }
}

static void watch(lua_State *L, lua_Debug *ar) {
  (void)ar;
  struct mv_vm *vm = vm_of(L);
  doom_for_interrupt(vm);
  if (!doom_of(vm) && out_of_time(vm)) {
    doom_for_processor(L, vm);
  }
  if (doom_of(vm)) {
    raise_at_each_step(L, doom_of(vm));
  }
}

static void arm(lua_State *L, bool doomed) {
  lua_sethook(L, watch, LUA_MASKCOUNT, doomed ? 1 : INSTRUCTIONS);
}

static void raise_at_each_step(lua_State *L, const char *reason) {
  arm(L, true);
  lua_pushstring(L, reason);
  lua_error(L);
}

void vm_watch_load(struct mv_vm *vm, bool on) {
  vm->loading = on;
  begin_time(vm);
  free(vm->load_doom);
  vm->load_doom = NULL;
  if (on && can_be_stopped(vm)) {
    vm->resumed = vm->L;
    arm(vm->L, false);
  } else {
    vm->resumed = NULL;
    lua_sethook(vm->L, NULL, 0, 0);
  }
}

void vm_watch_script(lua_State *L) {
  struct vm_run *run = vm_of(L)->current;
  if (run && !run->watched) {
    run->watched = true;
    arm(L, run->doom != NULL);
  }
}

void vm_watch_text(struct vm_run *run, bool on) {
  struct mv_vm *vm = run->vm;
  vm->current = on ? run : NULL;
  vm->resumed = on ? vm->L : NULL;
  begin_time(vm);
  if (on) {
    arm(vm->L, false);
  } else {
    lua_sethook(vm->L, NULL, 0, 0);
  }
}

void vm_exit(lua_State *L, int status) {
  struct mv_vm *vm = vm_of(L);
  vm->exited = true;
  vm->exit_status = status;
  arm(vm->L, true);
  raise_at_each_step(L, "os.exit");
}

void vm_doom(struct vm_run *run, char *reason) {
  if (run->doom) {
    free(reason);
    return;
  }
  run->doom = reason ? reason : mv_strdup("stopped");
  if (run->vm->current == run && run->vm->resumed) {
    arm(run->vm->resumed, true);
  }
}

/* Calls the message handler that it stands for, unless the run is at its end: Lua runs no hooks
 * while an error of a hook is handled, so a handler that does not return could not be stopped. */
static int guarded_handler(lua_State *L) {
  if (doom_of(vm_of(L))) {
    return 1;
  }
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

int vm_guard_handler(lua_State *L) {
  if (lua_isfunction(L, 1) && !lua_iscfunction(L, 1)) {
    lua_settop(L, 1);
    lua_pushcclosure(L, guarded_handler, 1);
  }
  return 1;
}

/* Memory */

static bool over_limit(const struct mv_vm *vm, size_t growth) {
  size_t limit = vm->options.memory_limit;
  /* between runs the program itself works on the state: it must not fail half-way */
  return limit && vm->resumed && (vm->memory > limit || growth > limit - vm->memory);
}

/* Lua answers a first refusal with a full collection and asks again: only then is it final. The
 * buffers of the string library do not ask again: a string too large is an error like others. */
static void refuse(struct mv_vm *vm, void *block, size_t size) {
  bool final = vm->refused_size == size && vm->refused_block == block;
  vm->collect = true;
  vm->refused_size = size;
  vm->refused_block = block;
  if (final && vm->current) {
    vm_doom(vm->current, format("not enough memory: the scripts of a worker may use %g MiB",
                                (double)vm->options.memory_limit / (1024 * 1024)));
  }
}

static void *resize(struct mv_vm *vm, void *block, size_t old_size, size_t new_size) {
  if (vm->options.memory) {
    return mv_memory_resize(vm->options.memory, block, new_size);
  }
  return vm_pool_resize(&vm->pool, block, old_size, new_size);
}

static void release(struct mv_vm *vm, void *block, size_t size) {
  if (vm->options.memory) {
    mv_memory_release(vm->options.memory, block);
  } else if (block) {
    vm_pool_release(&vm->pool, block, size);
  }
}

void *vm_allocate(void *owner, void *block, size_t old_size, size_t new_size) {
  struct mv_vm *vm = owner;
  size_t old = block ? old_size : 0; /* without a block it is a type, not a size */
  if (new_size == 0) {
    release(vm, block, old);
    vm->memory -= old;
    return NULL;
  }
  if (new_size > old && over_limit(vm, new_size - old)) {
    refuse(vm, block, new_size);
    return NULL;
  }
  void *grown = resize(vm, block, old, new_size);
  if (grown) {
    vm->memory = vm->memory - old + new_size;
    vm->refused_size = new_size > old ? 0 : vm->refused_size;
  }
  return grown;
}

/* Wall time */

static int64_t now_ms(const struct mv_vm *vm) {
  return mv_clock_monotonic(vm->options.clock);
}

void vm_set_timeout(struct vm_run *run, double seconds) {
  if (seconds <= 0) {
    return;
  }
  run->deadline = run->started + (int64_t)(seconds * 1000);
  if (run->deadline < run->vm->next_wall) {
    run->vm->next_wall = run->deadline;
  }
}

static void end_for_time(struct vm_run *run) {
  char place[128] = "?";
  if (run->co) {
    vm_where(run->co, place, sizeof place);
  }
  char *reason = format("%s: the run took more than %g s (the limit on its time) and was stopped "
                        "while it waited here",
                        place, (double)(run->deadline - run->started) / 1000);
  run->deadline = 0;
  vm_doom(run, reason);
  mv_task_cancel(run->vm->L, run->task, run->doom ? run->doom : "out of time");
}

void vm_check_walls(struct mv_vm *vm) {
  int64_t now = now_ms(vm);
  if (now < vm->next_wall) {
    return;
  }
  int64_t next = INT64_MAX;
  for (struct vm_run *run = vm->runs, *after; run; run = after) {
    after = run->next;
    if (run->deadline && run->deadline <= now) {
      end_for_time(run);
    } else if (run->deadline && run->deadline < next) {
      next = run->deadline;
    }
  }
  vm->next_wall = next;
}

int vm_wait_limit(const struct mv_vm *vm, int timeout_ms) {
  if (vm->next_wall == INT64_MAX) {
    return timeout_ms;
  }
  int64_t left = vm->next_wall - now_ms(vm);
  left = left < 0 ? 0 : left > 60000 ? 60000 : left + 1;
  return timeout_ms >= 0 && timeout_ms < left ? timeout_ms : (int)left;
}

/* Around every resume of a task */

static void before(struct mv_task *task, lua_State *co, void *owner) {
  struct mv_vm *vm = owner;
  struct mv_task *top = task;
  while (mv_task_parent(top)) {
    top = mv_task_parent(top);
  }
  vm->current = mv_task_owner(top);
  if (vm->current && vm->current->task == task) {
    vm->current->co = co;
  }
  vm->resumed = co;
  begin_time(vm);
  vm_watch_run(vm, vm->current);
  if (doom_of(vm)) {
    arm(co, true);
  } else if (can_be_stopped(vm) && (!vm->current || vm->current->watched)) {
    arm(co, false);
  }
}

static void after(struct mv_task *task, lua_State *co, void *owner) {
  (void)task;
  (void)co;
  struct mv_vm *vm = owner;
  if (!vm->loading) {
    free(vm->load_doom);
    vm->load_doom = NULL;
  }
  vm_watch_run(vm, NULL);
  vm->current = NULL;
  vm->resumed = vm->loading ? vm->L : NULL; /* at load a waiting call drives the loop itself */
  if (vm->loading) {
    begin_time(vm);
  }
}

/* A call that waits is interrupted here, one that computes in the hook. */
static void polled(void *owner) {
  struct mv_vm *vm = owner;
  doom_for_interrupt(vm);
  if (vm->call && vm->load_doom) {
    mv_task_cancel(vm->L, vm->call, vm->load_doom);
  }
}

static void called(const char *action, const char *outcome, bool counts, void *owner) {
  const struct mv_vm_options *options = &((struct mv_vm *)owner)->options;
  if (options->called) {
    options->called(options->owner, action, outcome, counts);
  }
}

void vm_limits_install(struct mv_vm *vm) {
  vm->next_wall = INT64_MAX;
  struct mv_loop_hooks hooks = {before, after, polled, called, vm};
  mv_loop_set_hooks(vm->loop, &hooks);
  mv_loop_set_strict(vm->loop, vm->options.host);
  mv_loop_set_clock(vm->loop, vm->options.clock);
}
