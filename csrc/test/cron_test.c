#include <string.h>

#include "host/cron.h"
#include "test/check.h"
#include "test/schedule_reference.h"
#include "time/calendar.h"

#define HOUR INT64_C(3600)
#define MINUTE INT64_C(60)

static int64_t at(int year, int month, int day, int hour, int minute, int second) {
  return mv_calendar_days(year, month, day) * MV_DAY + hour * HOUR + minute * MINUTE + second;
}

static int64_t next(const char *expression, int64_t from) {
  struct mv_cron cron;
  struct mv_error err = {0};
  if (mv_cron_parse(expression, &cron, &err)) {
    fprintf(stderr, "%s\n", err.text);
    return -1;
  }
  return mv_cron_next_local(&cron, from);
}

static bool refused(const char *expression, const char *with) {
  struct mv_cron cron;
  struct mv_error err = {0};
  if (mv_cron_parse(expression, &cron, &err) == 0) {
    fprintf(stderr, "taken: %s\n", expression);
    return false;
  }
  if (strstr(err.text, with) && err.kind == MV_ERROR_USAGE)
    return true;
  fprintf(stderr, "%s: no \"%s\" in: %s\n", expression, with, err.text);
  return false;
}

static void test_moments(void) {
  int64_t start = at(2026, 1, 1, 0, 0, 0); /* a Thursday */
  CHECK(next("* * * * *", start) == start);
  CHECK(next("* * * * *", start + 1) == start + 60);
  CHECK(next("0 9 * * MON-FRI", at(2026, 1, 2, 9, 0, 1)) == at(2026, 1, 5, 9, 0, 0));
  CHECK(next("*/15 9-17 * * *", at(2026, 1, 1, 17, 46, 0)) == at(2026, 1, 2, 9, 0, 0));
  CHECK(next("10 5 * * * *", start) == at(2026, 1, 1, 0, 5, 10));
  CHECK(next("*/20 * * * * *", start + 41) == start + 60);
  CHECK(next("59 59 23 31 12 *", start) == at(2026, 12, 31, 23, 59, 59));
  CHECK(next("0 22-4/3 * * *", at(2026, 1, 1, 2, 0, 0)) == at(2026, 1, 1, 4, 0, 0));
  CHECK(next("0 0 * NOV-FEB *", at(2026, 3, 1, 0, 0, 0)) == at(2026, 11, 1, 0, 0, 0));
  CHECK(next("5/20 0 * * *", start + 6 * MINUTE) == start + 25 * MINUTE);
  CHECK(next("5-5/20 0 * * *", start + 6 * MINUTE) == start + 5 * MINUTE + MV_DAY); /* a range of one */
}

static void test_days(void) {
  int64_t start = at(2026, 1, 1, 0, 0, 0);
  CHECK(next("0 0 L * *", start) == at(2026, 1, 31, 0, 0, 0));
  CHECK(next("0 0 L 2 *", start) == at(2026, 2, 28, 0, 0, 0));
  CHECK(next("0 0 L-3 2 ?", start) == at(2026, 2, 25, 0, 0, 0));
  CHECK(next("0 0 LW 1 ?", start) == at(2026, 1, 30, 0, 0, 0));
  CHECK(next("0 0 1W 2 ?", start) == at(2026, 2, 2, 0, 0, 0)); /* the 1st is a Sunday */
  CHECK(next("0 0 1W 8 ?", start) == at(2026, 8, 3, 0, 0, 0)); /* a Saturday: not into July */
  CHECK(next("0 0 31W 5 ?", start) == at(2026, 5, 29, 0, 0, 0)); /* a Sunday: not into June */
  CHECK(next("0 0 ? * 5L", start) == at(2026, 1, 30, 0, 0, 0));
  CHECK(next("0 0 ? * friL", start) == at(2026, 1, 30, 0, 0, 0));
  CHECK(next("0 0 ? * MON#1", start) == at(2026, 1, 5, 0, 0, 0));
  CHECK(next("0 0 ? * 7#1", start) == at(2026, 1, 4, 0, 0, 0));
  CHECK(next("0 0 * * 7", start) == at(2026, 1, 4, 0, 0, 0));
  CHECK(next("0 0 * * 5-7", at(2026, 1, 3, 0, 0, 1)) == at(2026, 1, 4, 0, 0, 0));
  CHECK(next("0 0 * * FRI-MON", at(2026, 1, 5, 0, 0, 1)) == at(2026, 1, 9, 0, 0, 0));
  CHECK(next("0 0 13 * FRI", start) == at(2026, 1, 2, 0, 0, 0)); /* either day field */
  CHECK(next("0 0 29 2 *", start) == at(2028, 2, 29, 0, 0, 0));
  CHECK(next("0 0 29 2 *", at(2096, 3, 1, 0, 0, 0)) == at(2104, 2, 29, 0, 0, 0));
  CHECK(next("0 0 */29 2 MON", start) == at(2044, 2, 1, 0, 0, 0) ||
        next("0 0 */29 2 MON", start) == at(2027, 2, 1, 0, 0, 0));
  CHECK(next("0 0 ? 2 SUN#5", start) == at(2032, 2, 29, 0, 0, 0));
}

static void test_shorthands(void) {
  int64_t from = at(2026, 6, 17, 12, 34, 56); /* a Wednesday */
  CHECK(next("@hourly", from) == at(2026, 6, 17, 13, 0, 0));
  CHECK(next("@daily", from) == at(2026, 6, 18, 0, 0, 0));
  CHECK(next(" @Midnight", from) == at(2026, 6, 18, 0, 0, 0));
  CHECK(next("@weekly", from) == at(2026, 6, 21, 0, 0, 0));
  CHECK(next("@monthly", from) == at(2026, 7, 1, 0, 0, 0));
  CHECK(next("@yearly", from) == at(2027, 1, 1, 0, 0, 0));
  CHECK(next("@annually", from) == at(2027, 1, 1, 0, 0, 0));
  CHECK(refused("@reboot", "@hourly"));
}

static void test_refusals(void) {
  CHECK(refused("", "0 fields"));
  CHECK(refused("* * * *", "4 fields"));
  CHECK(refused("* * * * * * *", "7 fields"));
  CHECK(refused("60 * * * *", "minute field: \"60\" is out of range; it takes 0-59"));
  CHECK(refused("* 24 * * *", "hour field: \"24\""));
  CHECK(refused("* * 0 * *", "day of month field"));
  CHECK(refused("* * 32 * *", "day of month field"));
  CHECK(refused("* * * 13 *", "month field"));
  CHECK(refused("* * * JANUARY *", "month field: \"JANUARY\" is not understood"));
  CHECK(refused("* * * * 8", "weekday field"));
  CHECK(refused("* * * * MON#6", "behind the #"));
  CHECK(refused("* * * * L", "weekday field: \"L\""));
  CHECK(refused("*/0 * * * *", "step of at least 1"));
  CHECK(refused("*/90 * * * *", "host.every"));
  CHECK(refused("1,,2 * * * *", "is empty"));
  CHECK(refused("1, * * * *", "is empty"));
  CHECK(refused("? * * * *", "day fields only"));
  CHECK(refused("1-2-3 * * * *", "\"1-2-3\""));
  CHECK(refused("99999999999999999999 * * * *", "out of range"));
  CHECK(refused("-5 * * * *", "not understood"));
  CHECK(refused("* * L-31 * *", "L-"));
  CHECK(refused("* * 0W * *", "out of range"));
  CHECK(refused("0 0 30 2 *", "never fire"));
  CHECK(refused("0 0 31 4,6,9,11 *", "never fire"));
  CHECK(refused("0 0 31W 2 ?", "never fire"));
  CHECK(refused("0 0 ? 2 *#5", "weekday"));
}

static void test_text_is_bounded(void) {
  char text[4096];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  CHECK(refused(text, "1 field;"));
  memcpy(text, "1 1 1 1 ", 8);
  CHECK(refused(text, "weekday field"));
}

static void test_far(void) {
  struct mv_cron cron;
  CHECK(mv_cron_parse("0 0 1 1 *", &cron, NULL) == 0);
  CHECK(mv_cron_next_local(&cron, INT64_MAX) == INT64_MAX);
  CHECK(mv_cron_next_local(&cron, INT64_MIN) > INT64_MIN);
  CHECK(mv_cron_next_local(&cron, at(1900, 5, 1, 0, 0, 0)) == at(1901, 1, 1, 0, 0, 0));
}

/* Random expressions against a scan minute by minute. */
static void test_against_scan(void) {
  char expression[160];
  int compared = 0, wrong = 0;
  for (int round = 0; round < 400; round++) {
    struct mv_cron cron;
    reference_expression(expression);
    if (mv_cron_parse(expression, &cron, NULL))
      continue;
    int64_t from = at(2020 + reference_random(12), 1 + reference_random(12), 1, 0, 0, 0);
    int64_t expected = mv_cron_next_local(&cron, from);
    for (int64_t local = from; local < from + 20 * MV_DAY; local += 60) {
      bool match = reference_matches(&cron, local);
      if (match != (expected == local) && wrong++ < 5)
        fprintf(stderr, "%s: differs at local %lld\n", expression, (long long)local);
      if (expected == local)
        expected = mv_cron_next_local(&cron, local + 1);
      compared++;
    }
  }
  CHECK(wrong == 0);
  CHECK(compared > 1000000);
}

int main(void) {
  test_moments();
  test_days();
  test_shorthands();
  test_refusals();
  test_text_is_bounded();
  test_far();
  test_against_scan();
  return check_end("cron");
}
