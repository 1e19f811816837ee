/* The journal: the one door of all events, and the one thread that writes.
 *
 * It takes all waiting operations, makes one transaction of them, and when that is on disk calls
 * each operation's `done` (group commit): what was acknowledged is never lost. In the same
 * transaction it claims due events for workers with room and delivers them after the commit; due
 * retries and jobs need no other clock.
 *
 * Operations are the caller's memory: zero the struct, fill the inputs, hand it in; it is the
 * journal's until `done` was called, on the journal's thread. `done` may free it or use it again;
 * it must not wait. It is called before the event that an accept brought is delivered. Any thread
 * may hand in. */
#ifndef MV_HOST_JOURNAL_H
#define MV_HOST_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/queue.h"
#include "host/metrics.h"
#include "lua/vm.h"
#include "store/store.h"

struct mv_journal;

/* A longer reply to a hook is not kept for duplicates; bytes of its JSON. */
#define MV_JOURNAL_REPLY_LIMIT 65536

/* What all operations have. */
struct mv_op {
  struct mv_node node; /* first: the queue's */
  int kind, weight;    /* the journal's */
  bool failed;         /* out: nothing happened; `error` says why */
  /* until `done` returns; NULL: none. BUSY: locked, stopping; SYSTEM: disk full, broken: try again
   * later */
  const struct mv_error *error;
  void (*done)(struct mv_op *op); /* NULL: nobody asks */
};

/* A new event. Retry-After and 503 are for `failed`; 200 for the rest. */
struct mv_accept_op {
  struct mv_op op;
  struct mv_event *event; /* in: from mv_event_new; taken over on success (then NULL), else the caller's */
  int64_t id;             /* out: its id, or that of the event it duplicates */
  bool duplicate;         /* out */
  bool open;              /* out, of a hook's duplicate: the event's end can be waited for */
  json_t *reply;          /* out, likewise: what its first sender was answered; a new reference, or NULL */
};

/* The end of a run. Never `failed` for a full disk: it is kept and tried again until it is written;
 * after mv_journal_stop it is `failed` and the event will run again. */
struct mv_finish_op {
  struct mv_op op;
  struct mv_event *event; /* as delivered; stays the caller's, who frees it in `done` */
  unsigned worker;        /* as delivered: its room is free again */
  bool release;           /* not run or broken off by a stop: back as it was, costs no attempt */
  enum mv_vm_verdict verdict;
  double delay;           /* seconds, MV_VM_RETRY; with `release`: it is not to come again before */
  const char *reason, *handler; /* borrowed until `done` */
  /* borrowed until `done`: take a reference of the VM's. With `release` results of `once` only */
  const json_t *effects, *policy;
  const json_t *reply;    /* to the sender, kept for who sends the same again; borrowed; or NULL */
  bool stale;             /* out: the claim was lost; nothing was changed */
  enum mv_event_state state; /* out: what became of it */
  int64_t due_at;         /* out: of the next attempt, if retryable */
};

/* A planned moment of a schedule. */
struct mv_moment_op {
  struct mv_op op;
  const char *schedule; /* borrowed until `done` */
  int64_t moment;       /* ms */
  enum mv_overlap overlap;
  const char *skip;       /* a reason: the moment will not run; NULL: it does */
  struct mv_event *event; /* as in mv_accept_op; NULL with `skip` */
  struct mv_moment_result result; /* out */
};

/* Anything else that needs the store: replay, cancel, schedules, queries that must see it all. */
struct mv_call_op {
  struct mv_op op;
  /* inside the transaction; -1 and `err`: op.failed (what it wrote before failing stays, so check
   * first, then write). New due times reach dispatch through *wake_at. */
  int (*call)(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
              struct mv_error *err);
  void *context;
};

struct mv_journal_options {
  struct mv_store_options store;
  struct mv_store_limits limits; /* what is pruned when */
  const struct mv_clock *clock;  /* NULL: the machine's */
  struct mv_log *log;
  struct mv_metrics *metrics;    /* gets latency and size of the commits; NULL: nobody asks */
  unsigned workers, concurrency; /* concurrency 0: 256 */
  unsigned max_batch;            /* operations in a transaction; 0: 1024 */
  bool paused;                   /* starts without delivering, until mv_journal_pause(…, false) */
  void *owner;
  /* hands events over for good: a list through `node`, in order; on the journal's thread. Must not
   * wait. The worker ends each with mv_journal_finish, and frees it after that. */
  void (*deliver)(void *owner, unsigned worker, struct mv_event *events);
  /* the run of this claim is to be stopped (cancelled, superseded); on the journal's thread, after
   * the event was delivered. Its end comes through mv_journal_finish like any other's. NULL: runs
   * go on to their end, and are cancelled then. */
  void (*stop)(void *owner, int64_t id, int64_t token);
  /* whether no worker would get to a new event soon, as all of them compute. On the journal's
   * thread; must not wait. NULL: no */
  bool (*busy)(void *owner);
  /* on the journal's thread, between transactions: every 30 s at least, every second after one that
   * failed. Must not wait. NULL: nobody wants to know. */
  void (*beat)(void *owner, struct mv_journal *journal);
};

/* Opens the store, recovers what ran when the last process died, starts the thread. NULL, `err`. */
struct mv_journal *mv_journal_start(const struct mv_journal_options *options, struct mv_error *err);

/* Refuses new operations, does all that wait, no longer claims, ends the thread. Call once the
 * workers have ended: what is still running in the store is given back without costing an attempt.
 * Afterwards readers are to be closed and the journal freed with mv_journal_free. */
void mv_journal_stop(struct mv_journal *journal);
void mv_journal_free(struct mv_journal *journal); /* stops if need be; NULL is fine */

/* Hand in an operation; `done` follows in every case: on the journal's thread, or, when the journal
 * has been stopped (op.failed, BUSY), on the caller's before the function returns. */
void mv_journal_accept(struct mv_journal *journal, struct mv_accept_op *op);
void mv_journal_finish(struct mv_journal *journal, struct mv_finish_op *op);
void mv_journal_moment(struct mv_journal *journal, struct mv_moment_op *op);
void mv_journal_call(struct mv_journal *journal, struct mv_call_op *op);

/* Calls and waits; not from the journal's thread. 0, or -1 and `err`. */
int mv_journal_call_wait(struct mv_journal *journal,
                         int (*call)(struct mv_store *store, void *context, int64_t now,
                                     int64_t *wake_at, struct mv_error *err),
                         void *context, struct mv_error *err);

/* Accepts and waits; not from the journal's thread. Takes the event over in any case. 0, or -1 and
 * `err`. */
int mv_journal_accept_wait(struct mv_journal *journal, struct mv_event *event, int64_t *id,
                           bool *duplicate, struct mv_error *err);

/* The clock may have jumped: look at what is due. From any thread. */
void mv_journal_tick(struct mv_journal *journal);

/* While paused nothing new is delivered (reload, stop); accepting goes on. Returns when no delivery
 * can be under way any more. Not from the journal's thread. */
void mv_journal_pause(struct mv_journal *journal, bool paused);

/* A reader of the store for a worker's kv_get and once_get, or the admin's lists; see store.h. Close
 * it before mv_journal_free. */
struct mv_store *mv_journal_reader(struct mv_journal *journal, struct mv_error *err);

/* Leaves word for other processes where this host can be asked; see mv_store_tell. Any thread. */
void mv_journal_tell(struct mv_journal *journal, const char *text);

/* When the last event before the start was accepted, ms; 0: there was none. */
int64_t mv_journal_last_accepted(const struct mv_journal *journal);

/* Since the start. */
struct mv_journal_metrics {
  uint64_t accepted, duplicates, refused; /* refused: accepts that failed */
  uint64_t done, retried, dead, skipped, cancelled, released, stale;
  uint64_t jobs, moments;          /* accepted from effects; moment rows */
  uint64_t commits, failed_commits, operations; /* operations / commits = the mean batch */
  uint64_t largest_batch;
  uint64_t commit_us;              /* the sum; with `commits` the mean latency */
  uint64_t commit_us_max;
  uint64_t running;                /* now, on the workers */
  uint64_t waiting;                /* operations in the queue now */
  int64_t recovered, poisoned;     /* at the start */
  int64_t states[MV_EVENT_STATES]; /* depth: events in the store by state */
  int64_t next_due;                /* ms; MV_STORE_NEVER */
};
void mv_journal_metrics(struct mv_journal *journal, struct mv_journal_metrics *out); /* any thread */

#endif
