#include "sandbox/vclock.h"

static int64_t wall(void *self) {
  struct mv_vclock *clock = self;
  return atomic_load(&clock->is_virtual) ? atomic_load(&clock->now) : mv_clock_wall(clock->base);
}

static int64_t monotonic(void *self) {
  struct mv_vclock *clock = self;
  return mv_clock_monotonic(clock->base);
}

void mv_vclock_init(struct mv_vclock *clock, const struct mv_clock *base) {
  clock->face = (struct mv_clock){.wall = wall, .monotonic = monotonic, .self = clock};
  clock->base = base;
  atomic_init(&clock->is_virtual, false);
  atomic_init(&clock->now, 0);
}

void mv_vclock_set(struct mv_vclock *clock, int64_t ms) {
  atomic_store(&clock->now, ms);
  atomic_store(&clock->is_virtual, true);
}

void mv_vclock_real(struct mv_vclock *clock) {
  atomic_store(&clock->is_virtual, false);
}

void mv_vclock_save(const struct mv_vclock *clock, struct mv_db *db) {
  if (atomic_load(&clock->is_virtual)) {
    mv_db_run(db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('clock', ?)", "i",
              atomic_load(&clock->now));
  } else {
    mv_db_run(db, "DELETE FROM meta WHERE name = 'clock'", "");
  }
}

void mv_vclock_load(struct mv_vclock *clock, struct mv_db *db) {
  int64_t kept = mv_db_integer(db, INT64_MIN,
                               "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'clock'", "");
  if (kept == INT64_MIN) {
    mv_vclock_real(clock);
  } else {
    mv_vclock_set(clock, kept);
  }
}
