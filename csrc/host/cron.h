/* Cron expressions: parsing, and which local times they name. Pure: zones and clocks are others'. */
#ifndef MV_HOST_CRON_H
#define MV_HOST_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Bit n set: value n matches. */
struct mv_cron {
  uint64_t seconds, minutes; /* 0-59 */
  uint32_t hours;            /* 0-23 */
  uint32_t days;             /* 1-31 */
  uint32_t months;           /* 1-12 */
  uint32_t weekdays;         /* 0-6, Sunday is 0 */
  bool any_day, any_weekday; /* the field began with * or ?: both must match; else either is enough */
  bool wild_hour, wild_minute; /* the field began with *: follows the clock across DST changes */
  uint32_t last_days;        /* bit n: L-n, n days before the month's last */
  uint32_t near_weekdays;    /* bit n: nW, the weekday nearest to day n */
  bool last_weekday_of_month;/* LW */
  uint8_t nth_weekdays[7];   /* per weekday: bits 1-5 of "#n"; bit 6: the last one ("5L") */
};

/* 5 fields (minute hour day month weekday) or 6 (seconds first), names, ranges, steps, lists,
 * L W # ?, @hourly @daily @midnight @weekly @monthly @yearly @annually. A range may run over the
 * end of its field (FRI-MON, 22-4); "5/20" is 5, 25, 45 …. 0, or -1 with the field, the offending
 * text and what may stand there. An expression that can never fire is refused. */
int mv_cron_parse(const char *expression, struct mv_cron *cron, struct mv_error *err);

/* The first local time at or after (year…second) that the expression names, by calendar alone.
 * Local times are seconds since 1970-01-01T00:00:00 as if the zone were UTC. INT64_MAX: never. */
int64_t mv_cron_next_local(const struct mv_cron *cron, int64_t local);

#endif
