/* One delivered event on its way through a worker and back into the journal. */
#ifndef MV_HOST_RUN_H
#define MV_HOST_RUN_H

#include "host/worker.h"

struct mv_run {
  struct mv_node node; /* first: the worker's inbox */
  struct mv_run *previous, *next; /* among the worker's running ones */
  const struct mv_worker_shared *with;
  struct mv_event *event;
  struct mv_vm_event view; /* as the VM sees it */
  struct mv_place place;   /* among the runs of its handler */
  struct mv_ask *waits;    /* asked for that place, while it waits for it */
  int64_t started;         /* ms, monotonic; 0: not begun */
  double seconds;
  struct mv_finish_op op;
  char *reason, *handler;          /* behind op's */
  json_t *effects, *policy, *reply; /* references, NULL: none */
};

/* Takes the event over; NULL when memory is out, the event is then the caller's. */
struct mv_run *mv_run_new(const struct mv_worker_shared *with, unsigned worker,
                          struct mv_event *event);
void mv_run_free(struct mv_run *run);

/* The VM is through with it: keeps the result. To be handed in once the VM has let go of its own
 * references, for the journal's thread drops these. */
void mv_run_keep(struct mv_run *run, const struct mv_vm_result *result);

/* Gives the kept result to the journal, which ends the run and frees it. */
void mv_run_finish(struct mv_run *run);

/* It could not be started: a failed attempt. */
void mv_run_fail(struct mv_run *run, const char *reason);

/* It goes back as if it had never been delivered. */
void mv_run_release(struct mv_run *run);

#endif
