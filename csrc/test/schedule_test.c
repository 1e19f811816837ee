#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/schedule.h"
#include "test/check.h"
#include "test/schedule_reference.h"
#include "time/calendar.h"

#define HOUR INT64_C(3600)
#define MINUTE INT64_C(60)

static const char *const places[] = {"Europe/Oslo",  "America/New_York",  "Australia/Lord_Howe",
                                     "Asia/Kolkata", "America/Sao_Paulo", "UTC"};

static int64_t at(int year, int month, int day, int hour, int minute) {
  return mv_calendar_days(year, month, day) * MV_DAY + hour * HOUR + minute * MINUTE;
}

static bool open_schedule(struct mv_schedule *schedule, const char *kind, const char *text,
                          const char *zone) {
  struct mv_error err = {0};
  if (mv_schedule_init(schedule, kind, text, zone, &err) == 0)
    return true;
  fprintf(stderr, "%s\n", err.text);
  mv_schedule_free(schedule);
  return false;
}

static int64_t next(const char *expression, const char *zone, int64_t after, bool *shifted) {
  struct mv_schedule schedule;
  if (!open_schedule(&schedule, "cron", expression, zone))
    return -1;
  int64_t moment = mv_schedule_next(&schedule, after, shifted);
  mv_schedule_free(&schedule);
  return moment;
}

static void test_daylight_saving(void) {
  bool shifted = false;
  int64_t spring = at(2026, 3, 29, 1, 0), autumn = at(2026, 10, 25, 0, 0); /* 02:00 and the first 02:00 */
  const char *oslo = "Europe/Oslo";
  CHECK(next("30 2 * * *", oslo, spring - 3600, &shifted) == spring && shifted);
  CHECK(next("30 2 * * *", oslo, spring, &shifted) == at(2026, 3, 30, 0, 30) && !shifted);
  CHECK(next("10,20,30 2 * * *", oslo, spring - 3600, &shifted) == spring && shifted);
  CHECK(next("10,20,30 2 * * *", oslo, spring, &shifted) == at(2026, 3, 30, 0, 10));
  CHECK(next("30 2 * * *", oslo, autumn - 1, &shifted) == autumn + 1800 && !shifted);
  CHECK(next("30 2 * * *", oslo, autumn + 1800, &shifted) == at(2026, 10, 26, 1, 30));
  CHECK(next("30 2 * * *", oslo, autumn + 3600 + 60, NULL) == at(2026, 10, 26, 1, 30));
  CHECK(next("30 * * * *", oslo, autumn + 1800, NULL) == autumn + 5400);
  CHECK(next("30 * * * *", oslo, spring - 1800, NULL) == spring + 1800);
  CHECK(next("*/30 2 * * *", oslo, spring - 3600, NULL) == at(2026, 3, 30, 0, 0));
  CHECK(next("0 0 * * *", "America/Sao_Paulo", at(2018, 11, 3, 12, 0), &shifted) ==
            at(2018, 11, 4, 3, 0) &&
        shifted);
}

static void test_every(void) {
  struct mv_schedule schedule;
  CHECK(open_schedule(&schedule, "every", "15m", "UTC"));
  CHECK(mv_schedule_next(&schedule, 0, NULL) == 900);
  CHECK(mv_schedule_next(&schedule, 899, NULL) == 900);
  CHECK(mv_schedule_next(&schedule, 900, NULL) == 1800);
  CHECK(mv_schedule_next(&schedule, -1, NULL) == 0);
  mv_schedule_free(&schedule);
  struct mv_error err;
  CHECK(mv_schedule_init(&schedule, "every", "1500ms", NULL, &err) && strstr(err.text, "whole seconds"));
  CHECK(mv_schedule_init(&schedule, "every", "0", NULL, &err) && strstr(err.text, "whole seconds"));
  CHECK(mv_schedule_init(&schedule, "cron", "0 0 30 2 *", NULL, &err) && strstr(err.text, "never"));
  CHECK(mv_schedule_init(&schedule, "cron", "0 0 * * *", "Mars/Base", &err));
  mv_schedule_free(&schedule);
  CHECK(mv_schedule_init(&schedule, "hourly", "1", NULL, &err) && strstr(err.text, "\"hourly\""));
}

static void test_durations(void) {
  static const struct {
    const char *text;
    int64_t milliseconds;
  } cases[] = {{"90", 90000},       {"15m", 900000},       {"1h30m", 5400000},  {"500ms", 500},
               {"2d", 172800000},   {"1w", 604800000},     {"1.5h", 5400000},   {"0.25", 250},
               {" 1h 30m ", 5400000}, {"0", 0},            {"1w2d3h4m5s6ms", 788645006},
               {"", -1},            {"m", -1},             {"15", 15000},       {"15x", -1},
               {"-5m", -1},         {"1h30", -1},          {"1e3", -1},         {"inf", -1},
               {"0x10", -1},        {"1.", -1},            {".5", -1},          {"15 m", -1},
               {"99999999999999999999", -1},               {"5000w5000w", -1},  {"1000000w", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct mv_error err = {0};
    int64_t got = mv_duration_parse(cases[i].text, &err);
    if (got != cases[i].milliseconds)
      fprintf(stderr, "\"%s\": %lld\n", cases[i].text, (long long)got);
    CHECK(got == cases[i].milliseconds);
    CHECK((got < 0) == (err.text[0] != '\0'));
  }
}

/* One window, minute by minute: wanted[i] tells whether the schedule is due at start + i minutes. */
struct window {
  int64_t start;
  int minutes;
  bool *wanted;
};

static void mark_by_clock(const struct mv_schedule *s, struct window *w) {
  for (int i = 0; i < w->minutes; i++) {
    int64_t utc = w->start + i * MINUTE;
    w->wanted[i] = reference_matches(&s->cron, utc + mv_zone_offset(s->zone, utc, NULL));
  }
}

/* As Debian's cron: local minutes count once, and those that were jumped over right after. */
static void mark_fixed(const struct mv_schedule *s, struct window *w) {
  int64_t reached = w->start - 60 + mv_zone_offset(s->zone, w->start - 60, NULL);
  for (int i = 0; i < w->minutes; i++) {
    int64_t utc = w->start + i * MINUTE, local = utc + mv_zone_offset(s->zone, utc, NULL);
    w->wanted[i] = false;
    for (; reached < local; reached += 60)
      w->wanted[i] |= reference_matches(&s->cron, reached + 60);
  }
}

static int compare(const struct mv_schedule *s, struct window *w) {
  int wrong = 0;
  int64_t expected = mv_schedule_next(s, w->start - 1, NULL);
  for (int i = 0; i < w->minutes; i++) {
    int64_t utc = w->start + i * MINUTE;
    wrong += w->wanted[i] != (expected == utc);
    if (expected == utc)
      expected = mv_schedule_next(s, utc, NULL);
  }
  return wrong;
}

/* Random expressions in several zones, in weeks around a change of the clock. */
static void test_against_scan(const char *place) {
  struct window w = {0, 16 * 1440, NULL};
  int wrong = 0, done = 0;
  w.wanted = calloc((size_t)w.minutes, sizeof *w.wanted);
  for (int round = 0; round < 120; round++) {
    struct mv_schedule s;
    char expression[160];
    reference_expression(expression);
    if (mv_schedule_init(&s, "cron", expression, place, NULL)) {
      mv_schedule_free(&s);
      continue;
    }
    int64_t from = at(2010 + reference_random(30), 1 + reference_random(12), 1, 0, 0);
    int64_t change = mv_zone_next_change(s.zone, from);
    w.start = (change == INT64_MAX || change > from + 400 * MV_DAY ? from : change) - 8 * MV_DAY;
    w.start -= w.start % MV_DAY;
    if (s.cron.wild_hour || s.cron.wild_minute)
      mark_by_clock(&s, &w);
    else
      mark_fixed(&s, &w);
    int differ = compare(&s, &w);
    if (differ)
      fprintf(stderr, "%s in %s from %lld: %d differ\n", expression, place, (long long)w.start, differ);
    wrong += differ;
    done++;
    mv_schedule_free(&s);
  }
  CHECK(wrong == 0);
  CHECK(done > 60);
  free(w.wanted);
}

static void test_rare_is_quick(void) {
  bool shifted;
  CHECK(next("0 12 ? 2 MON#5", "Europe/Oslo", at(2026, 1, 1, 0, 0), &shifted) == at(2044, 2, 29, 11, 0));
  CHECK(next("* * ? 2 MON#5", "Europe/Oslo", at(2026, 1, 1, 0, 0), &shifted) == at(2044, 2, 28, 23, 0));
  CHECK(next("0 0 1 1 *", "UTC", INT64_MAX, NULL) == INT64_MAX);
}

int main(void) {
  test_every();
  test_durations();
  if (access("/usr/share/zoneinfo/Europe/Oslo", R_OK) == 0) {
    test_daylight_saving();
    test_rare_is_quick();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
      test_against_scan(places[i]);
  }
  return check_end("schedule");
}
