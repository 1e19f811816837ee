/* The workers that run one version of the scripts: started together, ended together. */
#ifndef MV_HOST_GENERATION_H
#define MV_HOST_GENERATION_H

#include "host/worker.h"

struct mv_generation {
  struct mv_generation *next; /* for whoever keeps it */
  struct mv_worker **workers;
  unsigned count;
};

/* Starts `count` workers and waits until all have loaded the scripts. NULL and the script's error. */
struct mv_generation *mv_generation_start(const struct mv_worker_shared *shared, unsigned count,
                                          struct mv_error *err);

/* Stops the run of this claim on whichever worker has it. */
void mv_generation_cancel(struct mv_generation *generation, int64_t id, int64_t token);

/* See mv_worker_busy: all of its workers. */
bool mv_generation_busy(const struct mv_generation *generation);

/* See mv_worker_stuck: of any of its workers. */
bool mv_generation_stuck(struct mv_generation *generation, struct mv_vm_stuck *out);

/* See mv_worker_drain, mv_worker_stop, mv_worker_ended: of all its workers. */
void mv_generation_drain(struct mv_generation *generation);
void mv_generation_stop(struct mv_generation *generation, int64_t deadline);
bool mv_generation_ended(struct mv_generation *generation);

/* Waits for the workers to end, and frees. */
void mv_generation_free(struct mv_generation *generation);

#endif
