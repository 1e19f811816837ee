#include "time/moment.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "time/calendar.h"

static int bad(const char *text, struct mv_error *err) {
  return mv_error_set(err, MV_ERROR_USAGE,
                      "\"%.40s\" is not a moment; expected 2026-03-29, \"2026-03-29 02:30\", either with Z "
                      "or +02:00 behind it, or seconds since 1970",
                      text);
}

struct clock {
  int year, month, day, hour, minute, second;
};

/* Exactly `count` digits, after the character `before` (0: none). False, and nothing taken, otherwise. */
static bool take_digits(const char **text, char before, size_t count, int *out) {
  const char *p = *text;
  if (before && *p++ != before)
    return false;
  if (strspn(p, "0123456789") < count)
    return false;
  for (*out = 0; count > 0; count--)
    *out = *out * 10 + (*p++ - '0');
  *text = p;
  return true;
}

static bool sensible(const struct clock *c) {
  return c->year >= 1 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
         c->day <= mv_calendar_month_length(c->year, c->month) && c->hour <= 23 && c->minute <= 59 &&
         c->second <= 59;
}

/* The date and time at the beginning of `text` into `local`; returns what follows, or NULL. */
static const char *take_clock(const char *text, int64_t *local) {
  struct clock c = {0};
  if (!take_digits(&text, 0, 4, &c.year) || !take_digits(&text, '-', 2, &c.month) ||
      !take_digits(&text, '-', 2, &c.day))
    return NULL;
  if ((take_digits(&text, ' ', 2, &c.hour) || take_digits(&text, 'T', 2, &c.hour)) &&
      (!take_digits(&text, ':', 2, &c.minute) ||
       (*text == ':' && !take_digits(&text, ':', 2, &c.second))))
    return NULL;
  if (text[0] == '.' && strspn(text + 1, "0123456789") > 0) /* of a second: as we write it ourselves */
    text += 1 + strspn(text + 1, "0123456789");
  if (!sensible(&c))
    return NULL;
  int second = c.hour * 3600 + c.minute * 60 + c.second;
  *local = mv_calendar_days(c.year, c.month, c.day) * MV_DAY + second;
  return text;
}

/* "Z" or "+02:00"; false when it is neither. */
static bool take_offset(const char *text, int *offset) {
  int hours, minutes;
  *offset = 0;
  if (strcmp(text, "Z") == 0)
    return true;
  bool west = *text == '-';
  if (!take_digits(&text, west ? '-' : '+', 2, &hours) || !take_digits(&text, ':', 2, &minutes) ||
      *text || hours > 26 || minutes > 59)
    return false;
  *offset = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  return true;
}

/* "1774747800", "-1": seconds since 1970. */
static bool is_seconds(const char *text) {
  const char *digits = text + (*text == '-');
  size_t length = strlen(digits);
  return length > 0 && length <= 12 && strspn(digits, "0123456789") == length;
}

int mv_moment_read(const char *text, const struct mv_zone *zone, int64_t moments[2],
                   struct mv_error *err) {
  int64_t local;
  int offset;
  if (is_seconds(text)) {
    moments[0] = strtoll(text, NULL, 10);
    return 1;
  }
  const char *rest = take_clock(text, &local);
  if (!rest)
    return bad(text, err);
  if (*rest == '\0')
    return mv_zone_moments(zone, local, moments);
  if (!take_offset(rest, &offset))
    return bad(text, err);
  moments[0] = local - offset;
  return 1;
}

int mv_moment_parse(const char *text, const struct mv_zone *zone, int64_t *utc,
                    struct mv_error *err) {
  int64_t moments[2] = {0};
  if (mv_moment_read(text, zone, moments, err) < 0)
    return -1;
  *utc = moments[0];
  return 0;
}

int mv_moment_clock(const char *text, int64_t *ms, struct mv_error *err) {
  int64_t utc;
  *ms = 0;
  if (!text)
    return 0;
  struct mv_zone *zone = mv_zone_load("UTC", err);
  int failed = !zone || mv_moment_parse(text, zone, &utc, err);
  mv_zone_free(zone);
  if (!failed && utc <= 0)
    failed = mv_error_set(err, MV_ERROR_USAGE, "\"%.40s\": a virtual clock begins after 1970", text);
  if (!failed)
    *ms = utc * 1000;
  return failed ? -1 : 0;
}

char *mv_moment_format(const struct mv_zone *zone, int64_t utc, char *out) {
  static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const char *name = "";
  int32_t offset = mv_zone_offset(zone, utc, &name);
  int64_t local = utc + offset, days = mv_calendar_floor(local, MV_DAY);
  int second = (int)(local - days * MV_DAY), minutes = abs(offset) / 60;
  struct mv_date date = mv_calendar_date(days);
  snprintf(out, 64, "%s %04lld-%02d-%02d %02d:%02d:%02d %c%02d:%02d %.12s",
           weekdays[mv_calendar_weekday(days)], (long long)date.year, date.month, date.day, second / 3600,
           second / 60 % 60, second % 60, offset < 0 ? '-' : '+', minutes / 60, minutes % 60, name);
  return out;
}
