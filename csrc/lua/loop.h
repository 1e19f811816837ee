/* The event loop of one Lua state: HTTP exchanges, timers, and tasks, which are coroutines that
 * wait for them. Plain scripts drive it from inside a waiting call; the script VM drives it from C.
 *
 * A waiting call (send, sleep, join) inside a task yields the task's coroutine; outside of tasks it
 * drives the loop until its own wait is over. Inside a task but where no yield is possible (under
 * table.sort, string.gsub, a metamethod, or in a coroutine of the script's own) it blocks the loop,
 * or, when the loop is strict, raises an error that says so. */
#ifndef MV_LUA_LOOP_H
#define MV_LUA_LOOP_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/transport.h"
#include "base/clock.h"

struct mv_loop;
struct mv_task;

/* The state's loop, made on first use and freed with the state. Throws when that fails. */
struct mv_loop *mv_loop_of(lua_State *L);

/* Called on the main state when a task ended: `co` has its results (status LUA_OK, `count` values
 * on top) or its error (on top; luaL_traceback on `co` tells where). The task is forgotten
 * afterwards, and so are `co`'s values. All its subtasks have ended before. Must not throw; may
 * spawn if it protects itself. */
typedef void (*mv_task_end)(struct mv_task *task, lua_State *co, int status, int count,
                            void *owner);

/* Takes a function and `arguments` values from the top of L's stack and makes a task of them that
 * first runs at the next mv_loop_step. Its parent is the task that runs now, if any: when a parent
 * ends or is cancelled, its subtasks are cancelled. Throws when memory is out (nothing is spawned
 * then). With `end` NULL the outcome is kept for core.join. */
struct mv_task *mv_loop_spawn(lua_State *L, int arguments, mv_task_end end, void *owner);

/* Hooks around every resume of a task, for limits: `before` is called with the task's coroutine.
 * `polled` is called after each wait for exchanges and timers: it may cancel tasks. `called` is told
 * of each core.attempt: `outcome` is "ok" or the kind of error, `counts`: against a daily quota. Each
 * may be NULL. */
struct mv_loop_hooks {
  void (*before)(struct mv_task *task, lua_State *co, void *owner);
  void (*after)(struct mv_task *task, lua_State *co, void *owner);
  void (*polled)(void *owner);
  void (*called)(const char *action, const char *outcome, bool counts, void *owner);
  void *owner;
};
void mv_loop_set_hooks(struct mv_loop *loop, const struct mv_loop_hooks *hooks);

/* Whether a waiting call that cannot yield inside a task is an error (true) or blocks (false). */
void mv_loop_set_strict(struct mv_loop *loop, bool strict);

/* The clock for sleep and now; NULL: the machine's. Must outlive the loop. After a jump of an
 * injected clock call mv_loop_wakeup. */
void mv_loop_set_clock(struct mv_loop *loop, const struct mv_clock *clock);

/* Replaces coroutine.resume and coroutine.wrap by ones through which a waiting call in a coroutine
 * of the script's own suspends the whole task. Call once, after the standard library is open and
 * before scripts run. Throws when memory is out. */
void mv_loop_wrap_coroutines(lua_State *L);

/* Runs what is ready; then, if that was nothing, waits up to `timeout_ms` (-1: until something
 * happens) for exchanges and timers, and runs what became ready. `L`: the main state. Returns the
 * number of tasks resumed. Never throws. */
int mv_loop_step(lua_State *L, struct mv_loop *loop, int timeout_ms);

/* Makes a waiting step return; from any thread. */
void mv_loop_wakeup(struct mv_loop *loop);

/* Stops a task: what it waits for is cancelled and it ends with the error `reason`, raised inside
 * it (so that pcall in user code cannot outlive it: a cancelled task that waits again is dropped).
 * One that has not run yet never will. It ends at a later step, not in this call; its subtasks go
 * with it. Harmless on a task that is cancelled already. Never throws. */
void mv_task_cancel(lua_State *L, struct mv_task *task, const char *reason);

/* The task that is running on this loop right now, or NULL. Subtasks (mavilua.map) have a parent.
 */
struct mv_task *mv_loop_current(struct mv_loop *loop);
struct mv_task *mv_task_parent(struct mv_task *task); /* topmost ancestor is the event's task */
void *mv_task_owner(struct mv_task *task);

/* Whether the task that runs now was cancelled. */
bool mv_loop_is_cancelled(const struct mv_loop *loop);

size_t mv_loop_task_count(const struct mv_loop *loop);

/* Puts the loop's functions into the module's core table at index `table`: send, sleep, spawn,
 * join, current, cancel, now. */
void mv_loop_register(lua_State *L, int table);

#endif
