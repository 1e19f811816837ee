/* Timers in a binary heap; each lives inside the caller's struct. Adding, removing and taking the
 * next cost O(log n), whatever the number of waiting ones. */
#ifndef MV_BASE_TIMERS_H
#define MV_BASE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct mv_timer {
  int64_t due;    /* ms on the caller's clock */
  uint64_t order; /* timers due together fire in the order they were added; set by mv_timers_add */
  size_t slot;    /* place in the heap, from 1; 0: in none. Zero it before the first use */
};

struct mv_timers {
  struct mv_timer **heap; /* heap[0] is unused */
  size_t count, capacity;
  uint64_t added;
};

/* `timer` must stay where it is until it is removed or taken. 0, or -1 when memory is out. */
int mv_timers_add(struct mv_timers *timers, struct mv_timer *timer, int64_t due);

/* Harmless on a timer that is in no heap. */
void mv_timers_remove(struct mv_timers *timers, struct mv_timer *timer);

/* Removes and returns the earliest timer due at `now`, or NULL. */
struct mv_timer *mv_timers_take(struct mv_timers *timers, int64_t now);

/* Milliseconds from `now` to the earliest timer, not below 0 nor beyond a day; -1 without timers.
 */
int mv_timers_wait(const struct mv_timers *timers, int64_t now);

/* Forgets all timers and gives the memory back. */
void mv_timers_free(struct mv_timers *timers);

#endif
