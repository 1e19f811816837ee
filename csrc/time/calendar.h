/* The Gregorian calendar in whole numbers: days since 1970 and dates, far into past and future. */
#ifndef MV_TIME_CALENDAR_H
#define MV_TIME_CALENDAR_H

#include <stdint.h>

#define MV_DAY INT64_C(86400) /* seconds */

struct mv_date {
  int64_t year;
  int month; /* 1-12 */
  int day;   /* 1-31 */
};

/* Days since 1970-01-01 of a date. */
int64_t mv_calendar_days(int64_t year, int month, int day);

/* The date of a day number. */
struct mv_date mv_calendar_date(int64_t days);

int mv_calendar_month_length(int64_t year, int month);

/* 0 is Sunday. */
int mv_calendar_weekday(int64_t days);

/* Division that rounds down; `divisor` is positive. */
int64_t mv_calendar_floor(int64_t value, int64_t divisor);

#endif
