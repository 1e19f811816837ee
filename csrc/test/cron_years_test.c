/* Schedules over ten years against a walk through every minute of them: random expressions, zones
 * with odd rules. The walk reads expressions by itself (cron_naive.h) and asks the C library for
 * local time. MAVILUA_CRON_EXPRESSIONS and MAVILUA_SEED change number and choice; the seed is
 * printed. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/schedule.h"
#include "test/check.h"
#include "test/cron_naive.h"

#define YEARS_DAYS 3653 /* ten years */
#define MINUTES_A_DAY 1440
#define MINUTES (YEARS_DAYS * MINUTES_A_DAY)
#define MOST_A_DAY 90000 /* moments: every second of 25 hours */
#define ENOUGH_A_DAY 40  /* moments compared on a day far from any change of the clock */
#ifdef __SANITIZE_THREAD__ /* there is but one thread, and each access is ten times as slow */
#define EXPRESSIONS 16
#else
#define EXPRESSIONS 96
#endif

static const char *const places[] = {
    "Australia/Lord_Howe", "Pacific/Apia",     "Africa/Casablanca", "Europe/Dublin",
    "America/St_Johns",    "Antarctica/Troll", "America/Sao_Paulo", "Asia/Tehran",
    "Europe/Oslo",         "America/New_York", "Pacific/Chatham",   "Asia/Gaza",
    "Asia/Pyongyang",      "America/Caracas",  "Africa/Cairo",      "UTC"};
#define PLACES (sizeof places / sizeof places[0])

static uint64_t state;

/* From 0 to `below` - 1. */
static int pick(int below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (int)((state >> 11) % (uint64_t)below);
}

/* ---- random expressions ---------------------------------------------------------------------- */

static void add(char *out, size_t size, const char *text) {
  snprintf(out + strlen(out), size - strlen(out), "%s", text);
}

static void add_value(char *out, size_t size, int low, int high) {
  static const char *const months[] = {"jan", "FEB", "Mar", "APR", "MAY", "JUN",
                                       "JUL", "AUG", "SEP", "oct", "NOV", "DEC"};
  static const char *const weekdays[] = {"SUN", "mon", "TUE", "Wed", "THU", "FRI", "SAT", "7"};
  char number[16];
  int value = low + pick(high - low + 1);
  snprintf(number, sizeof number, "%d", value);
  bool named = pick(3) == 0;
  if (high == 12)
    add(out, size, named ? months[value - 1] : number);
  else if (high == 6)
    add(out, size, named ? weekdays[pick(8)] : number);
  else
    add(out, size, number);
}

/* "*", "7", "3-9", "FRI-MON", "4/10", "20-8/3" */
static void add_item(char *out, size_t size, int low, int high) {
  char step[16];
  snprintf(step, sizeof step, "/%d", 1 + pick(high > 30 ? 20 : high - 1));
  int shape = pick(6);
  add_value(out, size, low, high);
  if (shape < 2)
    return;
  if (shape < 4) {
    add(out, size, "-");
    add_value(out, size, low, high);
  }
  if (shape > 2)
    add(out, size, step);
}

static void add_field(char *out, size_t size, int low, int high) {
  int wild = pick(4);
  if (wild < 2) {
    char step[16];
    snprintf(step, sizeof step, "*/%d", 1 + pick(high > 30 ? 30 : high - 1));
    add(out, size, wild ? "*" : step);
    return;
  }
  for (int i = pick(3); i >= 0; i--) {
    add_item(out, size, low, high);
    add(out, size, i ? "," : "");
  }
}

/* One of the special words, or several. */
static void add_words(char *out, size_t size, const char *const *words, int count) {
  for (int i = pick(3) ? 0 : 1; i >= 0; i--) {
    add(out, size, words[pick(count)]);
    add(out, size, i ? "," : "");
  }
}

static void random_expression(char *out, size_t size) {
  static const char *const days[] = {"?", "L", "L-2", "L-30", "15W", "1W", "31W", "LW", "29", "L-9"};
  static const char *const weekdays[] = {"?",    "MON-FRI", "5L",    "friL", "MON#1", "7",  "0#5",
                                         "3#5",  "FRI-MON", "5-7",   "7L",   "7#2",   "0-7"};
  *out = '\0';
  if (pick(3) == 0) {
    add_field(out, size, 0, 59);
    add(out, size, " ");
  }
  add_field(out, size, 0, 59);
  add(out, size, " ");
  add_field(out, size, 0, 23);
  add(out, size, " ");
  if (pick(2))
    add_words(out, size, days, 10);
  else
    add_field(out, size, 1, 31);
  add(out, size, " ");
  if (pick(2))
    add(out, size, "*");
  else
    add_field(out, size, 1, 12);
  add(out, size, " ");
  if (pick(2))
    add_words(out, size, weekdays, 13);
  else
    add_field(out, size, 0, 6);
}

/* ---- ten years of a zone --------------------------------------------------------------------- */

struct years {
  const char *place;
  int64_t start;      /* seconds since 1970, a UTC midnight */
  int32_t *offsets;   /* of each minute, in seconds */
  bool changes[YEARS_DAYS + 2]; /* the clock changes on this day or one beside it */
};

static int32_t library_offset(int64_t utc) {
  time_t t = (time_t)utc;
  struct tm tm;
  localtime_r(&t, &tm);
  return (int32_t)tm.tm_gmtoff;
}

static void fill_hour(struct years *y, int minute) {
  int64_t utc = y->start + (int64_t)minute * 60;
  int32_t first = library_offset(utc);
  bool same = first == library_offset(utc + 3599);
  for (int i = 0; i < 60; i++)
    y->offsets[minute + i] = same ? first : library_offset(utc + i * 60);
  if (same && (minute == 0 || y->offsets[minute - 1] == first))
    return;
  int day = minute / MINUTES_A_DAY;
  for (int i = day > 0 ? day - 1 : 0; i <= day + 1; i++)
    y->changes[i] = true;
}

static void fill_years(struct years *y, const char *place) {
  memset(y->changes, 0, sizeof y->changes);
  y->place = place;
  y->start = (365 * (3 + pick(60)) + pick(365)) * INT64_C(86400); /* 1973 to 2033 */
  setenv("TZ", place, 1);
  tzset();
  for (int minute = 0; minute < MINUTES; minute += 60)
    fill_hour(y, minute);
  unsetenv("TZ");
}

/* ---- the walk -------------------------------------------------------------------------------- */

struct walk {
  const struct years *years;
  struct naive cron;
  int64_t reached; /* the last local minute that has had its turn, for fixed times */
  int64_t day;     /* the local day that `is_day` is about */
  bool is_day;
  int64_t moments[MOST_A_DAY]; /* of the UTC day walked last */
  int count;
};

static bool names_minute(struct walk *w, int64_t local_minute) {
  int64_t day = local_minute / MINUTES_A_DAY;
  int minute = (int)(local_minute % MINUTES_A_DAY);
  if (!w->cron.minute[minute % 60] || !w->cron.hour[minute / 60])
    return false;
  if (day != w->day) {
    w->day = day;
    w->is_day = naive_is_day(&w->cron, day);
  }
  return w->is_day;
}

static void add_moment(struct walk *w, int64_t moment) {
  if (w->count == 0 || w->moments[w->count - 1] != moment)
    w->moments[w->count++] = moment;
}

static void add_minute(struct walk *w, int64_t utc) {
  for (int second = 0; second < 60; second++)
    if (w->cron.second[second])
      add_moment(w, utc + second);
}

/* Wildcards follow the clock. Fixed times: as Debian's cron, what the clock jumped over comes right
 * after the jump, and what it shows a second time has had its turn. */
static void walk_minute(struct walk *w, int64_t utc, int64_t local_minute) {
  if (!w->cron.fixed) {
    if (names_minute(w, local_minute))
      add_minute(w, utc);
    return;
  }
  for (; w->reached + 1 < local_minute; w->reached++)
    if (names_minute(w, w->reached + 1))
      add_moment(w, utc);
  if (w->reached < local_minute && names_minute(w, local_minute))
    add_minute(w, utc);
  if (w->reached < local_minute)
    w->reached = local_minute;
}

static void walk_day(struct walk *w, int day) {
  w->count = 0;
  for (int i = day * MINUTES_A_DAY; i < (day + 1) * MINUTES_A_DAY; i++) {
    int64_t utc = w->years->start + (int64_t)i * 60;
    walk_minute(w, utc, (utc + w->years->offsets[i]) / 60);
  }
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void differ(const struct walk *w, const char *expression, int64_t ours, int64_t theirs) {
  fprintf(stderr, "\"%s\" in %s: next is %lld, by the walk %lld\n", expression, w->years->place,
          (long long)ours, (long long)theirs);
}

/* *next is ours after what was compared so far. Returns the moments compared, or -1. */
static int compare_day(const struct mv_schedule *s, const struct walk *w, int day, int64_t *next,
                       const char *expression) {
  int64_t end = w->years->start + (int64_t)(day + 1) * 86400;
  int limit = w->years->changes[day] && w->count < 5000 ? w->count : ENOUGH_A_DAY;
  int compared = w->count < limit ? w->count : limit;
  for (int i = 0; i < compared; i++) {
    if (*next != w->moments[i]) {
      differ(w, expression, *next, w->moments[i]);
      return -1;
    }
    *next = mv_schedule_next(s, *next, NULL);
  }
  if (compared < w->count) {
    *next = mv_schedule_next(s, end - 1, NULL);
  } else if (*next < end) {
    differ(w, expression, *next, end);
    return -1;
  }
  return compared;
}

/* The moments compared, or -1. */
static int64_t compare_years(const struct years *y, const struct mv_schedule *s,
                             const char *expression, struct walk *w) {
  naive_read(&w->cron, expression);
  w->years = y;
  w->day = -1;
  w->reached = (y->start + y->offsets[0]) / 60 - 1;
  int64_t next = mv_schedule_next(s, y->start - 1, NULL), sum = 0;
  for (int day = 0; day < YEARS_DAYS; day++) {
    walk_day(w, day);
    int compared = compare_day(s, w, day, &next, expression);
    if (compared < 0)
      return -1;
    sum += compared;
  }
  return sum;
}

/* What was refused because it can never fire does not in ten years. */
static void check_refusal(const struct years *y, const char *expression, const struct mv_error *err) {
  struct naive cron = {.fixed = false};
  bool fires = false;
  naive_read(&cron, expression);
  for (int day = 0; day < YEARS_DAYS; day++)
    fires = fires || naive_is_day(&cron, y->start / 86400 + day);
  if (fires || !strstr(err->text, "never"))
    fprintf(stderr, "%s\n", err->text);
  CHECK(!fires && strstr(err->text, "never"));
}

/* One random expression; false when it was none that can fire. */
static bool try_expression(const struct years *y, struct walk *w, int64_t *moments) {
  char expression[192];
  struct mv_schedule s;
  struct mv_error err = {0};
  random_expression(expression, sizeof expression);
  if (mv_schedule_init(&s, "cron", expression, y->place, &err)) {
    mv_schedule_free(&s);
    check_refusal(y, expression, &err);
    return false;
  }
  int64_t compared = compare_years(y, &s, expression, w);
  CHECK(compared >= 0);
  *moments += compared;
  mv_schedule_free(&s);
  return true;
}

static long setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text && *text ? strtol(text, NULL, 10) : otherwise;
}

int main(void) {
  long wanted = setting("MAVILUA_CRON_EXPRESSIONS", EXPRESSIONS), seed = setting("MAVILUA_SEED", 20260601);
  struct years years = {.offsets = calloc(MINUTES, sizeof(int32_t))};
  struct walk *walk = calloc(1, sizeof *walk);
  int64_t moments = 0;
  long done = 0;
  state = (uint64_t)seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
  for (size_t place = 0; done < wanted; place = (place + 1) % PLACES) {
    fill_years(&years, places[place]);
    for (int i = 0; i < 10 && done < wanted;)
      if (try_expression(&years, walk, &moments))
        i++, done++;
  }
  printf("cron_years: MAVILUA_SEED=%ld, %ld expressions over ten years each, %lld moments\n", seed,
         done, (long long)moments);
  free(years.offsets);
  free(walk);
  return check_end("cron_years");
}
