/* Tasks: coroutines that the loop runs. A task is anchored when it is spawned and let go of in one
 * place, `conclude`. Nothing here throws except where a header says so. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lua/loop_internal.h"

static const char key_meta[] = "mavilua.task";

/* making */

static int task_gc(lua_State *L) {
  struct mv_task *task = lua_touserdata(L, 1);
  free(task->reason);
  task->reason = NULL;
  return 0;
}

static int task_tostring(lua_State *L) {
  lua_pushfstring(L, "mavilua.task: %p", lua_touserdata(L, 1));
  return 1;
}

static void push_meta(lua_State *L) {
  mv_registry_get(L, key_meta);
  if (lua_istable(L, -1)) {
    return;
  }
  lua_pop(L, 1);
  lua_createtable(L, 0, 3);
  lua_pushcfunction(L, task_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, task_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  mv_registry_set(L, key_meta);
}

struct mv_task *mv_task_at(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) {
    return NULL;
  }
  mv_registry_get(L, key_meta);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same ? lua_touserdata(L, index) : NULL;
}

void mv_task_push(lua_State *L, struct mv_task *task) {
  mv_loop_push_anchors(L);
  lua_rawgeti(L, -1, task->ref);
  lua_remove(L, -2);
}

static void link_child(struct mv_task *parent, struct mv_task *task) {
  task->parent = parent;
  if (!parent) {
    return;
  }
  task->next_sibling = parent->first_child;
  if (task->next_sibling) {
    task->next_sibling->previous_sibling = task;
  }
  parent->first_child = task;
}

static void unlink_child(struct mv_task *task) {
  if (task->next_sibling) {
    task->next_sibling->previous_sibling = task->previous_sibling;
  }
  if (task->previous_sibling) {
    task->previous_sibling->next_sibling = task->next_sibling;
  } else if (task->parent) {
    task->parent->first_child = task->next_sibling;
  }
  task->parent = NULL;
}

struct mv_task *mv_loop_spawn(lua_State *L, int arguments, mv_task_end end, void *owner) {
  struct mv_loop *loop = mv_loop_of(L);
  int base = lua_gettop(L) - arguments; /* the function */
  luaL_checkstack(L, 8, "no room for a task");
  struct mv_task *task = mv_compat_newuserdata(L, sizeof *task);
  memset(task, 0, sizeof *task);
  push_meta(L);
  lua_setmetatable(L, -2);
  task->co = lua_newthread(L);
  mv_compat_tie(L, -2);
  if (!lua_checkstack(task->co, arguments + 2)) {
    luaL_error(L, "not enough memory for the arguments of a task");
  }
  mv_loop_push_anchors(L);
  lua_insert(L, -2);
  task->ref = luaL_ref(L, -2);
  lua_pop(L, 1);
  lua_xmove(L, task->co, arguments + 1);
  lua_settop(L, base - 1);
  task->loop = loop;
  task->arguments = arguments;
  task->end = end;
  task->owner = owner;
  link_child(loop->current, task);
  loop->task_count++;
  mv_task_make_ready(task);
  return task;
}

struct mv_task *mv_task_parent(struct mv_task *task) {
  return task->parent;
}

void *mv_task_owner(struct mv_task *task) {
  return task->owner;
}

void mv_task_make_ready(struct mv_task *task) {
  struct mv_loop *loop = task->loop;
  task->state = TASK_READY;
  task->next_ready = NULL;
  if (loop->first_ready) {
    loop->last_ready->next_ready = task;
  } else {
    loop->first_ready = task;
  }
  loop->last_ready = task;
  loop->ready_count++;
}

/* cancelling */

static void cancel_children(struct mv_task *task, const char *reason) {
  for (struct mv_task *child = task->first_child; child; child = child->next_sibling) {
    mv_task_cancel(NULL, child, reason);
  }
}

void mv_task_cancel(lua_State *L, struct mv_task *task, const char *reason) {
  (void)L;
  if (task->cancelled || task->state >= TASK_CLOSING) {
    return;
  }
  task->cancelled = true;
  task->reason = mv_strdup(reason ? reason : "cancelled");
  cancel_children(task, reason);
  if (task->state == TASK_WAITING) {
    mv_wait_stop(task->wait);
    mv_task_make_ready(task);
  }
}

bool mv_loop_is_cancelled(const struct mv_loop *loop) {
  return loop->current && loop->current->cancelled;
}

static const char *reason_of(const struct mv_task *task) {
  return task->reason ? task->reason : "cancelled";
}

void mv_task_check(lua_State *L, struct mv_loop *loop) {
  struct mv_task *task = loop->current;
  if (task && task->cancelled && !task->told) {
    task->told = true;
    lua_pushstring(L, reason_of(task));
    lua_error(L);
  }
}

/* ending */

/* Pushes what a join of a failed task gives beside false: {error, traceback}. Protected. */
static int make_failure(lua_State *L) {
  struct mv_task *task = lua_touserdata(L, 1);
  lua_State *co = lua_touserdata(L, 2);
  luaL_checkstack(L, 6, "not enough memory");
  if (!lua_checkstack(co, 1)) {
    return luaL_error(L, "not enough memory");
  }
  lua_createtable(L, 2, 0);
  lua_pushvalue(co, -1);
  lua_xmove(co, L, 1);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  luaL_traceback(L, co, text, 0);
  lua_rawseti(L, -3, 2);
  if (text && !task->cancelled) {
    lua_rawgeti(L, -2, 2);
    lua_replace(L, -2);
  }
  lua_rawseti(L, -2, 1);
  return 1;
}

/* Puts the failure beside the task, for joins; `co` has the error on top. */
static void keep_failure(lua_State *L, struct mv_task *task, lua_State *co) {
  mv_task_push(L, task);
  lua_pushcfunction(L, make_failure);
  lua_pushlightuserdata(L, task);
  lua_pushlightuserdata(L, co);
  lua_pcall(L, 2, 1, 0); /* when memory is out: the message that says so */
  mv_compat_retie(L, -2);
  lua_pop(L, 1);
  task->failed = true;
}

static void end_joins(struct mv_task *task) {
  while (task->joiners) {
    struct join *join = task->joiners;
    task->joiners = join->next;
    join->target = NULL;
    mv_wait_done(&join->wait);
  }
}

static void tell_end(lua_State *L, struct mv_task *task, lua_State *co) {
  struct mv_task *current = task->loop->current;
  task->loop->current = NULL;
  if (lua_gettop(co) < task->count) {
    lua_settop(co, task->count); /* the script closed the coroutine: it had room for as many */
  }
  if (task->end) {
    task->end(task, co, task->status, task->count, task->owner);
  } else if (task->status != LUA_OK) {
    keep_failure(L, task, co);
  }
  task->loop->current = current;
}

/* The one place where a task is let go of. `co` has its values: its coroutine, or L when that is
 * not ours any more. */
static void conclude(lua_State *L, struct mv_task *task, lua_State *co) {
  struct mv_loop *loop = task->loop;
  task->state = TASK_ENDED;
  task->told = task->cancelled; /* what is closed now may not be disturbed again */
  tell_end(L, task, co);
  if (task->status != LUA_OK && co == task->co) {
    struct mv_task *current = loop->current;
    loop->current = task;
    mv_compat_close(co, L);
    loop->current = current;
  }
  end_joins(task);
  loop->task_count--;
  mv_loop_push_anchors(L);
  luaL_unref(L, -1, task->ref);
  lua_pop(L, 1);
  free(task->reason);
  task->reason = NULL;
}

/* Concludes a task whose function is over, or has it wait for its subtasks; then, likewise, the
 * parents that waited for it. */
static void finish(lua_State *L, struct mv_task *task, lua_State *co) {
  while (task && !task->first_child) {
    struct mv_task *parent = task->parent;
    /* `co` may go with its anchor; the userdata stays until the next collection: keep it here */
    mv_task_push(L, task);
    unlink_child(task);
    conclude(L, task, co);
    lua_pop(L, 1);
    task = parent && parent->state == TASK_CLOSING ? parent : NULL;
    co = task ? task->co : NULL;
  }
  if (task) {
    task->state = TASK_CLOSING;
    cancel_children(task, "cancelled: the task that spawned it ended");
  }
}

static int push_text(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1));
  return 1;
}

/* The subtasks of a task that cannot wait for them. */
static void orphan_children(struct mv_task *task) {
  while (task->first_child) {
    unlink_child(task->first_child);
  }
}

/* Ends a task that is not to be resumed any more with an error of ours. */
static void fail(lua_State *L, struct mv_task *task, const char *text) {
  bool ours = task->arguments >= 0 || lua_status(task->co) == LUA_YIELD;
  lua_State *co = ours ? task->co : task->loop->spare;
  lua_pushcfunction(L, push_text);
  lua_pushlightuserdata(L, (void *)(uintptr_t)text);
  lua_pcall(L, 1, 1, 0); /* text, or the message that memory is out */
  lua_settop(co, 0);
  lua_xmove(L, co, 1);
  task->status = LUA_ERRRUN;
  task->count = 1;
  if (!ours) {
    cancel_children(task, text);
    orphan_children(task);
  }
  finish(L, task, co);
}

/* running */

struct mv_wait *mv_task_take_wait(lua_State *L, struct mv_task *task) {
  struct mv_wait *wait = task->wait;
  task->wait = NULL;
  wait->task = NULL;
  mv_loop_push_anchors(L);
  lua_rawgeti(L, -1, wait->ref);
  lua_insert(L, -2);
  luaL_unref(L, -1, wait->ref);
  lua_pop(L, 1);
  return wait;
}

static void drop_wait(lua_State *L, struct mv_task *task) {
  if (task->wait) {
    mv_wait_stop(mv_task_take_wait(L, task));
    lua_pop(L, 1);
  }
}

/* Whether the values on `co` are our sign for "suspend me", which only the loop hands out. */
static bool is_sign(struct mv_loop *loop, lua_State *co, int count) {
  return count == 1 && lua_islightuserdata(co, -1) && lua_touserdata(co, -1) == loop;
}

static void suspended(lua_State *L, struct mv_task *task, int count) {
  bool sign = is_sign(task->loop, task->co, count);
  lua_pop(task->co, count);
  if (sign && task->wait && !task->told) {
    if (task->wait->done || task->cancelled) {
      mv_task_make_ready(task); /* it was over before the yield arrived here */
    } else {
      task->state = TASK_WAITING;
    }
    return;
  }
  drop_wait(L, task);
  fail(L, task,
       task->told ? reason_of(task)
                  : "coroutine.yield outside of a coroutine of your own: nobody would resume it");
}

/* Arguments for the next resume, put on `co`; -1 when the coroutine is not ours any more. */
static int prepare(lua_State *L, struct mv_task *task) {
  int arguments = task->arguments;
  task->arguments = -1;
  if (arguments >= 0) {
    return arguments;
  }
  mv_wait_stop(mv_task_take_wait(L, task));
  if (lua_status(task->co) != LUA_YIELD) {
    lua_pop(L, 1);
    return -1;
  }
  lua_xmove(L, task->co, 1); /* in the place of the sign */
  return 1;
}

static int run(lua_State *L, struct mv_task *task, int arguments, int *count) {
  struct mv_loop *loop = task->loop;
  struct mv_task *current = loop->current;
  task->state = TASK_RUNNING;
  loop->current = task;
  if (loop->hooks.before) {
    loop->hooks.before(task, task->co, loop->hooks.owner);
  }
  int status = mv_compat_resume(task->co, L, arguments, count);
  if (loop->hooks.after) {
    loop->hooks.after(task, task->co, loop->hooks.owner);
  }
  loop->current = current;
  return status;
}

void mv_task_resume(lua_State *L, struct mv_task *task) {
  if (task->cancelled && task->arguments >= 0) {
    fail(L, task, reason_of(task));
    return;
  }
  int count, arguments = prepare(L, task);
  if (arguments < 0) {
    fail(L, task, "the coroutine of this task was resumed or closed by the script");
    return;
  }
  int status = run(L, task, arguments, &count);
  if (status == LUA_YIELD) {
    suspended(L, task, count);
    return;
  }
  drop_wait(L, task);
  task->status = status;
  task->count = count;
  finish(L, task, task->co);
}

/* outcome */

static int push_results(lua_State *L, struct mv_task *task) {
  luaL_checkstack(L, task->count + 1, "too many results of a task");
  if (lua_gettop(task->co) < task->count || !lua_checkstack(task->co, 1)) {
    return luaL_error(L, "the results of the task are lost: its coroutine was closed");
  }
  lua_pushboolean(L, 1);
  int first = lua_gettop(task->co) - task->count + 1;
  for (int i = 0; i < task->count; i++) {
    lua_pushvalue(task->co, first + i); /* one by one: stacks are small before 5.2 */
    lua_xmove(task->co, L, 1);
  }
  return task->count + 1;
}

int mv_task_push_outcome(lua_State *L, int handle) {
  struct mv_task *task = lua_touserdata(L, handle);
  if (!task->failed) {
    return push_results(L, task);
  }
  lua_pushboolean(L, 0);
  mv_compat_get_tied(L, handle);
  if (lua_istable(L, -1)) {
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    lua_remove(L, -3);
  } else {
    lua_pushnil(L);
  }
  return 3;
}
