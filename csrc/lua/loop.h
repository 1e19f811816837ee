/* The event loop of one Lua state: HTTP exchanges, timers, and tasks, which are coroutines that wait
 * for them. Plain scripts drive it from inside a waiting call; the script VM drives it from C. */
#ifndef MV_LUA_LOOP_H
#define MV_LUA_LOOP_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/transport.h"

struct mv_loop;
struct mv_task;

/* The state's loop, made on first use and freed with the state. Throws when that fails. */
struct mv_loop *mv_loop_of(lua_State *L);

/* Called on the main state when a task ended: `co` has its results (status LUA_OK, `count` values on
 * top) or its error (on top). The task is forgotten afterwards. Must not throw. */
typedef void (*mv_task_end)(struct mv_task *task, lua_State *co, int status, int count, void *owner);

/* Takes a function and `arguments` values from the top of L's stack and makes a task of them that
 * first runs at the next mv_loop_step. */
struct mv_task *mv_loop_spawn(lua_State *L, int arguments, mv_task_end end, void *owner);

/* Hooks around every resume of a task, for limits: `before` is called with the task's coroutine. */
struct mv_loop_hooks {
  void (*before)(struct mv_task *task, lua_State *co, void *owner);
  void (*after)(struct mv_task *task, lua_State *co, void *owner);
  void *owner;
};
void mv_loop_set_hooks(struct mv_loop *loop, const struct mv_loop_hooks *hooks);

/* Runs what is ready, then waits up to `timeout_ms` (-1: until something happens) for exchanges and
 * timers. `L`: the main state. Returns the number of tasks resumed. */
int mv_loop_step(lua_State *L, struct mv_loop *loop, int timeout_ms);

/* Makes a waiting step return; from any thread. */
void mv_loop_wakeup(struct mv_loop *loop);

/* Stops a task: what it waits for is cancelled and it ends with the error `reason`, raised inside it
 * (so that pcall in user code cannot outlive it: a cancelled task that waits again is dropped). */
void mv_task_cancel(lua_State *L, struct mv_task *task, const char *reason);

/* The task that is running on this loop right now, or NULL. Subtasks (mavilua.map) have a parent. */
struct mv_task *mv_loop_current(struct mv_loop *loop);
struct mv_task *mv_task_parent(struct mv_task *task); /* topmost ancestor is the event's task */
void *mv_task_owner(struct mv_task *task);

size_t mv_loop_task_count(const struct mv_loop *loop);

/* luaL_Reg entries of the loop for the module's core table: send, sleep, spawn, join, now. */
void mv_loop_register(lua_State *L, int table);

#endif
