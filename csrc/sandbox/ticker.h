/* The thread that carries the timeline out: as the machine's time passes, or, with a virtual clock,
 * as that is set forward. */
#ifndef MV_SANDBOX_TICKER_H
#define MV_SANDBOX_TICKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/queue.h"

struct mv_sandbox;
struct mv_ticker;

/* What is to become of the clock. Belongs to the thread until `done`. */
struct mv_tick {
  struct mv_node node; /* must be first */
  bool real;           /* back to the machine's time */
  bool has_now;
  int64_t now;     /* ms: virtual, set to this; what lies between is carried out if it is ahead */
  int64_t advance; /* ms: then further by this */
  int64_t fired;   /* set: sends that were carried out */
  struct mv_error error;                           /* set: kind MV_ERROR_NONE when all is well */
  void (*done)(struct mv_tick *tick, int64_t now); /* on the thread; frees. `now`: the clock's */
};

struct mv_ticker *mv_ticker_start(struct mv_sandbox *sandbox, struct mv_error *err);

/* Something was put off, or the clock was changed: looks at the timeline anew. Any thread. */
void mv_ticker_wake(struct mv_ticker *ticker);

/* Any thread. Ticks are carried out one after another. -1 (not taken) once it is closed. */
int mv_ticker_post(struct mv_ticker *ticker, struct mv_tick *tick);

/* Ends the thread; ticks that wait are told so. NULL is fine, here and in free. */
void mv_ticker_close(struct mv_ticker *ticker);
void mv_ticker_free(struct mv_ticker *ticker);

#endif
