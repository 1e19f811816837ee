/* Cron expressions from text: fields are rows of a table, each item of a list sets bits. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/cron.h"

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                          "AUG", "SEP", "OCT", "NOV", "DEC", NULL};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL};

struct field {
  const char *name;
  int low, high;            /* values; weekdays also take 7 for Sunday */
  const char *const *names; /* of the values from `low` on; NULL: none */
  const char *takes;        /* what may stand there, for errors */
};

enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY };

static const struct field fields[] = {
    {"second", 0, 59, NULL, "0-59, *, ranges (10-20), steps (*/15) and lists (0,30)"},
    {"minute", 0, 59, NULL, "0-59, *, ranges (10-20), steps (*/15) and lists (0,30)"},
    {"hour", 0, 23, NULL, "0-23, *, ranges (9-17, 22-4), steps (*/2) and lists (9,13)"},
    {"day of month", 1, 31, NULL,
     "1-31, *, ?, ranges, steps, lists, L (last), L-3, 15W (nearest weekday) and LW"},
    {"month", 1, 12, month_names, "1-12 or JAN-DEC, *, ranges, steps and lists"},
    {"weekday", 0, 6, weekday_names,
     "0-7 or SUN-SAT (0 and 7 are Sunday), *, ?, ranges, steps, lists, 5L (last Friday) and MON#1"},
};

/* One item of a list while it is read. */
struct item {
  const struct field *field;
  const char *text; /* where the reading stands */
  const char *end;
  const char *start; /* the whole item, for errors */
  struct mv_error *err;
};

static int refuse(const struct item *item, const char *why) {
  return mv_error_set(item->err, MV_ERROR_USAGE, "%s field: \"%.*s\" %s; it takes %s",
                      item->field->name, (int)(item->end - item->start > 40 ? 40 : item->end - item->start),
                      item->start, why, item->field->takes);
}

static bool take(struct item *item, char c) {
  if (item->text == item->end || toupper((unsigned char)*item->text) != c)
    return false;
  item->text++;
  return true;
}

static bool at_end(const struct item *item) {
  return item->text == item->end;
}

/* A run of digits, up to 9999; -1 when there is none. */
static int take_number(struct item *item) {
  int value = -1;
  while (!at_end(item) && isdigit((unsigned char)*item->text)) {
    value = (value < 0 ? 0 : value) * 10 + (*item->text - '0');
    if (value > 9999)
      value = 9999;
    item->text++;
  }
  return value;
}

static int take_name(struct item *item) {
  for (int i = 0; item->field->names && item->field->names[i]; i++) {
    size_t length = strlen(item->field->names[i]);
    if ((size_t)(item->end - item->text) >= length &&
        strncasecmp(item->text, item->field->names[i], length) == 0) {
      item->text += length;
      return item->field->low + i;
    }
  }
  return -1;
}

static bool is_weekday(const struct item *item) {
  return item->field == &fields[WEEKDAY];
}

/* A value of the field into `value`; weekday 7 stays 7, so that 5-7 is a range. */
static int take_value(struct item *item, int *value) {
  *value = take_name(item);
  if (*value >= 0)
    return 0;
  *value = take_number(item);
  if (*value < 0)
    return refuse(item, "is not understood");
  if (*value < item->field->low || *value > item->field->high + (is_weekday(item) ? 1 : 0))
    return refuse(item, "is out of range");
  return 0;
}

static int take_step(struct item *item, int *step) {
  *step = 1;
  if (!take(item, '/'))
    return 0;
  *step = take_number(item);
  if (*step < 1)
    return refuse(item, "needs a step of at least 1 behind the /");
  if (*step > item->field->high)
    return refuse(item, "has a step longer than the field (for other intervals there is host.every)");
  return 0;
}

/* Every `step`th value from `from` to `to`, over the end of the field when `to` is before `from`. */
static uint64_t bits_between(const struct field *field, int from, int to, int step) {
  int size = field->high - field->low + 1;
  int span = to >= from ? to - from : to - from + size;
  uint64_t bits = 0;
  for (int i = 0; i <= span; i += step)
    bits |= UINT64_C(1) << (field->low + (from - field->low + i) % size);
  return bits;
}

/* "*", "5", "5-9", each with "/step", into `bits`. "5/10" runs to the end of the field. */
static int plain_item(struct item *item, uint64_t *bits) {
  int from = item->field->low, to = item->field->high, step;
  bool single = false;
  if (!take(item, '*')) {
    if (take_value(item, &from))
      return -1;
    to = from;
    single = !take(item, '-');
    if (!single && take_value(item, &to))
      return -1;
  }
  const char *before_step = item->text;
  if (take_step(item, &step))
    return -1;
  if (single && item->text != before_step)
    to = item->field->high;
  if (!at_end(item))
    return refuse(item, "is not understood");
  *bits |= bits_between(item->field, from, to, step);
  return 0;
}

/* "L", "L-3", "LW", "15W"; 1 when the item is none of them. */
static int day_item(struct item *item, struct mv_cron *cron) {
  const char *start = item->text;
  if (take(item, 'L')) {
    int before = 0;
    if (take(item, 'W') && at_end(item)) {
      cron->last_weekday_of_month = true;
      return 0;
    }
    if (take(item, '-') && ((before = take_number(item)) < 1 || before > 30))
      return refuse(item, "needs 1 to 30 days behind L-");
    if (!at_end(item))
      return refuse(item, "is not understood");
    cron->last_days |= UINT32_C(1) << before;
    return 0;
  }
  int day = take_number(item);
  if (day >= 0 && take(item, 'W') && at_end(item)) {
    if (day < 1 || day > 31)
      return refuse(item, "is out of range");
    cron->near_weekdays |= UINT32_C(1) << day;
    return 0;
  }
  item->text = start;
  return 1;
}

/* "5L", "FRI#2"; 1 when the item is none of them. */
static int weekday_item(struct item *item, struct mv_cron *cron) {
  const char *start = item->text;
  int day = take_name(item);
  if (day < 0)
    day = take_number(item);
  bool last = day >= 0 && take(item, 'L');
  if (day > 7 || (!last && !(day >= 0 && take(item, '#')))) {
    item->text = start;
    return 1;
  }
  int nth = last ? 6 : take_number(item);
  if (!last && (nth < 1 || nth > 5))
    return refuse(item, "needs 1 to 5 behind the #");
  if (!at_end(item))
    return refuse(item, "is not understood");
  cron->nth_weekdays[day % 7] |= (uint8_t)(1u << nth);
  return 0;
}

static int parse_item(struct item *item, int which, struct mv_cron *cron, uint64_t *bits) {
  if (at_end(item))
    return refuse(item, "is empty");
  if (take(item, '?')) {
    if (which != DAY && which != WEEKDAY)
      return refuse(item, "may stand in the day fields only");
    *bits = ~UINT64_C(0);
    return at_end(item) ? 0 : refuse(item, "is not understood");
  }
  int special = which == DAY ? day_item(item, cron) : which == WEEKDAY ? weekday_item(item, cron) : 1;
  return special <= 0 ? special : plain_item(item, bits);
}

static void store(struct mv_cron *cron, int which, const char *text, uint64_t bits) {
  bool wild = *text == '*';
  switch (which) {
  case SECOND:
    cron->seconds = bits;
    break;
  case MINUTE:
    cron->minutes = bits;
    cron->wild_minute = wild;
    break;
  case HOUR:
    cron->hours = (uint32_t)bits;
    cron->wild_hour = wild;
    break;
  case DAY:
    cron->days = (uint32_t)bits;
    cron->any_day = wild || *text == '?';
    break;
  case MONTH:
    cron->months = (uint32_t)bits;
    break;
  default:
    cron->weekdays = (uint32_t)bits & 0x7f;
    cron->any_weekday = wild || *text == '?';
  }
}

static int parse_field(struct mv_cron *cron, int which, const char *text, size_t length,
                       struct mv_error *err) {
  const char *end = text + length, *start = text;
  uint64_t bits = 0;
  for (;;) {
    const char *comma = memchr(start, ',', (size_t)(end - start));
    struct item item = {&fields[which], start, comma ? comma : end, start, err};
    if (parse_item(&item, which, cron, &bits))
      return -1;
    if (!comma)
      break;
    start = comma + 1;
  }
  store(cron, which, text, bits);
  return 0;
}

static const char *shorthand(const char *expression) {
  static const char *const words[][2] = {
      {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
      {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
      {"@annually", "0 0 1 1 *"}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcasecmp(expression, words[i][0]) == 0)
      return words[i][1];
  return NULL;
}

/* The fields of `text` into `starts` and `lengths` (6 at most); returns how many there are. */
static int split(const char *text, const char *starts[6], size_t lengths[6]) {
  int count = 0;
  for (;;) {
    text += strspn(text, " \t");
    if (!*text)
      return count;
    size_t length = strcspn(text, " \t");
    if (count < 6) {
      starts[count] = text;
      lengths[count] = length;
    }
    count++;
    text += length;
  }
}

static int parse_fields(const char *text, struct mv_cron *cron, struct mv_error *err) {
  const char *starts[6];
  size_t lengths[6];
  int count = split(text, starts, lengths);
  if (count != 5 && count != 6)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "it has %d field%s; it needs 5 (minute, hour, day of month, month, weekday) "
                        "or 6 (second first)",
                        count, count == 1 ? "" : "s");
  cron->seconds = 1;
  for (int i = 0; i < count; i++)
    if (parse_field(cron, i + (6 - count), starts[i], lengths[i], err))
      return -1;
  return 0;
}

static int parse(const char *expression, struct mv_cron *cron, struct mv_error *err) {
  const char *text = expression + strspn(expression, " \t");
  if (*text == '@' && !shorthand(text))
    return mv_error_set(err, MV_ERROR_USAGE,
                        "there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually");
  if (parse_fields(*text == '@' ? shorthand(text) : text, cron, err))
    return -1;
  if (mv_cron_next_local(cron, 0) == INT64_MAX)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "it can never fire: no month it names has such a day; correct day or month");
  return 0;
}

int mv_cron_parse(const char *expression, struct mv_cron *cron, struct mv_error *err) {
  memset(cron, 0, sizeof *cron);
  if (parse(expression, cron, err))
    return mv_error_prefix(err, "cron expression \"%.80s\"", expression);
  return 0;
}
