/* What the files of the loop share: loop.c (the loop), task.c (tasks), wait.c (waiting calls,
 * sleep), send.c (HTTP exchanges), tasklib.c (the functions that scripts call). */
#ifndef MV_LUA_LOOP_INTERNAL_H
#define MV_LUA_LOOP_INTERNAL_H

#include "base/timers.h"
#include "lua/compat.h"
#include "lua/loop.h"

struct mv_wait;

/* A kind of waiting. */
struct mv_wait_type {
  void (*stop)(struct mv_wait *wait); /* takes back what is under way; NULL: nothing to do */
  int (*results)(lua_State *L, struct mv_wait *wait); /* pushes the call's results, when done */
  void (*free)(struct mv_wait *wait); /* frees what the wait holds; may be called twice */
  bool runs_others; /* blocking inside a task, it can only end if other tasks run */
};

/* One wait: the head of a userdata that is made by a waiting call. Anchored by its task while that
 * is suspended, by the caller's stack when the caller blocks. */
struct mv_wait {
  const struct mv_wait_type *type;
  struct mv_loop *loop;            /* while pending; NULL when it is over or the loop is gone */
  struct mv_task *task;            /* suspended for it; NULL: a blocking caller */
  struct mv_wait *previous, *next; /* all pending ones, so that the loop can let go of them */
  int ref;                         /* the anchor while a task is suspended for it */
  bool done;                       /* the results are there */
  bool refused;                    /* it turned out that the task cannot be suspended here */
};

enum task_state {
  TASK_READY,   /* in the ready queue */
  TASK_RUNNING, /* on the C stack now */
  TASK_WAITING, /* suspended until `wait` is over */
  TASK_CLOSING, /* its function is over, its subtasks are not */
  TASK_ENDED,
};

/* Lives in a userdata that ties the coroutine; anchored until it ended. */
struct mv_task {
  struct mv_loop *loop;
  lua_State *co;
  int ref;       /* the anchor */
  int arguments; /* on `co` with the function before the first run; -1 after that */
  enum task_state state;
  struct mv_task *next_ready;
  struct mv_task *parent, *first_child, *next_sibling, *previous_sibling;
  struct mv_wait *wait; /* what it is suspended for */
  struct join *joiners; /* waits for its end */
  mv_task_end end;      /* NULL: the outcome is kept in the coroutine or beside it */
  void *owner;
  char *reason;         /* why it was cancelled */
  bool cancelled, told; /* told: the reason has been raised inside it */
  bool failed;          /* ended: the tied value is {error, traceback} instead of the coroutine */
  int status, count;    /* how its function ended, and the values on `co` */
};

struct join {
  struct mv_wait wait;
  struct mv_task *target; /* NULL once it ended */
  struct join *next;
};

struct mv_loop {
  struct mv_transport *transport;
  struct mv_timers timers;
  const struct mv_clock *clock;
  struct mv_loop_hooks hooks;
  struct mv_task *first_ready, *last_ready;
  size_t ready_count, task_count;
  struct mv_task *current;
  lua_State *spare; /* holds the error of a task whose coroutine is not ours any more */
  struct mv_wait *pending;
  struct mv_json_hints **hints; /* of the answers of each action; see attempt.c */
  int spare_attempts;           /* see attempt.c */
  int depth;                    /* of runs inside each other */
  bool strict;                  /* a wait that cannot yield is an error */
  bool wrapped;                 /* the script's own coroutines hand waits up */
  bool closed;                  /* the state is closing */
};

/* loop.c */

/* The loop if it was made already, or NULL. */
struct mv_loop *mv_loop_peek(lua_State *L);

/* Pushes the table that keeps suspended things alive. Allocates nothing. */
void mv_loop_push_anchors(lua_State *L);

/* Resumes the tasks that are ready now, once each; their number. */
int mv_loop_run_ready(lua_State *L, struct mv_loop *loop);

/* Waits for exchanges and timers up to `timeout_ms` (-1: until one is over). `idle`: the thread has
 * nothing else to do. */
void mv_loop_poll(struct mv_loop *loop, int timeout_ms, bool idle);

/* attempt.c: frees the hints. */
void mv_attempt_forget(struct mv_loop *loop);

/* tasklib.c */

/* table[name] = a waiting call that begins with `start`; `table` is no index from the top. */
void mv_loop_add_waiting(lua_State *L, int table, const char *name, lua_CFunction start);

/* The same with a text of its own between: a function of start and finish that makes the call. */
void mv_loop_add_call(lua_State *L, int table, const char *name, lua_CFunction start,
                      const char *text);

/* task.c */

void mv_task_make_ready(struct mv_task *task);
void mv_task_resume(lua_State *L, struct mv_task *task);

/* Raises the reason inside a cancelled task; returns when it is not, or has been told. */
void mv_task_check(lua_State *L, struct mv_loop *loop);

/* Pushes true and the results of an ended task, or false, error, traceback; returns their number.
 * `handle`: the task's userdata. Throws when memory is out. */
int mv_task_push_outcome(lua_State *L, int handle);

/* Takes the wait off a task and pushes its userdata; what it waits for goes on. */
struct mv_wait *mv_task_take_wait(lua_State *L, struct mv_task *task);

struct mv_task *mv_task_at(lua_State *L, int index);   /* or NULL when it is none */
void mv_task_push(lua_State *L, struct mv_task *task); /* its userdata, while it has not ended */

/* wait.c */

/* Pushes a zeroed userdata of `size` bytes that starts with a wait. */
struct mv_wait *mv_wait_new(lua_State *L, const struct mv_wait_type *type, size_t size);

/* The start of every waiting call, before anything is acquired: raises when the task was cancelled.
 * False when it was told so before: `return mv_wait_drop(L, loop)` then. */
bool mv_wait_enter(lua_State *L, struct mv_loop *loop);
int mv_wait_drop(lua_State *L, struct mv_loop *loop);

/* From now on the wait is pending: what it waits for is under way. */
void mv_wait_begin(struct mv_loop *loop, struct mv_wait *wait);

/* The end of every waiting call: `return mv_wait_here(L, loop, wait)` with its userdata on top. */
int mv_wait_here(lua_State *L, struct mv_loop *loop, struct mv_wait *wait);

/* Whether mv_wait_here would suspend the task. */
bool mv_wait_possible(lua_State *L, const struct mv_loop *loop);

/* Drives the loop until the wait is over or the running task is cancelled. May throw. */
void mv_wait_block(lua_State *L, struct mv_loop *loop, struct mv_wait *wait);

/* The results are there: whoever waits goes on. */
void mv_wait_done(struct mv_wait *wait);

/* Ends a pending wait without results. Harmless on one that is over. */
void mv_wait_stop(struct mv_wait *wait);

/* Raises a misuse of a waiting call at the line of its caller. */
int mv_wait_misuse(lua_State *L, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* The wait whose timer this is. */
struct mv_wait *mv_sleep_of(struct mv_timer *timer);

/* send.c: pushes nil and {kind, message, sent} of an exchange that failed; returns 2. */
int mv_send_push_failure(lua_State *L, const struct mv_exchange *exchange);

/* The halves of waiting calls: start begins the wait and suspends, finish pushes the results. */
int mv_sleep_start(lua_State *L);
int mv_send_start(lua_State *L);
int mv_wait_finish(lua_State *L);

#endif
