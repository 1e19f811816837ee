/* What scripts see of the loop: the functions of the core table. */
#include <string.h>

#include "lua/loop_internal.h"

static struct mv_task *check_task(lua_State *L, const char *what) {
  struct mv_task *task = mv_task_at(L, 1);
  if (!task) {
    luaL_error(L, "%s takes a task (what core.spawn returns), not %s", what, luaL_typename(L, 1));
  }
  return task;
}

/* join */

static void join_stop(struct mv_wait *wait) {
  struct join *join = (struct join *)wait;
  if (!join->target) {
    return;
  }
  struct join **link = &join->target->joiners;
  while (*link && *link != join) {
    link = &(*link)->next;
  }
  if (*link) {
    *link = join->next;
  }
  join->target = NULL;
}

/* The handle is the call's first argument, behind the wait. */
static int join_results(lua_State *L, struct mv_wait *wait) {
  (void)wait;
  return mv_task_push_outcome(L, 2);
}

static const struct mv_wait_type join_type = {join_stop, join_results, NULL, true};

/* Whether `task` waits, by joins, for `other`. */
static bool waits_for(const struct mv_task *task, const struct mv_task *other) {
  while (task && task != other) {
    bool joins = task->wait && task->wait->type == &join_type;
    task = joins ? ((const struct join *)task->wait)->target : NULL;
  }
  return task != NULL;
}

static void check_join(lua_State *L, struct mv_loop *loop, struct mv_task *target) {
  if (loop->current && waits_for(target, loop->current)) {
    mv_wait_misuse(L, target == loop->current
                          ? "a task cannot join itself"
                          : "this would wait for ever: the task to join waits for this one");
  }
}

/* join(task) -> true, results… | false, error, traceback */
static int join_start(lua_State *L) {
  struct mv_task *target = mv_task_at(L, 1);
  if (!target) {
    return mv_wait_misuse(L, "join takes a task (what spawn returns), not %s", luaL_typename(L, 1));
  }
  struct mv_loop *loop = mv_loop_of(L);
  if (!mv_wait_enter(L, loop)) {
    return mv_wait_drop(L, loop);
  }
  check_join(L, loop, target);
  struct join *join = (struct join *)mv_wait_new(L, &join_type, sizeof *join);
  if (target->state == TASK_ENDED) {
    join->wait.done = true;
    return 1;
  }
  join->target = target;
  join->next = target->joiners;
  target->joiners = join;
  mv_wait_begin(loop, &join->wait);
  return mv_wait_here(L, loop, &join->wait);
}

/* the others */

/* spawn(fn, …) -> task */
static int spawn(lua_State *L) {
  if (!lua_isfunction(L, 1)) {
    return luaL_error(L, "spawn takes a function, not %s", luaL_typename(L, 1));
  }
  struct mv_loop *loop = mv_loop_of(L);
  mv_task_check(L, loop);
  struct mv_task *task = mv_loop_spawn(L, lua_gettop(L) - 1, NULL, NULL);
  mv_task_push(L, task);
  return 1;
}

/* current() -> task | nil */
static int current(lua_State *L) {
  struct mv_loop *loop = mv_loop_peek(L);
  if (!loop || !loop->current || loop->current->state == TASK_ENDED) {
    lua_pushnil(L);
  } else {
    mv_task_push(L, loop->current);
  }
  return 1;
}

/* cancel(task, reason) */
static int cancel(lua_State *L) {
  struct mv_task *task = check_task(L, "cancel");
  mv_task_cancel(L, task, luaL_optstring(L, 2, "cancelled"));
  return 0;
}

/* can_yield() -> whether the caller's coroutine can be suspended here */
static int can_yield(lua_State *L) {
  lua_pushboolean(L, lua_isyieldable(L));
  return 1;
}

/* now() -> seconds that never go back */
static int now(lua_State *L) {
  struct mv_loop *loop = mv_loop_peek(L);
  lua_pushnumber(L, (lua_Number)mv_clock_monotonic(loop ? loop->clock : NULL) / 1000);
  return 1;
}

/* time() -> seconds since 1970, with their fraction */
static int wall_time(lua_State *L) {
  struct mv_loop *loop = mv_loop_peek(L);
  lua_pushnumber(L, (lua_Number)mv_clock_wall(loop ? loop->clock : NULL) / 1000);
  return 1;
}

static const char waiting_call[] = "local start, finish = ...\n"
                                   "return function(...) return finish(start(...), ...) end\n";

void mv_loop_add_call(lua_State *L, int table, const char *name, lua_CFunction start,
                      const char *text) {
  if (luaL_loadbuffer(L, text, strlen(text), "=mavilua")) {
    lua_error(L);
  }
  lua_pushcfunction(L, start);
  lua_pushcfunction(L, mv_wait_finish);
  lua_call(L, 2, 1);
  lua_setfield(L, table, name);
}

void mv_loop_add_waiting(lua_State *L, int table, const char *name, lua_CFunction start) {
  mv_loop_add_call(L, table, name, start, waiting_call);
}

void mv_loop_register(lua_State *L, int table) {
  static const luaL_Reg functions[] = {
      {"spawn", spawn},    {"current", current},     {"cancel", cancel}, {"now", now},
      {"time", wall_time}, {"can_yield", can_yield}, {NULL, NULL},
  };
  table = lua_absindex(L, table);
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
  mv_loop_add_waiting(L, table, "sleep", mv_sleep_start);
  mv_loop_add_waiting(L, table, "join", join_start);
  mv_loop_add_waiting(L, table, "send", mv_send_start);
}
