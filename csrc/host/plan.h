/* Which moments of a schedule are due, and which of them are to run. Pure: times come in, rows go
 * out. */
#ifndef MV_HOST_PLAN_H
#define MV_HOST_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/schedule.h"

#define MV_PLAN_MOST 100 /* moments told at once; of more only the last ones */

enum mv_missed { MV_MISSED_ONE, MV_MISSED_SKIP, MV_MISSED_ALL };

struct mv_plan_item {
  int64_t moment;   /* seconds since 1970 */
  bool late;        /* it was missed */
  const char *skip; /* why it does not run, a constant; NULL: it runs */
};

struct mv_plan {
  struct mv_plan_item items[MV_PLAN_MOST]; /* oldest first */
  size_t count;
  bool cut; /* there were more before them */
};

/* "one", "skip", "all", or NULL for the default; -1 if unknown. */
int mv_missed_of(const char *name);

/* The moments in (after, now]. Those up to `grace` seconds old are on time and run; older ones were
 * missed: `missed` decides. ONE runs the last one if nothing is on time and it is not over an hour
 * old. */
void mv_plan_due(const struct mv_schedule *schedule, int64_t after, int64_t now,
                 enum mv_missed missed, int64_t grace, struct mv_plan *plan);

#endif
