/* The loop: one for each Lua state, kept in its registry. */
#include <string.h>

#include "lua/loop_internal.h"

static const char key_loop[] = "mavilua.loop";
static const char key_anchors[] = "mavilua.anchors";

void mv_loop_push_anchors(lua_State *L) {
  mv_registry_get(L, key_anchors);
}

struct mv_loop *mv_loop_peek(lua_State *L) {
  mv_registry_get(L, key_loop);
  struct mv_loop *loop = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return loop && !loop->closed ? loop : NULL;
}

/* The state closes: waits whose own collection comes later must not touch the loop any more. */
static int loop_gc(lua_State *L) {
  struct mv_loop *loop = lua_touserdata(L, 1);
  loop->closed = true;
  while (loop->pending) {
    struct mv_wait *wait = loop->pending;
    loop->pending = wait->next;
    wait->loop = NULL;
  }
  mv_timers_free(&loop->timers);
  mv_attempt_forget(loop);
  mv_transport_free(loop->transport);
  loop->transport = NULL;
  return 0;
}

/* Inside nginx the module waits by nginx's own means; the loop would hold up all of a worker. */
static void check_nginx(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "ngx");
    if (lua_istable(L, -1)) {
      mv_wait_misuse(L,
                     "mavilua.core cannot wait inside nginx, it would hold up all requests of the "
                     "worker: use the functions of require \"mavilua\"");
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static struct mv_loop *loop_new(lua_State *L) {
  struct mv_error err;
  check_nginx(L);
  struct mv_loop *loop = mv_compat_newuserdata(L, sizeof *loop);
  memset(loop, 0, sizeof *loop);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, loop_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_newtable(L);
  loop->spare = lua_newthread(L);
  luaL_ref(L, -2);
  mv_registry_set(L, key_anchors);
  loop->transport = mv_transport_new(&err);
  if (!loop->transport) {
    luaL_error(L, "%s", err.text);
  }
  mv_registry_set(L, key_loop);
  return loop;
}

struct mv_loop *mv_loop_of(lua_State *L) {
  luaL_checkstack(L, 6, "no room to wait");
  mv_registry_get(L, key_loop);
  struct mv_loop *loop = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (loop && loop->closed) {
    luaL_error(L, "the Lua state is closing: nothing can be waited for any more");
  }
  return loop ? loop : loop_new(L);
}

void mv_loop_set_hooks(struct mv_loop *loop, const struct mv_loop_hooks *hooks) {
  loop->hooks = *hooks;
}

void mv_loop_set_strict(struct mv_loop *loop, bool strict) {
  loop->strict = strict;
}

void mv_loop_set_clock(struct mv_loop *loop, const struct mv_clock *clock) {
  loop->clock = clock;
}

struct mv_task *mv_loop_current(struct mv_loop *loop) {
  return loop->current;
}

size_t mv_loop_task_count(const struct mv_loop *loop) {
  return loop->task_count;
}

void mv_loop_wakeup(struct mv_loop *loop) {
  mv_transport_wakeup(loop->transport);
}

static void fire_timers(struct mv_loop *loop) {
  if (!loop->timers.count) {
    return;
  }
  int64_t now = mv_clock_monotonic(loop->clock);
  struct mv_timer *timer;
  while ((timer = mv_timers_take(&loop->timers, now))) {
    mv_wait_done(mv_sleep_of(timer));
  }
}

void mv_loop_poll(struct mv_loop *loop, int timeout_ms, bool idle) {
  int next =
      loop->timers.count ? mv_timers_wait(&loop->timers, mv_clock_monotonic(loop->clock)) : -1;
  if (next >= 0 && (timeout_ms < 0 || next < timeout_ms)) {
    timeout_ms = next;
  }
  (idle ? mv_transport_await : mv_transport_poll)(loop->transport, timeout_ms);
  fire_timers(loop);
  if (loop->hooks.polled) {
    loop->hooks.polled(loop->hooks.owner);
  }
}

static struct mv_task *take_ready(struct mv_loop *loop) {
  struct mv_task *task = loop->first_ready;
  if (task) {
    loop->first_ready = task->next_ready;
    loop->ready_count--;
    task->next_ready = NULL;
  }
  return task;
}

int mv_loop_run_ready(lua_State *L, struct mv_loop *loop) {
  if (!lua_checkstack(L, LUA_MINSTACK)) {
    return 0;
  }
  int resumed = 0;
  loop->depth++;
  /* Tasks that become ready meanwhile run in the next round: none can starve the exchanges. */
  for (size_t left = loop->ready_count; left > 0; left--) {
    struct mv_task *task = take_ready(loop);
    if (!task) {
      break; /* a run inside this one took the rest */
    }
    mv_task_resume(L, task);
    resumed++;
  }
  loop->depth--;
  return resumed;
}

int mv_loop_step(lua_State *L, struct mv_loop *loop, int timeout_ms) {
  int resumed = mv_loop_run_ready(L, loop);
  mv_loop_poll(loop, resumed || loop->first_ready ? 0 : timeout_ms, false);
  return resumed + mv_loop_run_ready(L, loop);
}
