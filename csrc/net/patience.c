#include "net/patience.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

#define SHORTEST_NAP 100 /* ms */
#define LONGEST_NAP 1000
#define CROWDED 2000 /* how long headers may take when places run out */

struct mv_patience {
  int limit, nap; /* ms */
  unsigned places, taken;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct mv_seat *first;
  bool closing;
};

void mv_seat_await(struct mv_seat *seat) {
  atomic_store(&seat->since, mv_clock_monotonic(NULL));
}

void mv_seat_got(struct mv_seat *seat) {
  atomic_store(&seat->since, 0);
}

static bool is_crowded(const struct mv_patience *patience) {
  return patience->taken >= patience->places - patience->places / 4;
}

/* The daemon sees the end and closes the descriptor. Under the lock: until then it is this one. */
static void sweep(struct mv_patience *patience) {
  int64_t now = mv_clock_monotonic(NULL);
  int limit = is_crowded(patience) && patience->limit > CROWDED ? CROWDED : patience->limit;
  for (struct mv_seat *seat = patience->first; seat; seat = seat->next) {
    int64_t since = atomic_load(&seat->since);
    if (since && now - since > limit)
      shutdown(seat->fd, SHUT_RDWR);
  }
}

static void nap(struct mv_patience *patience) {
  struct timespec until;
  if (!patience->first) {
    pthread_cond_wait(&patience->changed, &patience->lock);
    return;
  }
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += patience->nap * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  pthread_cond_timedwait(&patience->changed, &patience->lock, &until);
}

static void *watch(void *owner) {
  struct mv_patience *patience = owner;
  pthread_mutex_lock(&patience->lock);
  while (!patience->closing) {
    nap(patience);
    sweep(patience);
  }
  pthread_mutex_unlock(&patience->lock);
  return NULL;
}

static void release(struct mv_patience *patience) {
  pthread_cond_destroy(&patience->changed);
  pthread_mutex_destroy(&patience->lock);
  free(patience);
}

struct mv_patience *mv_patience_new(int limit_ms, unsigned places) {
  struct mv_patience *patience = calloc(1, sizeof *patience);
  pthread_condattr_t monotonic;
  if (!patience)
    return NULL;
  int nap_ms = limit_ms / 4;
  patience->limit = limit_ms;
  patience->places = places;
  patience->nap = nap_ms > LONGEST_NAP    ? LONGEST_NAP
                  : nap_ms < SHORTEST_NAP ? SHORTEST_NAP
                                          : nap_ms;
  pthread_mutex_init(&patience->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&patience->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  if (pthread_create(&patience->thread, NULL, watch, patience) == 0)
    return patience;
  release(patience);
  return NULL;
}

void mv_patience_free(struct mv_patience *patience) {
  if (!patience)
    return;
  pthread_mutex_lock(&patience->lock);
  patience->closing = true;
  pthread_cond_signal(&patience->changed);
  pthread_mutex_unlock(&patience->lock);
  pthread_join(patience->thread, NULL);
  release(patience);
}

void mv_patience_enter(struct mv_patience *patience, struct mv_seat *seat, int fd) {
  seat->fd = fd;
  mv_seat_await(seat);
  pthread_mutex_lock(&patience->lock);
  seat->previous = NULL;
  seat->next = patience->first;
  if (patience->first)
    patience->first->previous = seat;
  else
    pthread_cond_signal(&patience->changed);
  patience->first = seat;
  patience->taken++;
  pthread_mutex_unlock(&patience->lock);
}

void mv_patience_leave(struct mv_patience *patience, struct mv_seat *seat) {
  pthread_mutex_lock(&patience->lock);
  *(seat->previous ? &seat->previous->next : &patience->first) = seat->next;
  if (seat->next)
    seat->next->previous = seat->previous;
  patience->taken--;
  pthread_mutex_unlock(&patience->lock);
}
