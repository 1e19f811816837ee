/* A worker: one thread with one script VM that runs the events the journal delivers to it. */
#ifndef MV_HOST_WORKER_H
#define MV_HOST_WORKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/journal.h"
#include "host/limiter.h"
#include "host/metrics.h"
#include "host/waiters.h"
#include "lua/vm.h"

struct mv_worker;

/* What all workers of a host share. Outlives them and the journal: a run's last word comes from the
 * journal's thread. */
struct mv_worker_shared {
  struct mv_journal *journal;
  struct mv_waiters *waiters;
  struct mv_limiter *limiter;
  struct mv_metrics *metrics;
  struct mv_log *log;
  struct mv_vm_options vm; /* limits, keys, clock; a worker adds its own callbacks */
  const char *const *scripts;
  void *owner;
  /* worker 0 has loaded the scripts, well or not: the files of their modules (mv_vm_modules). On its
   * thread; NULL: nobody asks */
  void (*loaded)(void *owner, const json_t *modules);
};

/* Starts the thread, which loads the scripts; `index`: as the journal knows the worker. NULL and
 * `err` when that cannot even begin. */
struct mv_worker *mv_worker_start(const struct mv_worker_shared *shared, unsigned index,
                                  struct mv_error *err);

/* Waits until the scripts are loaded. 0, or -1 and the script's error. */
int mv_worker_wait(struct mv_worker *worker, struct mv_error *err);

/* What the scripts registered (mv_vm_definitions); borrowed. After mv_worker_wait. */
json_t *mv_worker_definitions(const struct mv_worker *worker);

/* Hands over events, for good: a list through `node`, in order. From the journal's thread. */
void mv_worker_deliver(struct mv_worker *worker, struct mv_event *events);

/* Stops the run of this claim, if the worker has it. From the journal's thread. */
void mv_worker_cancel(struct mv_worker *worker, int64_t id, int64_t token);

/* Nothing more will be delivered: it ends when what it has is done. Does not wait. */
void mv_worker_drain(struct mv_worker *worker);

/* What has not begun is given back; what runs may go on until `deadline` (ms, monotonic) and is
 * given back then. Does not wait. */
void mv_worker_stop(struct mv_worker *worker, int64_t deadline);

/* Whether the thread has ended, so that mv_worker_free does not wait. */
bool mv_worker_ended(struct mv_worker *worker);

/* Waits for the thread to end (drain or stop first) and frees. NULL is fine. */
void mv_worker_free(struct mv_worker *worker);

/* See mv_vm_stuck. From any thread. */
bool mv_worker_stuck(struct mv_worker *worker, struct mv_vm_stuck *out);

/* Whether it computes without a pause, and will not see for a while what is delivered. From any
 * thread. */
bool mv_worker_busy(struct mv_worker *worker);

size_t mv_worker_running(const struct mv_worker *worker); /* from any thread */
size_t mv_worker_memory(const struct mv_worker *worker);  /* bytes; from any thread */

#endif
