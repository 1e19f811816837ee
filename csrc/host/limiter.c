#include "host/limiter.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"

#define FIRST_GUESS 50.0   /* ms that a run takes, before one has ended */
#define SHORTEST 100.0     /* ms until somebody asks again, */
#define LONGEST 30000.0    /* and at most */

struct mv_limit {
  struct mv_limit *next;
  char *handler;
  unsigned limit;   /* as asked last: a reload may change it */
  unsigned running, waiting;
  struct mv_place *first, **last; /* who waits */
  double run_ms;    /* a run's usual length */
  double next_free; /* ms, monotonic: when those that were sent away before will have had their turn */
};

struct mv_limiter {
  pthread_mutex_t lock;
  struct mv_limit *limits; /* of the handlers that have one: few */
};

struct mv_limiter *mv_limiter_new(void) {
  struct mv_limiter *limiter = calloc(1, sizeof *limiter);
  if (limiter)
    pthread_mutex_init(&limiter->lock, NULL);
  return limiter;
}

void mv_limiter_free(struct mv_limiter *limiter) {
  if (!limiter)
    return;
  while (limiter->limits) {
    struct mv_limit *limit = limiter->limits;
    limiter->limits = limit->next;
    free(limit->handler);
    free(limit);
  }
  pthread_mutex_destroy(&limiter->lock);
  free(limiter);
}

static struct mv_limit *limit_of(struct mv_limiter *limiter, const char *handler) {
  struct mv_limit *limit = limiter->limits;
  while (limit && strcmp(limit->handler, handler) != 0)
    limit = limit->next;
  if (limit)
    return limit;
  limit = calloc(1, sizeof *limit);
  if (!limit || !(limit->handler = mv_strdup(handler))) {
    free(limit);
    return NULL;
  }
  limit->last = &limit->first;
  limit->run_ms = FIRST_GUESS;
  limit->next = limiter->limits;
  return limiter->limits = limit;
}

static void hold(struct mv_limit *limit, struct mv_place *place) {
  place->of = limit;
  place->holds = true;
  place->since = mv_clock_monotonic(NULL);
  limit->running++;
}

static void wait_in_line(struct mv_limit *limit, struct mv_place *place) {
  place->of = limit;
  place->holds = false;
  place->next = NULL;
  *limit->last = place;
  limit->last = &place->next;
  limit->waiting++;
}

/* Each that is sent away is given a time of its own, a place's share of a run apart. */
static double come_again(struct mv_limit *limit) {
  double now = (double)mv_clock_monotonic(NULL);
  if (limit->next_free < now)
    limit->next_free = now;
  limit->next_free += limit->run_ms / limit->limit;
  double after = limit->next_free - now;
  if (after > LONGEST)
    limit->next_free = now;
  return (after < SHORTEST ? SHORTEST : after > LONGEST ? LONGEST : after) / 1000;
}

static enum mv_entry enter(struct mv_limit *limit, struct mv_place *place, double *later) {
  if (limit->running < limit->limit && !limit->first) {
    hold(limit, place);
    return MV_ENTRY_GO;
  }
  if (limit->waiting < limit->limit) {
    wait_in_line(limit, place);
    return MV_ENTRY_WAIT;
  }
  *later = come_again(limit);
  return MV_ENTRY_LATER;
}

enum mv_entry mv_limiter_enter(struct mv_limiter *limiter, const char *handler, unsigned limit,
                               struct mv_place *place, double *later) {
  pthread_mutex_lock(&limiter->lock);
  struct mv_limit *of = limit_of(limiter, handler);
  enum mv_entry entry = MV_ENTRY_GO;
  if (of) {
    of->limit = limit ? limit : 1;
    entry = enter(of, place, later);
  }
  pthread_mutex_unlock(&limiter->lock);
  return entry;
}

static void leave_line(struct mv_limit *limit, struct mv_place *place) {
  struct mv_place **slot = &limit->first;
  while (*slot != place)
    slot = &(*slot)->next;
  *slot = place->next;
  if (!*slot)
    limit->last = slot;
  limit->waiting--;
}

static void admit_next(struct mv_limit *limit) {
  while (limit->first && limit->running < limit->limit) {
    struct mv_place *place = limit->first;
    leave_line(limit, place);
    hold(limit, place);
    place->go(place);
  }
}

bool mv_limiter_leave(struct mv_limiter *limiter, struct mv_place *place) {
  pthread_mutex_lock(&limiter->lock);
  struct mv_limit *limit = place->of;
  bool waited = limit && !place->holds;
  if (waited) {
    leave_line(limit, place);
  } else if (limit) {
    limit->running--;
    double took = (double)(mv_clock_monotonic(NULL) - place->since);
    limit->run_ms += ((took < 1 ? 1 : took) - limit->run_ms) * 0.2;
    admit_next(limit);
  }
  place->of = NULL;
  pthread_mutex_unlock(&limiter->lock);
  return waited;
}
