/* Waiting calls. Each is two C functions with a line of Lua between: `finish(start(...), ...)`.
 * `start` begins the wait and yields our sign; the loop resumes with the wait's userdata, and
 * `finish` makes the results of it. So results are made inside the task, where errors are caught,
 * and no continuation is needed, which LuaJIT has not. */
#include <stdarg.h>
#include <string.h>

#include "lua/loop_internal.h"

static const char key_meta[] = "mavilua.wait";

#define DEEPEST 16 /* blocking joins inside each other: each is a run of the loop on the C stack   \
                    */

static const char cannot_wait[] =
    "cannot wait here: this runs inside a function of C (table.sort, string.gsub, a metamethod, "
    "require, an iterator of a library); call the API before or after it";
static const char cannot_wait_nested[] =
    "cannot wait inside a coroutine of your own here; call the API from the handler itself";

/* the userdata */

static int wait_gc(lua_State *L) {
  struct mv_wait *wait = lua_touserdata(L, 1);
  if (wait->task && wait->task->wait == wait) {
    wait->task->wait = NULL;
  }
  mv_wait_stop(wait);
  if (wait->type->free) {
    wait->type->free(wait);
  }
  return 0;
}

static void push_meta(lua_State *L) {
  mv_registry_get(L, key_meta);
  if (lua_istable(L, -1)) {
    return;
  }
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, wait_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  mv_registry_set(L, key_meta);
}

struct mv_wait *mv_wait_new(lua_State *L, const struct mv_wait_type *type, size_t size) {
  struct mv_wait *wait = mv_compat_newuserdata(L, size);
  memset(wait, 0, size);
  wait->type = type;
  push_meta(L);
  lua_setmetatable(L, -2);
  return wait;
}

static struct mv_wait *wait_at(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) {
    return NULL;
  }
  mv_registry_get(L, key_meta);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same ? lua_touserdata(L, index) : NULL;
}

/* pending, done, stopped */

void mv_wait_begin(struct mv_loop *loop, struct mv_wait *wait) {
  wait->loop = loop;
  wait->next = loop->pending;
  if (wait->next) {
    wait->next->previous = wait;
  }
  loop->pending = wait;
}

static void unlink_pending(struct mv_wait *wait) {
  if (wait->next) {
    wait->next->previous = wait->previous;
  }
  if (wait->previous) {
    wait->previous->next = wait->next;
  } else {
    wait->loop->pending = wait->next;
  }
  wait->loop = NULL;
  wait->next = wait->previous = NULL;
}

void mv_wait_done(struct mv_wait *wait) {
  if (wait->loop) {
    unlink_pending(wait);
  }
  wait->done = true;
  if (wait->task && wait->task->state == TASK_WAITING) {
    mv_task_make_ready(wait->task);
  }
}

void mv_wait_stop(struct mv_wait *wait) {
  if (!wait->loop) {
    return;
  }
  if (wait->type->stop) {
    wait->type->stop(wait);
  }
  unlink_pending(wait);
}

/* where to wait */

/* Puts "bot.lua:7: " on the stack: the script's line, above those of the Lua inside the program. */
static void push_place(lua_State *L) {
  lua_Debug ar;
  int level = 2; /* above the line of Lua between the halves */
  while (lua_getstack(L, level, &ar) && lua_getinfo(L, "S", &ar) &&
         (*ar.what == 'C' || strncmp(ar.source, "=mavilua", 8) == 0)) {
    level++;
  }
  luaL_where(L, level);
}

int mv_wait_misuse(lua_State *L, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  push_place(L);
  lua_pushstring(L, text);
  lua_concat(L, 2);
  lua_error(L);
  __builtin_unreachable();
}

static bool can_yield(lua_State *L, const struct mv_loop *loop) {
  return (L == loop->current->co || loop->wrapped) && lua_isyieldable(L);
}

bool mv_wait_possible(lua_State *L, const struct mv_loop *loop) {
  return loop->current && can_yield(L, loop);
}

static int yield_sign(lua_State *L, struct mv_loop *loop) {
  lua_pushlightuserdata(L, loop);
  return lua_yield(L, 1);
}

bool mv_wait_enter(lua_State *L, struct mv_loop *loop) {
  mv_task_check(L, loop);
  return !loop->current || !loop->current->told;
}

int mv_wait_drop(lua_State *L, struct mv_loop *loop) {
  if (can_yield(L, loop)) {
    return yield_sign(L, loop); /* without a wait: the loop ends the task */
  }
  lua_pushstring(L, loop->current->reason ? loop->current->reason : "cancelled");
  return lua_error(L);
}

static int suspend(lua_State *L, struct mv_loop *loop, struct mv_wait *wait) {
  struct mv_task *task = loop->current;
  if (task->wait) { /* its sign never reached the loop: the script swallowed it */
    mv_wait_stop(mv_task_take_wait(L, task));
    lua_pop(L, 1);
  }
  mv_loop_push_anchors(L);
  lua_pushvalue(L, -2);
  wait->ref = luaL_ref(L, -2);
  wait->task = task;
  task->wait = wait;
  return yield_sign(L, loop);
}

/* A call lets a pending debug hook run: that is how lua's Ctrl-C interrupts a script. */
static int no_operation(lua_State *L) {
  (void)L;
  return 0;
}

static bool nothing_left(const struct mv_loop *loop) {
  return !loop->first_ready && !loop->timers.count && !mv_transport_active(loop->transport);
}

static bool cut_off(const struct mv_loop *loop) {
  return loop->current && loop->current->cancelled && !loop->current->told;
}

void mv_wait_block(lua_State *L, struct mv_loop *loop, struct mv_wait *wait) {
  bool run = !loop->current || wait->type->runs_others;
  if (loop->current && run && loop->depth > DEEPEST) {
    luaL_error(L, "blocking joins are nested more than %d deep", DEEPEST);
  }
  luaL_checkstack(L, LUA_MINSTACK, "no room to wait");
  while (!wait->done && !cut_off(loop)) {
    if (run && mv_loop_run_ready(L, loop) && (wait->done || cut_off(loop))) {
      break;
    }
    if (run && nothing_left(loop)) {
      luaL_error(L, "this would wait for ever: the task waited for waits for this one");
    }
    mv_loop_poll(loop, run && loop->first_ready ? 0 : -1, true);
    if (!wait->done) {
      lua_pushcfunction(L, no_operation);
      lua_call(L, 0, 0);
    }
  }
}

int mv_wait_here(lua_State *L, struct mv_loop *loop, struct mv_wait *wait) {
  if (wait->done) {
    return 1;
  }
  if (mv_wait_possible(L, loop)) {
    return suspend(L, loop, wait);
  }
  if (loop->current && loop->strict) {
    mv_wait_stop(wait);
    return mv_wait_misuse(L, "%s", lua_isyieldable(L) ? cannot_wait_nested : cannot_wait);
  }
  mv_wait_block(L, loop, wait);
  return 1;
}

int mv_wait_finish(lua_State *L) {
  struct mv_wait *wait = wait_at(L, 1);
  struct mv_loop *loop = mv_loop_peek(L);
  if (!wait || !loop) {
    return luaL_error(L, "a waiting coroutine was resumed by the script");
  }
  mv_task_check(L, loop);
  if (!wait->done) {
    return mv_wait_misuse(L, "%s", wait->refused ? cannot_wait : "the wait was cut off");
  }
  return wait->type->results(L, wait);
}

/* sleep */

struct sleep {
  struct mv_wait wait;
  struct mv_timer timer;
};

struct mv_wait *mv_sleep_of(struct mv_timer *timer) {
  return &((struct sleep *)((char *)timer - offsetof(struct sleep, timer)))->wait;
}

static void sleep_stop(struct mv_wait *wait) {
  mv_timers_remove(&wait->loop->timers, &((struct sleep *)wait)->timer);
}

static int sleep_results(lua_State *L, struct mv_wait *wait) {
  (void)L;
  (void)wait;
  return 0;
}

static const struct mv_wait_type sleep_type = {sleep_stop, sleep_results, NULL, false};

/* sleep(seconds): lets others run meanwhile; 0 only lets them run. */
int mv_sleep_start(lua_State *L) {
  const double longest = 100.0 * 365 * 86400;
  int known = lua_type(L, 1) == LUA_TNUMBER;
  double seconds = known ? (double)lua_tonumber(L, 1) : 0;
  if (!known || isnan(seconds)) {
    return mv_wait_misuse(L, "sleep takes a number of seconds, not %s",
                          known ? "NaN" : luaL_typename(L, 1));
  }
  seconds = seconds < 0 ? 0 : seconds > longest ? longest : seconds;
  struct mv_loop *loop = mv_loop_of(L);
  if (!mv_wait_enter(L, loop)) {
    return mv_wait_drop(L, loop);
  }
  struct sleep *sleep = (struct sleep *)mv_wait_new(L, &sleep_type, sizeof *sleep);
  int64_t due = mv_clock_monotonic(loop->clock) + (int64_t)ceil(seconds * 1000);
  if (mv_timers_add(&loop->timers, &sleep->timer, due)) {
    return mv_wait_misuse(L, "not enough memory for a timer");
  }
  mv_wait_begin(loop, &sleep->wait);
  return mv_wait_here(L, loop, &sleep->wait);
}
