#include "time/calendar.h"

int64_t mv_calendar_floor(int64_t value, int64_t divisor) {
  int64_t quotient = value / divisor;
  return quotient - (value % divisor < 0);
}

/* Years begin in March here, so that the leap day is the last of its year; an era is 400 of them. */
int64_t mv_calendar_days(int64_t year, int month, int day) {
  int64_t y = year - (month <= 2);
  int64_t era = mv_calendar_floor(y, 400);
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

struct mv_date mv_calendar_date(int64_t days) {
  int64_t z = days + 719468;
  int64_t era = mv_calendar_floor(z, 146097);
  int64_t day_of_era = z - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t march_month = (5 * day_of_year + 2) / 153;
  struct mv_date date;
  date.day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
  date.month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2);
  return date;
}

int mv_calendar_month_length(int64_t year, int month) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return lengths[month - 1] + (month == 2 && leap);
}

int mv_calendar_weekday(int64_t days) {
  int64_t day = days + 4; /* 1970-01-01 was a Thursday */
  return (int)(day - mv_calendar_floor(day, 7) * 7);
}
