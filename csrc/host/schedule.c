#include "host/schedule.h"

#include <string.h>

#include "time/calendar.h"

/* The calendar repeats after 400 years, daylight saving with it: what does not come then never comes. */
#define HORIZON (INT64_C(400) * 366 * MV_DAY)
/* 2025-01-01: nothing is planned for the time before. */
#define FROM_NOW_ON INT64_C(1735689600)

static int init_every(struct mv_schedule *schedule, const char *text, struct mv_error *err) {
  int64_t milliseconds = mv_duration_parse(text, err);
  if (milliseconds < 0)
    return -1;
  if (milliseconds < 1000 || milliseconds % 1000)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "\"%.40s\" is not an interval of whole seconds, at least one", text);
  schedule->every = true;
  schedule->interval = milliseconds / 1000;
  return 0;
}

/* A wildcard hour or minute follows the clock, and the clock may skip all that the rest names. */
static int refuse_never(struct mv_schedule *schedule, const char *expression, const char *timezone,
                        struct mv_error *err) {
  if (mv_schedule_next(schedule, FROM_NOW_ON, NULL) < INT64_MAX)
    return 0;
  mv_schedule_free(schedule);
  return mv_error_set(err, MV_ERROR_USAGE,
                      "cron expression \"%.80s\": it can never fire in %.64s: daylight saving skips each "
                      "of its times; choose another hour, or name hour and minute without *",
                      expression, timezone && *timezone ? timezone : "the machine's zone");
}

int mv_schedule_init(struct mv_schedule *schedule, const char *kind, const char *expression,
                     const char *timezone, struct mv_error *err) {
  memset(schedule, 0, sizeof *schedule);
  int failed;
  if (strcmp(kind, "every") == 0)
    failed = init_every(schedule, expression, err);
  else if (strcmp(kind, "cron") == 0)
    failed = mv_cron_parse(expression, &schedule->cron, err);
  else
    failed = mv_error_set(err, MV_ERROR_USAGE, "a schedule is of kind \"cron\" or \"every\", not \"%.40s\"",
                          kind);
  if (failed)
    return failed;
  schedule->zone = mv_zone_load(timezone, err);
  if (schedule->zone)
    return refuse_never(schedule, expression, timezone, err);
  if (err && err->kind == MV_ERROR_NOT_FOUND)
    err->kind = MV_ERROR_USAGE; /* the schedule is wrong, whatever the zone's absence is */
  return -1;
}

void mv_schedule_free(struct mv_schedule *schedule) {
  mv_zone_free(schedule->zone);
  schedule->zone = NULL;
}

/* Follows the clock: within a stretch of constant offset, local time and moments run side by side. */
static int64_t next_by_clock(const struct mv_schedule *schedule, int64_t after) {
  for (int64_t from = after + 1; from < after + HORIZON;) {
    int32_t offset = mv_zone_offset(schedule->zone, from, NULL);
    int64_t change = mv_zone_next_change(schedule->zone, from);
    int64_t local = mv_cron_next_local(&schedule->cron, from + offset);
    if (local == INT64_MAX)
      return local;
    if (local - offset < change)
      return local - offset;
    from = change;
  }
  return INT64_MAX;
}

/* Fixed times: each local time has exactly one moment, and they are in the same order, so the first
 * local time whose moment is after `after` is the answer. */
static int64_t next_fixed(const struct mv_schedule *schedule, int64_t after, bool *shifted) {
  int64_t local = after + mv_zone_offset(schedule->zone, after, NULL) + 1;
  for (;; local++) {
    int64_t moments[2];
    local = mv_cron_next_local(&schedule->cron, local);
    if (local == INT64_MAX)
      return local;
    int count = mv_zone_moments(schedule->zone, local, moments);
    if (moments[0] > after) {
      *shifted = count == 0;
      return moments[0];
    }
  }
}

int64_t mv_schedule_next(const struct mv_schedule *schedule, int64_t after, bool *shifted) {
  const int64_t limit = INT64_C(1) << 48;
  bool ignored = false;
  shifted = shifted ? shifted : &ignored;
  *shifted = false;
  if (after > limit)
    return INT64_MAX;
  if (after < -limit)
    after = -limit;
  if (schedule->every)
    return (mv_calendar_floor(after, schedule->interval) + 1) * schedule->interval;
  if (schedule->cron.wild_hour || schedule->cron.wild_minute)
    return next_by_clock(schedule, after);
  return next_fixed(schedule, after, shifted);
}
