/* The POSIX TZ string at the end of a zone file: the rule for all years after the table. */
#include <ctype.h>
#include <string.h>

#include "time/calendar.h"
#include "time/zone_parts.h"

struct reader {
  const char *text, *end;
};

static bool take(struct reader *r, char c) {
  if (r->text == r->end || *r->text != c)
    return false;
  r->text++;
  return true;
}

/* 1 to `digits` digits; -1 when there is none or the value is above `most`. */
static int number(struct reader *r, int digits, int most) {
  int value = -1;
  for (; digits > 0 && r->text < r->end && isdigit((unsigned char)*r->text); digits--)
    value = (value < 0 ? 0 : value) * 10 + (*r->text++ - '0');
  return value > most ? -1 : value;
}

/* "CET" or "<+03>". */
static int abbreviation(struct reader *r, char out[16]) {
  bool quoted = take(r, '<');
  size_t length = 0;
  while (r->text < r->end && (isalpha((unsigned char)*r->text) ||
                              (quoted && (isdigit((unsigned char)*r->text) || *r->text == '+' ||
                                          *r->text == '-')))) {
    if (length == 15)
      return -1;
    out[length++] = *r->text++;
  }
  out[length] = '\0';
  if (quoted && !take(r, '>'))
    return -1;
  return length < 3 ? -1 : 0;
}

/* "[+-]hh[:mm[:ss]]" to seconds; hours up to `most`. */
static int clock_time(struct reader *r, int most, int32_t *out) {
  int sign = take(r, '-') ? -1 : (take(r, '+'), 1);
  int hours = number(r, 3, most), minutes = 0, seconds = 0;
  if (hours < 0)
    return -1;
  if (take(r, ':')) {
    minutes = number(r, 2, 59);
    if (take(r, ':'))
      seconds = number(r, 2, 59);
  }
  if (minutes < 0 || seconds < 0)
    return -1;
  *out = sign * (hours * 3600 + minutes * 60 + seconds);
  return 0;
}

static int month_day(struct reader *r, struct mv_zone_day *day) {
  day->kind = 'M';
  day->month = number(r, 2, 12);
  if (!take(r, '.'))
    return -1;
  day->week = number(r, 1, 5);
  if (!take(r, '.'))
    return -1;
  day->day = number(r, 1, 6);
  return day->month < 1 || day->week < 1 || day->day < 0 ? -1 : 0;
}

/* ",M3.5.0/2", ",J60", ",59". */
static int change_day(struct reader *r, struct mv_zone_day *day) {
  if (!take(r, ','))
    return -1;
  if (take(r, 'M')) {
    if (month_day(r, day))
      return -1;
  } else {
    day->kind = take(r, 'J') ? 'J' : 'N';
    day->day = number(r, 3, 365);
    if (day->day < (day->kind == 'J' ? 1 : 0))
      return -1;
  }
  day->time = 7200;
  return take(r, '/') ? clock_time(r, 167, &day->time) : 0;
}

static int daylight(struct reader *r, struct mv_zone_rule *rule) {
  int32_t west;
  if (abbreviation(r, rule->daylight_name))
    return -1;
  rule->dst = true;
  rule->daylight = rule->standard + 3600;
  if (r->text < r->end && *r->text != ',') {
    if (clock_time(r, 24, &west))
      return -1;
    rule->daylight = -west;
  }
  return change_day(r, &rule->start) || change_day(r, &rule->end) ? -1 : 0;
}

int mv_zone_rule_parse(const char *text, size_t length, struct mv_zone_rule *rule) {
  struct reader r = {text, text + length};
  int32_t west;
  memset(rule, 0, sizeof *rule);
  if (abbreviation(&r, rule->standard_name) || clock_time(&r, 24, &west))
    return -1;
  rule->standard = -west;
  if (r.text < r.end && daylight(&r, rule))
    return -1;
  rule->given = r.text == r.end;
  return rule->given ? 0 : -1;
}

static int64_t day_in(const struct mv_zone_day *day, int64_t year) {
  if (day->kind == 'M') {
    int64_t first = mv_calendar_days(year, day->month, 1);
    int date = 1 + (day->day - mv_calendar_weekday(first) + 7) % 7 + (day->week - 1) * 7;
    if (date > mv_calendar_month_length(year, day->month))
      date -= 7;
    return first + date - 1;
  }
  int64_t january = mv_calendar_days(year, 1, 1);
  if (day->kind == 'N')
    return january + day->day;
  return january + day->day - 1 + (day->day > 59 && mv_calendar_month_length(year, 2) == 29);
}

struct change {
  int64_t moment;
  bool starts; /* daylight time */
};

/* The changes of the years around `utc`, earliest first. Where daylight time ends the moment it
 * begins again (all year round), the beginning comes last and so wins. */
static void changes_around(const struct mv_zone_rule *rule, int64_t utc, struct change out[6]) {
  int64_t year = mv_calendar_date(mv_calendar_floor(utc, MV_DAY)).year;
  for (int i = 0; i < 6; i++) {
    bool starts = i % 2 == 0;
    const struct mv_zone_day *day = starts ? &rule->start : &rule->end;
    int64_t local = day_in(day, year - 1 + i / 2) * MV_DAY + day->time;
    struct change change = {local - (starts ? rule->standard : rule->daylight), starts};
    int at = i;
    for (; at > 0 && (out[at - 1].moment > change.moment ||
                      (out[at - 1].moment == change.moment && out[at - 1].starts && !starts));
         at--)
      out[at] = out[at - 1];
    out[at] = change;
  }
}

int32_t mv_zone_rule_offset(const struct mv_zone_rule *rule, int64_t utc, const char **name) {
  bool summer = false;
  if (rule->dst) {
    struct change changes[6] = {{0}};
    changes_around(rule, utc, changes);
    for (int i = 0; i < 6 && changes[i].moment <= utc; i++)
      summer = changes[i].starts;
  }
  if (name)
    *name = summer ? rule->daylight_name : rule->standard_name;
  return summer ? rule->daylight : rule->standard;
}

int64_t mv_zone_rule_next(const struct mv_zone_rule *rule, int64_t utc) {
  struct change changes[6] = {{0}};
  if (!rule->dst)
    return INT64_MAX;
  changes_around(rule, utc, changes);
  for (int i = 0; i < 6; i++)
    if (changes[i].moment > utc)
      return changes[i].moment;
  return INT64_MAX;
}
