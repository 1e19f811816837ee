/* Cron the slow way, minute by minute: what the fast code is compared with. */
#ifndef MV_TEST_SCHEDULE_REFERENCE_H
#define MV_TEST_SCHEDULE_REFERENCE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host/cron.h"

static unsigned reference_state = 20260601;

/* A number from 0 to `below` - 1, the same in every run. */
static inline int reference_random(int below) {
  reference_state = reference_state * 1103515245u + 12345u;
  return (int)((reference_state >> 16) % (unsigned)below);
}

static inline int reference_month_length(const struct tm *tm) {
  struct tm first = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon + 1, .tm_mday = 1, .tm_hour = 0};
  time_t last = timegm(&first) - 86400;
  struct tm out;
  gmtime_r(&last, &out);
  return out.tm_mday;
}

/* Whether the weekday nearest to `day` of tm's month is tm's day. */
static inline bool reference_is_nearest(const struct tm *tm, int day, int length) {
  static const int order[] = {0, -1, 1, -2, 2};
  for (int i = 0; i < 5; i++) {
    int candidate = day + order[i];
    int weekday = (tm->tm_wday + candidate - tm->tm_mday + 70) % 7;
    if (candidate >= 1 && candidate <= length && weekday != 0 && weekday != 6)
      return candidate == tm->tm_mday;
  }
  return false;
}

static inline bool reference_day(const struct mv_cron *cron, const struct tm *tm) {
  int length = reference_month_length(tm), day = tm->tm_mday;
  bool number = cron->days >> day & 1 || cron->last_days >> (length - day) & 1 ||
                (cron->last_weekday_of_month && reference_is_nearest(tm, length, length));
  for (int n = 1; n <= length; n++)
    number = number || (cron->near_weekdays >> n & 1 && reference_is_nearest(tm, n, length));
  unsigned nth = cron->nth_weekdays[tm->tm_wday];
  bool weekday = cron->weekdays >> tm->tm_wday & 1 || nth >> ((day + 6) / 7) & 1 ||
                 (nth >> 6 & 1 && day > length - 7);
  return cron->any_day || cron->any_weekday ? number && weekday : number || weekday;
}

static inline bool reference_matches(const struct mv_cron *cron, int64_t local) {
  time_t t = (time_t)local;
  struct tm tm;
  gmtime_r(&t, &tm);
  return cron->seconds >> tm.tm_sec & 1 && cron->minutes >> tm.tm_min & 1 &&
         cron->hours >> tm.tm_hour & 1 && cron->months >> (tm.tm_mon + 1) & 1 &&
         reference_day(cron, &tm);
}

static inline void reference_field(char *out, size_t size, int low, int high) {
  int a = low + reference_random(high - low + 1), b = low + reference_random(high - low + 1);
  int step = 1 + reference_random((high - low) / 2 + 1);
  switch (reference_random(6)) {
  case 0:
    snprintf(out, size, "*/%d", step);
    return;
  case 1:
    snprintf(out, size, "%d", a);
    return;
  case 2:
    snprintf(out, size, "%d-%d", a, b);
    return;
  case 3:
    snprintf(out, size, "%d,%d", a, b);
    return;
  case 4:
    snprintf(out, size, "%d-%d/%d", a < b ? a : b, a < b ? b : a, step);
    return;
  default:
    snprintf(out, size, "*");
  }
}

/* A random expression of five fields; about half of them with special days. */
static inline void reference_expression(char out[160]) {
  static const char *const days[] = {"*", "?", "L", "L-2", "15W", "1W", "31W", "LW", "1,15", "*/9"};
  static const char *const weekdays[] = {"*", "?", "MON-FRI", "5L", "MON#1", "0", "7", "FRI-MON", "3#5"};
  char f[5][32];
  reference_field(f[0], sizeof f[0], 0, 59);
  reference_field(f[1], sizeof f[1], 0, 23);
  reference_field(f[2], sizeof f[2], 1, 31);
  reference_field(f[3], sizeof f[3], 1, 12);
  reference_field(f[4], sizeof f[4], 0, 6);
  bool plain = reference_random(2);
  snprintf(out, 160, "%s %s %s %s %s", f[0], f[1], plain ? f[2] : days[reference_random(10)],
           reference_random(2) ? "*" : f[3], plain ? f[4] : weekdays[reference_random(9)]);
}

#endif
