/* The sandbox's time: the machine's, or a virtual one that stands still until it is set. */
#ifndef MV_SANDBOX_VCLOCK_H
#define MV_SANDBOX_VCLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "sandbox/db.h"

struct mv_vclock {
  struct mv_clock face;        /* what everybody asks; its monotonic time is always the machine's */
  const struct mv_clock *base; /* NULL: the machine's */
  atomic_bool is_virtual;
  _Atomic int64_t now; /* ms, while virtual */
};

/* Shows the time of `base`. */
void mv_vclock_init(struct mv_vclock *clock, const struct mv_clock *base);

void mv_vclock_set(struct mv_vclock *clock, int64_t ms); /* virtual from now on */
void mv_vclock_real(struct mv_vclock *clock);

/* Notes mode and time in the database, or takes them from it: a restarted sandbox goes on. */
void mv_vclock_save(const struct mv_vclock *clock, struct mv_db *db);
void mv_vclock_load(struct mv_vclock *clock, struct mv_db *db);

#endif
