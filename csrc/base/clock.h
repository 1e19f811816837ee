/* Time, injectable: everything that asks for the time asks a struct mv_clock. */
#ifndef MV_BASE_CLOCK_H
#define MV_BASE_CLOCK_H

#include <stdint.h>

struct mv_clock {
  int64_t (*wall)(void *self);      /* milliseconds since 1970, UTC; may jump */
  int64_t (*monotonic)(void *self); /* milliseconds since some start; never goes back */
  void *self;
};

/* The machine's clocks. */
extern const struct mv_clock mv_clock_system;

int64_t mv_clock_wall(const struct mv_clock *clock);      /* NULL: the machine's */
int64_t mv_clock_monotonic(const struct mv_clock *clock); /* NULL: the machine's */

/* "2026-11-22T06:53:08.123Z" into `out` of at least 32 bytes; returns `out`. */
char *mv_clock_format(int64_t wall_ms, char *out);

#endif
