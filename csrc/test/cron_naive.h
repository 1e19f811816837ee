/* A second reading of cron expressions, straight from their text and value by value: no bits, no
 * code of the host's. Slow on purpose; what the host's evaluator is compared with. */
#ifndef MV_TEST_CRON_NAIVE_H
#define MV_TEST_CRON_NAIVE_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct naive {
  char text[192];
  const char *fields[6]; /* second, minute, hour, day of month, month, weekday */
  bool second[60], minute[60], hour[24], month[13];
  bool fixed; /* neither hour nor minute begins with *: daylight saving moves it */
};

static inline int naive_value(const char **text) {
  static const char names[] = "SUNMONTUEWEDTHUFRISATJANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
  for (int i = 0; i < 19 && isalpha((unsigned char)**text); i++)
    if (strncasecmp(*text, names + 3 * i, 3) == 0) {
      *text += 3;
      return i < 7 ? i : i - 6;
    }
  return (int)strtol(*text, (char **)(uintptr_t)text, 10);
}

/* Whether "5", "5-9", "22-4/3", "*" … with values from `low` to `high` contains `value`. */
static inline bool naive_item(const char *item, int low, int high, int value) {
  int from = low, to = high, step = 1;
  if (*item == '*' || *item == '?')
    item++;
  else {
    from = to = naive_value(&item);
    if (*item == '-') {
      item++;
      to = naive_value(&item);
    } else if (*item == '/')
      to = high;
  }
  if (*item == '/')
    step = atoi(item + 1);
  bool sunday_last = high == 6 && to == 7 && from != 7; /* 5-7 */
  if (sunday_last)
    high = 7;
  if (from == 7 && high == 6)
    from = 0;
  if (to == 7 && high == 6)
    to = 0;
  for (int at = from, left = 0;; at = at == high ? low : at + 1, left = (left + 1) % step) {
    if (left == 0 && (at == value || (sunday_last && at == 7 && value == 0)))
      return true;
    if (at == to)
      return false;
  }
}

/* Calls `matches` with each item of a list until one does. */
static inline bool naive_list(const char *field, bool (*matches)(const char *item, void *context),
                              void *context) {
  char copy[64], *rest = copy, *item;
  snprintf(copy, sizeof copy, "%s", field);
  while ((item = strsep(&rest, ",")))
    if (matches(item, context))
      return true;
  return false;
}

struct naive_range {
  int low, high, value;
};

static inline bool naive_in_range(const char *item, void *context) {
  const struct naive_range *r = context;
  return naive_item(item, r->low, r->high, r->value);
}

static inline bool naive_plain(const char *field, int low, int high, int value) {
  struct naive_range range = {low, high, value};
  return naive_list(field, naive_in_range, &range);
}

/* ---- days ------------------------------------------------------------------------------------ */

/* A day as the C library knows it. */
struct naive_day {
  struct tm tm;
  int length; /* of its month */
};

static inline struct naive_day naive_day(int64_t days) {
  struct naive_day day;
  time_t noon = (time_t)(days * 86400 + 43200);
  gmtime_r(&noon, &day.tm);
  struct tm next = {.tm_year = day.tm.tm_year, .tm_mon = day.tm.tm_mon + 1, .tm_mday = 0};
  timegm(&next); /* day 0 of the next month is the last of this one */
  day.length = next.tm_mday;
  return day;
}

static inline int naive_weekday(const struct naive_day *day, int date) {
  return (day->tm.tm_wday + date - day->tm.tm_mday + 70) % 7;
}

/* The working day nearest to a date, in its month. */
static inline int naive_near(const struct naive_day *day, int date) {
  for (int distance = 0;; distance++)
    for (int sign = -1; sign <= 1; sign += 2) {
      int other = date + sign * distance, weekday = naive_weekday(day, other);
      if (other >= 1 && other <= day->length && weekday >= 1 && weekday <= 5)
        return other;
    }
}

static inline bool naive_day_item(const char *item, void *context) {
  const struct naive_day *day = context;
  int date = day->tm.tm_mday;
  if (strcmp(item, "L") == 0)
    return date == day->length;
  if (strcmp(item, "LW") == 0)
    return date == naive_near(day, day->length);
  if (strncmp(item, "L-", 2) == 0)
    return date == day->length - atoi(item + 2);
  if (item[strlen(item) - 1] == 'W')
    return atoi(item) <= day->length && date == naive_near(day, atoi(item));
  return naive_item(item, 1, 31, date);
}

static inline bool naive_weekday_item(const char *item, void *context) {
  const struct naive_day *day = context;
  const char *rest = item;
  int date = day->tm.tm_mday;
  if (strchr(item, '#') || (item[strlen(item) - 1] == 'L')) {
    bool right = naive_value(&rest) % 7 == day->tm.tm_wday;
    return right && (*rest == '#' ? (date + 6) / 7 == atoi(rest + 1) : date + 7 > day->length);
  }
  return naive_item(item, 0, 6, day->tm.tm_wday);
}

static inline bool naive_begins_wild(const char *field) {
  return *field == '*' || *field == '?';
}

static inline bool naive_is_day(const struct naive *n, int64_t days) {
  struct naive_day day = naive_day(days);
  if (!n->month[day.tm.tm_mon + 1])
    return false;
  bool by_date = naive_list(n->fields[3], naive_day_item, &day);
  bool by_weekday = naive_list(n->fields[5], naive_weekday_item, &day);
  if (naive_begins_wild(n->fields[3]) || naive_begins_wild(n->fields[5]))
    return by_date && by_weekday;
  return by_date || by_weekday;
}

/* ---- an expression --------------------------------------------------------------------------- */

static inline void naive_read(struct naive *n, const char *expression) {
  int count = 1;
  for (const char *p = expression; *p; p++)
    count += *p == ' ';
  memset(n, 0, sizeof *n);
  char *rest = n->text;
  snprintf(n->text, sizeof n->text, "%s", expression);
  n->fields[0] = "0";
  for (int i = 6 - count; i < 6; i++)
    n->fields[i] = strsep(&rest, " ");
  for (int v = 0; v < 60; v++) {
    n->second[v] = naive_plain(n->fields[0], 0, 59, v);
    n->minute[v] = naive_plain(n->fields[1], 0, 59, v);
    if (v < 24)
      n->hour[v] = naive_plain(n->fields[2], 0, 23, v);
    if (v >= 1 && v <= 12)
      n->month[v] = naive_plain(n->fields[4], 1, 12, v);
  }
  n->fixed = *n->fields[1] != '*' && *n->fields[2] != '*';
}

#endif
