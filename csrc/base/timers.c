#include "base/timers.h"

#include <stdbool.h>
#include <stdlib.h>

static bool earlier(const struct mv_timer *a, const struct mv_timer *b) {
  return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void put(struct mv_timers *timers, size_t slot, struct mv_timer *timer) {
  timers->heap[slot] = timer;
  timer->slot = slot;
}

static void sift_up(struct mv_timers *timers, struct mv_timer *timer) {
  size_t slot = timer->slot;
  for (; slot > 1 && earlier(timer, timers->heap[slot / 2]); slot /= 2) {
    put(timers, slot, timers->heap[slot / 2]);
  }
  put(timers, slot, timer);
}

static void sift_down(struct mv_timers *timers, struct mv_timer *timer) {
  size_t slot = timer->slot;
  for (size_t child; (child = slot * 2) <= timers->count; slot = child) {
    if (child < timers->count && earlier(timers->heap[child + 1], timers->heap[child])) {
      child++;
    }
    if (!earlier(timers->heap[child], timer)) {
      break;
    }
    put(timers, slot, timers->heap[child]);
  }
  put(timers, slot, timer);
}

static int grow(struct mv_timers *timers) {
  if (timers->count + 1 < timers->capacity) {
    return 0;
  }
  size_t capacity = timers->capacity ? timers->capacity * 2 : 64;
  struct mv_timer **heap = realloc(timers->heap, capacity * sizeof(struct mv_timer *));
  if (!heap) {
    return -1;
  }
  timers->heap = heap;
  timers->capacity = capacity;
  return 0;
}

int mv_timers_add(struct mv_timers *timers, struct mv_timer *timer, int64_t due) {
  if (grow(timers)) {
    return -1;
  }
  timer->due = due;
  timer->order = timers->added++;
  put(timers, ++timers->count, timer);
  sift_up(timers, timer);
  return 0;
}

void mv_timers_remove(struct mv_timers *timers, struct mv_timer *timer) {
  if (!timer->slot) {
    return;
  }
  struct mv_timer *last = timers->heap[timers->count--];
  if (last != timer) {
    put(timers, timer->slot, last);
    sift_up(timers, last);
    sift_down(timers, last);
  }
  timer->slot = 0;
}

struct mv_timer *mv_timers_take(struct mv_timers *timers, int64_t now) {
  if (!timers->count || timers->heap[1]->due > now) {
    return NULL;
  }
  struct mv_timer *first = timers->heap[1];
  mv_timers_remove(timers, first);
  return first;
}

int mv_timers_wait(const struct mv_timers *timers, int64_t now) {
  const int day = 24 * 60 * 60 * 1000;
  if (!timers->count) {
    return -1;
  }
  int64_t left = timers->heap[1]->due - now;
  return left < 0 ? 0 : left > day ? day : (int)left;
}

void mv_timers_free(struct mv_timers *timers) {
  for (size_t i = 1; i <= timers->count; i++) {
    timers->heap[i]->slot = 0;
  }
  free(timers->heap);
  timers->heap = NULL;
  timers->count = timers->capacity = 0;
}
