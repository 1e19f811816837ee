/* The moments of a schedule: computed from calendar and zone, never from the previous run. */
#ifndef MV_HOST_SCHEDULE_H
#define MV_HOST_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "host/cron.h"
#include "time/zone.h"

struct mv_schedule {
  bool every;          /* host.every: `interval` seconds, aligned to 1970 */
  int64_t interval;
  struct mv_cron cron; /* otherwise */
  struct mv_zone *zone; /* owned */
};

/* `kind` "cron" or "every" ("90", "15m", "2h", "1d"). 0, or -1 and `err`. */
int mv_schedule_init(struct mv_schedule *schedule, const char *kind, const char *expression,
                     const char *timezone, struct mv_error *err);
void mv_schedule_free(struct mv_schedule *schedule);

/* "90" (seconds) or "1h30m", "15m", "2d", "500ms" … to milliseconds; -1 and `err` when it is none. */
int64_t mv_duration_parse(const char *text, struct mv_error *err);

/* The first moment after `after` (seconds since 1970, UTC); INT64_MAX: none. `shifted` (may be NULL)
 * tells that daylight saving moved it. A fixed time in a skipped hour comes right after the jump,
 * one in a repeated hour comes once; wildcard hours follow the clock. */
int64_t mv_schedule_next(const struct mv_schedule *schedule, int64_t after, bool *shifted);

#endif
