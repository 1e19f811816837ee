/* What the files of the script VM share. Private to csrc/lua/vm*.c. */
#ifndef MV_LUA_VM_STATE_H
#define MV_LUA_VM_STATE_H

#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lua/json_direct.h"
#include "lua/loop.h"
#include "lua/vm.h"
#include "lua/vm_pool.h"

/* Registry references of the functions that mavilua.host hands over when it is loaded. */
struct vm_entries {
  int dispatch;    /* function(): runs the current event's handler; returns verdict, … */
  int definitions; /* function(): the table of what was registered */
};

struct mv_vm {
  struct mv_vm_options options;
  char *api_key, *base_url, *ca_file; /* owned copies behind the options' */
  lua_State *L;             /* the main state, kept from creation */
  struct mv_loop *loop;
  struct vm_entries entries;

  struct vm_pool pool; /* without a base where the options name a memory */
  size_t memory;       /* bytes Lua has */
  size_t refused_size; /* the growth that was refused last; 0: none. Asked for again it is final */
  void *refused_block;
  bool collect; /* memory was refused: collect when the step is over */

  struct mv_json_hints hints; /* of the events' bodies */

  struct vm_run *runs; /* under way, newest first */
  size_t run_count;
  struct vm_run *current; /* whose coroutine runs right now, or NULL */
  lua_State *resumed;     /* the coroutine that the loop resumed, or the loading main state; NULL */
  int64_t resumed_at;     /* ns, monotonic: when it was resumed */
  int64_t cpu_started;    /* ns of thread time at that moment; -1: the hook has not asked yet */
  int64_t cpu_seen;       /* ns of thread time when it was asked last, */
  int64_t cpu_seen_at;    /* and about when that was, ns, monotonic */
  int64_t next_wall;      /* no run is due before this moment (ms, monotonic) */

  pthread_mutex_t watched_lock; /* guards what follows, and the handler's name of each run */
  struct vm_run *watched;       /* of a host's: as `current` */
  int64_t watched_since;        /* ms, monotonic; when it was resumed */
  bool watched_told;            /* since then it was told as stuck */

  struct vm_ask *asks; /* without an answer yet */
  uint64_t last_ticket;

  struct mv_task *call;    /* of mv_vm_call, while it has not ended; NULL: none is under way */
  atomic_bool interrupted; /* it is to end */

  bool loading;    /* a script's main chunk runs, or a call */
  char *load_doom; /* why it may not go on, or NULL */
  bool exited;     /* the script called os.exit */
  int exit_status;
  char *trace;  /* the last load's error with its traceback */
  json_t *folders, *modules; /* arrays: where scripts lie; files of modules in there */
  bool closing; /* the state is going down: ends of tasks are not told */
};

/* One event under way. */
struct vm_run {
  struct vm_run *next, *previous;
  struct mv_vm *vm;
  struct mv_vm_event event;
  struct mv_task *task;
  lua_State *co;    /* the task's coroutine once it ran; valid while the task lives */
  bool watched;     /* it has come to the script */
  int64_t started;  /* ms, monotonic */
  int64_t deadline; /* ms, monotonic; 0: none */
  char *doom;       /* why it may not go on: raised again and again until the coroutine is dead */
  char *handler;    /* its name, once chosen */
  const json_t *policy; /* its options or NULL; the VM's */
  /* made when there is something to put in, else NULL: most runs leave nothing behind */
  json_t *effects;  /* array, in order */
  json_t *overlay;  /* object: the run's own kv writes; null where it deleted */
  json_t *once;     /* object: the run's own `once` results */
  json_t *begun;    /* object: key -> "begun", "failed", "unknown" */
  char *once_trace; /* where the error came from that left a `once` last; or NULL */
  int once_error;   /* that error, in the registry */
  int event_ref;    /* the event's table in the registry, LUA_NOREF before it is made */
};

/* The VM of any of its coroutines. */
struct mv_vm *vm_of(lua_State *L);

/* vm_trace.c */
/* "shop.lua:12" of the innermost frame of user code into `out`; "?" when there is none. */
void vm_where(lua_State *L, char *out, size_t size);
/* Pushes the error value at `index` of `co` as text, with the lines of the traceback (NULL: none)
 * that are about the script. Throws when memory is out. */
void vm_push_error(lua_State *L, lua_State *co, int index, const char *trace);
/* Replaces the API key in a text, in place. Both may be NULL. */
void vm_redact(char *text, const char *secret);
/* Message handler for lua_pcall: makes text with a traceback of any error. */
int vm_traceback(lua_State *L);

/* vm_limits.c */
void *vm_allocate(void *vm, void *block, size_t old_size, size_t new_size);
void vm_limits_install(struct mv_vm *vm);
void vm_watch_load(struct mv_vm *vm, bool on);
/* The run that calls comes to what the script may have written: from here on it is watched. Before
 * that only the program's own Lua runs, which ends by itself and calls nothing of the script's. */
void vm_watch_script(lua_State *L);
/* While an error of the run is made text on the main state: its __tostring stands under the run's
 * limits like the rest of the script. */
void vm_watch_text(struct vm_run *run, bool on);
/* Ends the script with an error that it cannot catch; its status is vm->exit_status. No return. */
void vm_exit(lua_State *L, int status);
/* guard(handler): the same handler for xpcall, silent when the run is at its end. */
int vm_guard_handler(lua_State *L);
/* Takes over `reason`, which may be NULL (memory is out): the run will not outlive it. */
void vm_doom(struct vm_run *run, char *reason);
/* Cancels the runs whose time is over. */
void vm_check_walls(struct mv_vm *vm);
/* How long a step may wait (ms, -1: for ever) so that no run outlives its time unnoticed. */
int vm_wait_limit(const struct mv_vm *vm, int timeout_ms);
void vm_set_timeout(struct vm_run *run, double seconds);

/* vm_stuck.c */
/* From now on this run has the thread; NULL: none. */
void vm_watch_run(struct mv_vm *vm, struct vm_run *run);
/* Takes over the name of the handler that was chosen. */
void vm_name_handler(struct vm_run *run, char *handler);

/* vm_host.c */
/* The module mavilua.host.native. */
int vm_open_native(lua_State *L);
/* The module mavilua.host.log: the function that writes a line. */
int vm_open_log(lua_State *L);

/* vm_program.c */
/* The module mavilua.program. */
int vm_open_program(lua_State *L);

/* vm_effects.c */
/* Adds the functions of keys and values and jobs to the table on top of the stack. */
void vm_register_effects(lua_State *L);
/* The run that calls; throws when there is none. */
struct vm_run *vm_check_run(lua_State *L);
/* nil and a text: Lua raises it where the script called. */
int vm_fail(lua_State *L, const char *text);
/* Appends to the run's effects and takes `effect` over; 0 or -1, also for NULL. */
int vm_append_effect(struct vm_run *run, json_t *effect);
/* Sets a member of one of the run's objects, which is made if need be; takes `value` over. */
void vm_note(json_t **object, const char *key, json_t *value);
/* Adds an effect with the string at `index` as key; the rest is the caller's. NULL: no UTF-8. */
json_t *vm_add_effect(lua_State *L, struct vm_run *run, const char *op, int index);

/* vm_once.c */
/* Adds the functions of `once` to the table on top of the stack. */
void vm_register_once(lua_State *L);
/* What stays of the effects when a run fails: a new array. */
json_t *vm_kept_effects(const struct vm_run *run);
/* Adds the effects that say which of what began has failed. */
void vm_clear_failed(struct vm_run *run);
/* Pushes the traceback that belongs to the error at `index` of `co`, if it came out of a `once`. */
bool vm_push_once_trace(lua_State *L, struct vm_run *run, lua_State *co, int index);

/* vm_ask.c */
/* Adds ask(question) to the table on top of the stack. */
void vm_register_ask(lua_State *L);

/* vm_events.c */
void vm_forget_runs(struct mv_vm *vm);

#endif
