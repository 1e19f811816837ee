#include "host/generation.h"

#include <stdlib.h>

static int start_all(struct mv_generation *generation, const struct mv_worker_shared *shared,
                     unsigned count, struct mv_error *err) {
  for (unsigned i = 0; i < count; i++) {
    generation->workers[i] = mv_worker_start(shared, i, err);
    if (!generation->workers[i])
      return -1;
    generation->count++;
  }
  int failed = 0;
  for (unsigned i = 0; i < count; i++)
    failed |= mv_worker_wait(generation->workers[i], failed ? NULL : err);
  return failed;
}

struct mv_generation *mv_generation_start(const struct mv_worker_shared *shared, unsigned count,
                                          struct mv_error *err) {
  struct mv_generation *generation = calloc(1, sizeof *generation);
  if (generation)
    generation->workers = calloc(count, sizeof(struct mv_worker *));
  if (!generation || !generation->workers) {
    free(generation);
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  if (start_all(generation, shared, count, err) == 0)
    return generation;
  mv_generation_stop(generation, 0);
  mv_generation_free(generation);
  return NULL;
}

void mv_generation_cancel(struct mv_generation *generation, int64_t id, int64_t token) {
  for (unsigned i = 0; i < generation->count; i++)
    mv_worker_cancel(generation->workers[i], id, token);
}

bool mv_generation_busy(const struct mv_generation *generation) {
  for (unsigned i = 0; i < generation->count; i++) {
    if (!mv_worker_busy(generation->workers[i]))
      return false;
  }
  return true;
}

bool mv_generation_stuck(struct mv_generation *generation, struct mv_vm_stuck *out) {
  for (unsigned i = 0; i < generation->count; i++) {
    if (mv_worker_stuck(generation->workers[i], out))
      return true;
  }
  return false;
}

void mv_generation_drain(struct mv_generation *generation) {
  for (unsigned i = 0; i < generation->count; i++)
    mv_worker_drain(generation->workers[i]);
}

void mv_generation_stop(struct mv_generation *generation, int64_t deadline) {
  for (unsigned i = 0; i < generation->count; i++)
    mv_worker_stop(generation->workers[i], deadline);
}

bool mv_generation_ended(struct mv_generation *generation) {
  for (unsigned i = 0; i < generation->count; i++) {
    if (!mv_worker_ended(generation->workers[i]))
      return false;
  }
  return true;
}

void mv_generation_free(struct mv_generation *generation) {
  if (!generation)
    return;
  for (unsigned i = 0; i < generation->count; i++)
    mv_worker_free(generation->workers[i]);
  free(generation->workers);
  free(generation);
}
