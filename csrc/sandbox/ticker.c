#include "sandbox/ticker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "sandbox/inside.h"
#include "sandbox/timeline.h"
#include "sandbox/work.h"

enum {
  MOST_IN_ONE = 64,    /* sends between which others get their turn at the database */
  LONGEST_WAIT = 5000, /* ms; the machine's clock may be set while we wait */
  AFTER_FAILURE = 1000 /* ms */
};

struct mv_ticker {
  pthread_t thread;
  struct mv_sandbox *sandbox;
  struct mv_queue inbox;
  atomic_bool closing;
};

static bool is_virtual(struct mv_ticker *ticker) {
  return atomic_load(&ticker->sandbox->vclock.is_virtual);
}

/* Carries out the earliest send that is due until `until` in a transaction of its own. 1, 0 when
 * there is none, or -1. */
static int fire_one(struct mv_ticker *ticker, int64_t until, struct mv_error *err) {
  struct mv_work work;
  mv_work_begin_as(&work, ticker->sandbox, MV_WORK_DATA);
  bool virtually = is_virtual(ticker);
  bool fired = mv_timeline_fire(&work, until, !virtually);
  if (fired && virtually) {
    mv_vclock_set(&ticker->sandbox->vclock, work.now);
    mv_vclock_save(&ticker->sandbox->vclock, work.db);
  }
  if (mv_work_end(&work, fired, err)) {
    return -1;
  }
  return fired;
}

/* Others wait for the database while we go on and on: a moment without the lock lets them in. */
static void give_way(void) {
  const struct timespec moment = {.tv_nsec = 20000};
  nanosleep(&moment, NULL);
}

/* All that is due until `until`, in order. 0 or -1. */
static int fire(struct mv_ticker *ticker, int64_t until, int64_t *count, struct mv_error *err) {
  int result = 1;
  for (int64_t i = 1; result > 0 && !atomic_load(&ticker->closing); i++) {
    result = fire_one(ticker, until, err);
    *count += result > 0;
    if (i % MOST_IN_ONE == 0) {
      give_way();
    }
  }
  return result;
}

/* ---- the virtual clock ---- */

static int show(struct mv_ticker *ticker, const struct mv_tick *tick, int64_t now,
                struct mv_error *err) {
  struct mv_vclock *clock = &ticker->sandbox->vclock;
  struct mv_work work;
  mv_work_begin_as(&work, ticker->sandbox, MV_WORK_DATA);
  if (tick->real) {
    mv_vclock_real(clock);
  } else {
    mv_vclock_set(clock, now);
  }
  mv_vclock_save(clock, work.db);
  return mv_work_end(&work, true, err);
}

/* The way ahead is gone step by step; back it is a leap. */
static int move(struct mv_ticker *ticker, struct mv_tick *tick) {
  int64_t here = mv_clock_wall(ticker->sandbox->clock);
  int64_t target = (tick->has_now ? tick->now : here) + tick->advance;
  if (!tick->real && (show(ticker, tick, target < here ? target : here, &tick->error) ||
                      fire(ticker, target, &tick->fired, &tick->error))) {
    return -1;
  }
  return show(ticker, tick, target, &tick->error);
}

static void carry_out(struct mv_ticker *ticker, struct mv_tick *tick) {
  if (atomic_load(&ticker->closing)) {
    mv_error_set(&tick->error, MV_ERROR_BUSY, "the sandbox is ending");
  } else {
    move(ticker, tick);
    if (ticker->sandbox->clock_changed) {
      ticker->sandbox->clock_changed(ticker->sandbox->owner);
    }
  }
  tick->done(tick, mv_clock_wall(ticker->sandbox->clock));
}

/* ---- the thread ---- */

static int64_t next_due(struct mv_ticker *ticker) {
  struct mv_work work;
  struct mv_error err;
  mv_work_begin_as(&work, ticker->sandbox, MV_WORK_DATA);
  int64_t next = mv_timeline_next(&work);
  mv_work_end(&work, false, &err);
  return next;
}

/* Milliseconds until the thread has something to do by itself; -1: never. */
static int time_to_wait(struct mv_ticker *ticker) {
  if (is_virtual(ticker)) {
    return -1;
  }
  int64_t next = next_due(ticker);
  if (next == INT64_MAX) {
    return -1;
  }
  int64_t wait = next - mv_clock_wall(ticker->sandbox->clock);
  return wait < 0 ? 0 : wait > LONGEST_WAIT ? LONGEST_WAIT : (int)wait;
}

static void take_ticks(struct mv_ticker *ticker, int wait_ms) {
  struct mv_node *node = mv_queue_take(&ticker->inbox, wait_ms);
  while (node) {
    struct mv_node *next = node->next;
    carry_out(ticker, (struct mv_tick *)node);
    node = next;
  }
}

static void *run(void *argument) {
  struct mv_ticker *ticker = argument;
  while (!atomic_load(&ticker->closing)) {
    struct mv_error err;
    int64_t count = 0;
    int failed = 0;
    if (!is_virtual(ticker)) {
      failed = fire(ticker, mv_clock_wall(ticker->sandbox->clock), &count, &err);
    }
    take_ticks(ticker, failed ? AFTER_FAILURE : time_to_wait(ticker));
  }
  take_ticks(ticker, 0);
  return NULL;
}

struct mv_ticker *mv_ticker_start(struct mv_sandbox *sandbox, struct mv_error *err) {
  struct mv_ticker *ticker = calloc(1, sizeof *ticker);
  if (!ticker || mv_queue_init(&ticker->inbox)) {
    free(ticker);
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  ticker->sandbox = sandbox;
  if (pthread_create(&ticker->thread, NULL, run, ticker)) {
    mv_queue_destroy(&ticker->inbox);
    free(ticker);
    mv_error_set(err, MV_ERROR_SYSTEM, "cannot start a thread for the timeline");
    return NULL;
  }
  return ticker;
}

void mv_ticker_wake(struct mv_ticker *ticker) {
  mv_queue_wake(&ticker->inbox);
}

int mv_ticker_post(struct mv_ticker *ticker, struct mv_tick *tick) {
  return mv_queue_push(&ticker->inbox, &tick->node) ? 0 : -1;
}

void mv_ticker_close(struct mv_ticker *ticker) {
  if (ticker) {
    atomic_store(&ticker->closing, true);
    mv_queue_close(&ticker->inbox);
    pthread_join(ticker->thread, NULL);
  }
}

void mv_ticker_free(struct mv_ticker *ticker) {
  if (ticker) {
    mv_queue_destroy(&ticker->inbox);
    free(ticker);
  }
}
