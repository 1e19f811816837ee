/* Spans of time as people write them. */
#include <ctype.h>
#include <string.h>

#include "host/schedule.h"

/* A hundred years: beyond it a duration is a mistake. */
#define LONGEST (INT64_C(36525) * 86400 * 10)

struct unit {
  const char *name;
  int64_t milliseconds;
};

static const struct unit units[] = {{"ms", 1},        {"s", 1000},      {"m", 60000},
                                    {"h", 3600000},   {"d", 86400000},  {"w", 604800000}};

static const struct unit *unit_of(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
    if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0)
      return &units[i];
  return NULL;
}

/* Digits with at most nine behind a point, as billionths; -1 when there are none or too many. */
static int64_t take_number(const char **text) {
  int64_t value = 0, scale = 1000000000;
  const char *p = *text;
  if (!isdigit((unsigned char)*p))
    return -1;
  for (; isdigit((unsigned char)*p); p++)
    if ((value = value * 10 + (*p - '0')) > INT64_C(8000000000))
      return -1;
  value *= scale;
  if (*p == '.') {
    if (!isdigit((unsigned char)*++p))
      return -1;
    for (; isdigit((unsigned char)*p); p++)
      value += (*p - '0') * (scale /= 10);
  }
  *text = p;
  return value;
}

/* One "number unit" into milliseconds; -1 when it is none. */
static int64_t take_part(const char **text, bool first) {
  int64_t number = take_number(text);
  size_t length = 0;
  while (isalpha((unsigned char)(*text)[length]))
    length++;
  const struct unit *unit = length ? unit_of(*text, length) : first && !**text ? &units[1] : NULL;
  if (number < 0 || !unit)
    return -1;
  *text += length;
  double total = (double)number / 1e9 * (double)unit->milliseconds;
  return total > (double)LONGEST ? -1 : (int64_t)(total + 0.5);
}

int64_t mv_duration_parse(const char *text, struct mv_error *err) {
  const char *p = text + strspn(text, " \t");
  int64_t total = 0;
  bool first = true;
  do {
    int64_t part = take_part(&p, first);
    total = part < 0 || total + part > LONGEST ? -1 : total + part;
    p += strspn(p, " \t");
    first = false;
  } while (total >= 0 && *p);
  if (total < 0)
    mv_error_set(err, MV_ERROR_USAGE,
                 "\"%.40s\" is not a duration; expected seconds (90) or numbers with ms, s, m, h, d "
                 "or w, such as 15m or 1h30m",
                 text);
  return total;
}
