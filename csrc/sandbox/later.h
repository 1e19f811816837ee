/* What waits without holding a server thread: answers that are delayed, and calls that wait for
 * something to happen. One thread carries them out. */
#ifndef MV_SANDBOX_LATER_H
#define MV_SANDBOX_LATER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/queue.h"
#include "base/timers.h"

struct mv_later;

/* Embedded in the caller's struct, which belongs to the thread until `run`. */
struct mv_later_job {
  struct mv_node node; /* must be first */
  struct mv_timer timer;
  int64_t delay; /* ms from the posting on, after which it is run at the latest */
  /* NULL, or whether it can be run now: asked when it is posted and after each mv_later_poke. */
  bool (*ready)(struct mv_later_job *job);
  void (*run)(struct mv_later_job *job); /* once, on the thread; frees the job */
  struct mv_later_job *next, **slot;     /* among those that have `ready` */
};

struct mv_later *mv_later_start(struct mv_error *err);

/* Any thread. -1 (not taken) once it is closed. */
int mv_later_post(struct mv_later *later, struct mv_later_job *job);

/* Something changed that a `ready` may ask for. Any thread; costs nothing when none waits. */
void mv_later_poke(struct mv_later *later);

/* Runs all that waits, takes no more, and ends the thread. NULL is fine, here and in free. */
void mv_later_close(struct mv_later *later);
void mv_later_free(struct mv_later *later);

#endif
