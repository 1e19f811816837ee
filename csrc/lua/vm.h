/* The script VM: one Lua 5.4 state that runs user scripts, and for the host their handlers, each
 * event in its own coroutine. Opaque on purpose: the host never sees lua.h.
 *
 * One thread at a time uses a VM; only mv_vm_wakeup may be called from others. */
#ifndef MV_LUA_VM_H
#define MV_LUA_VM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

struct mv_vm;

/* An event as its handler is to see it. Strings and body stay the caller's until `finished`. */
struct mv_vm_event {
  int64_t id;
  int attempt;         /* from 1 */
  const char *source;  /* "webhook", "hook", "schedule", "job", "report" */
  const char *name;    /* hook, schedule or job name; "" for platform webhooks */
  const char *key;     /* ordering key or NULL */
  int64_t accepted_at; /* ms */
  int64_t due_at;      /* ms; a schedule's planned moment */
  const char *body;    /* raw bytes as received; a job's or moment's arguments as JSON */
  size_t body_length;
  const char *meta; /* JSON object: method, path, query, headers, content_type …; or NULL */
  void *owner;      /* the caller's */
};

enum mv_vm_verdict {
  MV_VM_DONE,      /* handled, or no handler wanted it */
  MV_VM_FAILED,    /* error: an attempt is used up */
  MV_VM_RETRY,     /* the handler asked for another attempt after `delay` */
  MV_VM_DEAD,      /* the handler gave it up */
  MV_VM_CANCELLED, /* the handler does not want it */
  MV_VM_DUPLICATE, /* it has not run: another event is the same; `reply` is what that one got */
  MV_VM_LATER,     /* it has not run: there was no place for it; again after `delay` */
};

struct mv_vm_result {
  enum mv_vm_verdict verdict;
  double delay;        /* seconds, MV_VM_RETRY and MV_VM_LATER */
  const char *reason;  /* error with traceback, or the handler's reason; NULL when done */
  const char *handler; /* its name for logs and metrics, e.g. "message@shop.lua:12"; NULL if none */
  json_t *reply;       /* a hook's {status, headers, json, body}; borrowed; NULL: none */
  json_t *effects;     /* borrowed array of what is to be committed with the completion, in order, or NULL:
                          {"op":"kv_set","key":…,"value":…,"ttl":seconds?} {"op":"kv_delete","key":…}
                          {"op":"kv_add","key":…,"by":n}
                          {"op":"job","name":…,"args":…,"due":ms,"key":…,"id":unique?}
                          {"op":"webhook","id":…,"key":…,"due":ms,"body":…}
                          {"op":"once","key":…,"value":…} {"op":"once_clear","key":…}: of these
                          results that are known, and of those that failed; on failure only they */
  json_t *policy;      /* borrowed; the handler's options: attempts, max_age, on_fail; or NULL */
};

struct mv_vm_options {
  const struct mv_clock *clock;
  struct mv_log *log;
  const struct mv_memory *memory; /* of the Lua state; NULL: the C library's. Outlives the VM */
  size_t memory_limit;            /* bytes; 0: none */
  double cpu_limit;               /* seconds without yielding; 0: none */
  double wall_limit;              /* seconds a run may take; 0: none */
  const char *api_key, *base_url, *ca_file; /* defaults of mavilua.client in this VM; NULL:
                                               environment */
  const char *const *args;        /* what follows the script on its command line, NULL-terminated;
                                     NULL: nothing. `arg[0]` is the path given to mv_vm_load */
  /* a plain script's require "mavilua.program"(name, arguments): a new reference, or NULL and
   * `err`; NULL: there is no such module */
  json_t *(*program)(void *owner, const char *name, const json_t *arguments, struct mv_error *err);
  /* a plain script's print: the line, without its end; NULL: standard output */
  void (*print)(void *owner, const char *line, size_t length);
  bool fed;                       /* a plain script's handlers get webhooks from standard input */
  bool host;                      /* `require "mavilua.host"` works; print becomes a log line */
  void *owner;                    /* handed to the functions below */
  /* an event ended; on the VM's thread, inside mv_vm_step */
  void (*finished)(void *owner, const struct mv_vm_event *event, const struct mv_vm_result *result);
  /* the committed value of a key as new JSON reference, NULL when absent; on the VM's thread */
  json_t *(*kv_get)(void *owner, const char *key, struct mv_error *err);
  /* the stored result of `once`: 0 absent, 1 present (*value new reference) */
  int (*once_get)(void *owner, const char *key, json_t **value, struct mv_error *err);
  /* asks for what a commit must hold before the run goes on; mv_vm_answer follows with the ticket,
   * unless the VM is freed. 0, or -1 and `err`: it does not. `question` is borrowed. NULL: there is
   * nobody to ask, the answer is an empty object */
  int (*ask)(void *owner, const struct mv_vm_event *event, json_t *question, uint64_t ticket,
             struct mv_error *err);
  /* whether a webhook of this message id has been accepted: 1, 0, or -1 and `err` */
  int (*known)(void *owner, const char *id, struct mv_error *err);
  /* a handler's options as they are registered: 0, or -1 and `err`, which is raised at the script's
   * line; NULL: anything goes */
  int (*policy_check)(void *owner, const json_t *policy, struct mv_error *err);
  /* the module called the API: `outcome` is "ok" or the kind of error; `counts` against the daily
   * quota. NULL: nobody asks */
  void (*called)(void *owner, const char *action, const char *outcome, bool counts);
  void (*retried)(void *owner, const char *action); /* the call will be repeated; or NULL */
  /* a registration (host.on …) is wrong: told with its place, and the script goes on; NULL: it is
   * raised there. For checking scripts. */
  void (*fault)(void *owner, const char *text);
  /* a handler was chosen: why it is not to be called (the event is dead), or NULL; NULL: it is */
  const char *(*refuse)(void *owner, const struct mv_vm_event *event, const json_t *policy);
};

struct mv_vm *mv_vm_new(const struct mv_vm_options *options, struct mv_error *err);

/* Frees all; runs under way are dropped without `finished`. */
void mv_vm_free(struct mv_vm *vm);

/* Runs a script file ("-": standard input) to its end (plain script: `mavilua run`; host: it
 * registers handlers). 0, or -1 and `err` with file, line and message. A plain script that called
 * os.exit has ended well too: see mv_vm_exit_status. */
int mv_vm_load(struct mv_vm *vm, const char *path, struct mv_error *err);

/* The same with Lua source that is in memory; `name` ("rules.lua") stands for the file's. */
int mv_vm_load_text(struct mv_vm *vm, const char *name, const char *text, size_t length,
                    struct mv_error *err);

/* The same with a module inside the program ("mavilua.cli.call"): calls the function it returns
 * with the arguments. */
int mv_vm_run_module(struct mv_vm *vm, const char *module, struct mv_error *err);

/* Calls the function `name` of the module inside the program with `text`, in a task of its own, and
 * waits for its end. `answer`: what it returned, as a new reference; NULL: it is not wanted. 0; -1 and
 * `err`; 1 when it was interrupted or has called os.exit. A plain VM's, one call at a time. */
int mv_vm_call(struct mv_vm *vm, const char *module, const char *name, const char *text,
               size_t length, json_t **answer, struct mv_error *err);

/* Ends the call that is under way, whether it waits or computes; from any thread. Without one it does
 * nothing. */
void mv_vm_interrupt(struct mv_vm *vm);

/* Whether the plain script has called os.exit. */
bool mv_vm_exited(const struct mv_vm *vm);

/* The error of the last load that failed, whole and with its traceback; NULL: none. */
const char *mv_vm_trace(const struct mv_vm *vm);

/* What the plain script gave to os.exit; 0 when it did not call it. */
int mv_vm_exit_status(const struct mv_vm *vm);

/* What the scripts registered, for intake, schedules and `mavilua check`; new reference:
 * {"handlers":[{"name","event","match","file","line","options"}],
 *  "hooks":[{"name","secret","key","dedupe","file","line"}],
 *  "schedules":[{"name","kind":"cron"|"every","expression","timezone","overlap","missed","jitter","expect","file","line"}],
 *  "jobs":[{"name","file","line"}], "reports":[{"name","file","line"}]} (host.on_dead) */
json_t *mv_vm_definitions(struct mv_vm *vm);

/* The files of modules beside the scripts that were asked for so far, found or broken: an array of
 * paths; borrowed. */
const json_t *mv_vm_modules(const struct mv_vm *vm);

/* Starts an event's run; it moves at the next mv_vm_step. 0, or -1 when memory is out. */
int mv_vm_start(struct mv_vm *vm, const struct mv_vm_event *event, struct mv_error *err);

/* Stops an event's run: it fails with `reason`. False when no such event is under way. */
bool mv_vm_cancel(struct mv_vm *vm, int64_t event_id, const char *reason);

/* The answer to options.ask; NULL: `err` tells why there is none. Harmless when nobody waits for it
 * any more. */
void mv_vm_answer(struct mv_vm *vm, uint64_t ticket, const json_t *answer,
                  const struct mv_error *err);

/* The effects that an event under way would keep if it failed now: a new array, or NULL. */
json_t *mv_vm_kept(struct mv_vm *vm, int64_t event_id);

/* Runs what is ready, waits up to `timeout_ms` for more (-1: until woken). */
void mv_vm_step(struct mv_vm *vm, int timeout_ms);

void mv_vm_wakeup(struct mv_vm *vm); /* from any thread */

/* A run that has had the thread for longer than its limit allows: what it called is not Lua, which
 * would have been stopped, and cannot be interrupted. */
struct mv_vm_stuck {
  int64_t event;
  int attempt;
  char handler[128];
  double seconds, limit;
};

/* Whether there is one that was not told yet. From any thread. */
bool mv_vm_stuck(struct mv_vm *vm, struct mv_vm_stuck *out);

size_t mv_vm_running(const struct mv_vm *vm); /* events under way */
size_t mv_vm_memory(const struct mv_vm *vm);  /* bytes in use by Lua */

#endif
