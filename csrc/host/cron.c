/* Which local times a cron expression names: by field arithmetic, a month at a time. */
#include "host/cron.h"

#include <assert.h>

#include "time/calendar.h"

/* The calendar repeats after 400 years, weekdays included: what does not come in them never comes. */
#define YEARS 400

struct month {
  int64_t year;
  int month;
  int length;
  int first_weekday; /* of day 1 */
};

static struct month month_of(int64_t year, int month) {
  struct month m = {year, month, mv_calendar_month_length(year, month), 0};
  m.first_weekday = mv_calendar_weekday(mv_calendar_days(year, month, 1));
  return m;
}

static int weekday_in(const struct month *m, int day) {
  return (m->first_weekday + day - 1) % 7;
}

/* The weekday (Monday to Friday) nearest to `day`, without leaving the month. */
static int nearest_weekday(const struct month *m, int day) {
  int weekday = weekday_in(m, day);
  if (weekday == 6)
    return day > 1 ? day - 1 : day + 2;
  if (weekday == 0)
    return day < m->length ? day + 1 : day - 2;
  return day;
}

/* Bit n: the day field names day n of this month. */
static uint32_t days_by_number(const struct mv_cron *cron, const struct month *m) {
  uint32_t days = cron->days;
  assert(m->length >= 28);
  for (int n = 0; n < m->length; n++)
    if (cron->last_days >> n & 1)
      days |= UINT32_C(1) << (m->length - n);
  for (int day = 1; day <= m->length; day++)
    if (cron->near_weekdays >> day & 1)
      days |= UINT32_C(1) << nearest_weekday(m, day);
  if (cron->last_weekday_of_month)
    days |= UINT32_C(1) << nearest_weekday(m, m->length);
  return days;
}

static bool nth_weekday_matches(uint8_t nth, const struct month *m, int day) {
  return nth >> ((day - 1) / 7 + 1) & 1 || (nth >> 6 & 1 && day + 7 > m->length);
}

/* Bit n: the weekday field names day n of this month. */
static uint32_t days_by_weekday(const struct mv_cron *cron, const struct month *m) {
  uint32_t days = 0;
  for (int day = 1; day <= m->length; day++) {
    int weekday = weekday_in(m, day);
    if (cron->weekdays >> weekday & 1 || nth_weekday_matches(cron->nth_weekdays[weekday], m, day))
      days |= UINT32_C(1) << day;
  }
  return days;
}

/* As cron has always done it: a field that began with * or ? must agree with the other; when both
 * are restricted, either is enough. */
static uint32_t days_of_month(const struct mv_cron *cron, const struct month *m) {
  uint32_t by_number = days_by_number(cron, m), by_weekday = days_by_weekday(cron, m);
  uint32_t days =
      cron->any_day || cron->any_weekday ? by_number & by_weekday : by_number | by_weekday;
  return days & (uint32_t)((UINT64_C(2) << m->length) - 2);
}

/* The first set bit at or above `from`, or -1. */
static int bit_from(uint64_t bits, int from) {
  if (from > 63)
    return -1;
  bits &= ~UINT64_C(0) << from;
  return bits ? __builtin_ctzll(bits) : -1;
}

/* The first time of day at or after `second` (0-86399), or -1. */
static int time_from(const struct mv_cron *cron, int second) {
  int h = second / 3600, m = second / 60 % 60, s = bit_from(cron->seconds, second % 60);
  int minute = bit_from(cron->minutes, s < 0 ? m + 1 : m);
  int hour = bit_from(cron->hours, minute < 0 ? h + 1 : h);
  if (hour < 0)
    return -1;
  if (hour != h)
    minute = bit_from(cron->minutes, 0);
  if (hour != h || minute != m)
    s = bit_from(cron->seconds, 0);
  return hour * 3600 + minute * 60 + s;
}

/* The first matching day at or after `days`, or INT64_MAX. */
static int64_t day_from(const struct mv_cron *cron, int64_t days) {
  struct mv_date date = mv_calendar_date(days);
  int64_t last_year = date.year + YEARS;
  while (date.year <= last_year) {
    if (cron->months >> date.month & 1) {
      struct month m = month_of(date.year, date.month);
      int day = bit_from(days_of_month(cron, &m), date.day);
      if (day > 0)
        return mv_calendar_days(date.year, date.month, day);
    }
    date.day = 1;
    date.year += date.month == 12;
    date.month = date.month % 12 + 1;
  }
  return INT64_MAX;
}

int64_t mv_cron_next_local(const struct mv_cron *cron, int64_t local) {
  const int64_t limit = INT64_C(1) << 50; /* millions of years: keeps the arithmetic in range */
  if (local > limit)
    return INT64_MAX;
  if (local < -limit)
    local = -limit;
  int64_t today = mv_calendar_floor(local, MV_DAY);
  int64_t day = day_from(cron, today);
  if (day == today) {
    int time = time_from(cron, (int)(local - today * MV_DAY));
    if (time >= 0)
      return day * MV_DAY + time;
    day = day_from(cron, today + 1);
  }
  return day == INT64_MAX ? day : day * MV_DAY + time_from(cron, 0);
}
