#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test/check.h"
#include "time/calendar.h"
#include "time/zone.h"
#include "time/zone_parts.h"

#define HOUR INT64_C(3600)

static const char *const places[] = {
    "Europe/Oslo",   "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",   "America/Sao_Paulo",
    "Europe/Dublin", "Africa/Casablanca", "Pacific/Apia",       "Asia/Kathmandu", "Europe/Moscow",
    "Asia/Tehran",   "Antarctica/Troll",  "America/Nuuk",       "Asia/Gaza",      "Pacific/Chatham"};
#define PLACES (sizeof places / sizeof places[0])

static bool have_files(void) {
  return access("/usr/share/zoneinfo/Europe/Oslo", R_OK) == 0;
}

/* The C library's answer; it reads the same files with other code. */
static long library_offset(int64_t utc, const char **name) {
  static struct tm tm;
  time_t t = (time_t)utc;
  localtime_r(&t, &tm);
  *name = tm.tm_zone;
  return tm.tm_gmtoff;
}

static int differences(const char *place, int64_t step) {
  struct mv_error err = {0};
  struct mv_zone *zone = mv_zone_load(place, &err);
  int wrong = 0;
  if (!zone) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  setenv("TZ", place, 1);
  tzset();
  int64_t end = mv_calendar_days(2150, 1, 1) * MV_DAY;
  for (int64_t t = mv_calendar_days(1905, 1, 1) * MV_DAY; t < end; t += step) {
    const char *ours = "", *theirs = "";
    int32_t offset = mv_zone_offset(zone, t, &ours);
    long other = library_offset(t, &theirs);
    if ((offset != other || strcmp(ours, theirs) != 0) && wrong++ < 3)
      fprintf(stderr, "%s at %lld: %d %s, library %ld %s\n", place, (long long)t, offset, ours, other,
              theirs);
  }
  unsetenv("TZ");
  mv_zone_free(zone);
  return wrong;
}

static void test_offsets(void) {
  for (size_t i = 0; i < PLACES; i++)
    CHECK(differences(places[i], 31 * HOUR) == 0);
}

/* Between two changes nothing changes, and at each of them something does. */
static void test_changes(const char *place) {
  struct mv_zone *zone = mv_zone_load(place, NULL);
  int wrong = 0, count = 0;
  int64_t t = mv_calendar_days(1970, 1, 1) * MV_DAY, end = mv_calendar_days(2060, 1, 1) * MV_DAY;
  while (zone && t < end) {
    int64_t change = mv_zone_next_change(zone, t);
    for (int64_t u = t; u < change && u < end; u += 50 * HOUR)
      wrong += mv_zone_offset(zone, u, NULL) != mv_zone_offset(zone, t, NULL);
    if (change != INT64_MAX)
      wrong += mv_zone_offset(zone, change - 1, NULL) == mv_zone_offset(zone, change, NULL);
    t = change;
    count++;
  }
  CHECK(wrong == 0);
  CHECK(count >= 1);
  mv_zone_free(zone);
}

static void test_moments(void) {
  struct mv_zone *zone = mv_zone_load("Europe/Oslo", NULL);
  int64_t out[2];
  int64_t spring = mv_calendar_days(2026, 3, 29) * MV_DAY, autumn = mv_calendar_days(2026, 10, 25) * MV_DAY;
  CHECK(zone != NULL);
  CHECK(mv_zone_moments(zone, spring + 2 * HOUR - 1, out) == 1 && out[0] == spring + 3600 - 1);
  CHECK(mv_zone_moments(zone, spring + 2 * HOUR, out) == 0 && out[0] == spring + 3600);
  CHECK(mv_zone_moments(zone, spring + 3 * HOUR - 1, out) == 0 && out[0] == spring + 3600);
  CHECK(mv_zone_moments(zone, spring + 3 * HOUR, out) == 1 && out[0] == spring + 3600);
  CHECK(mv_zone_moments(zone, autumn + 2 * HOUR, out) == 2 && out[0] == autumn && out[1] == autumn + 3600);
  CHECK(mv_zone_moments(zone, autumn + 3 * HOUR, out) == 1 && out[0] == autumn + 2 * HOUR);
  CHECK(strcmp(mv_zone_name(zone), "Europe/Oslo") == 0);
  mv_zone_free(zone);
}

static struct mv_error refusal(const char *name) {
  struct mv_error err = {0};
  struct mv_zone *zone = mv_zone_load(name, &err);
  CHECK(zone == NULL);
  mv_zone_free(zone);
  return err;
}

static void test_unknown(void) {
  CHECK(strstr(refusal("Europe/Osol").text, "did you mean \"Europe/Oslo\""));
  CHECK(strstr(refusal("oslo").text, "did you mean \"Europe/Oslo\""));
  CHECK(strstr(refusal("../../etc/passwd").text, "is not known"));
  CHECK(strstr(refusal("/etc/localtime").text, "is not known"));
  CHECK(strstr(refusal("Europe").text, "is not known"));
  CHECK(strstr(refusal("tzdata.zi").text, "is not known"));
  CHECK(strstr(refusal("Europe//Oslo").text, "is not known"));
}

static void test_without_files(void) {
  setenv("TZDIR", "/nonexistent", 1);
  CHECK(strstr(refusal("Europe/Oslo").text, "tzdata"));
  struct mv_zone *zone = mv_zone_load("UTC", NULL);
  int64_t out[2];
  CHECK(zone && mv_zone_offset(zone, 1790000000, NULL) == 0);
  CHECK(zone && mv_zone_next_change(zone, 0) == INT64_MAX);
  CHECK(zone && mv_zone_moments(zone, 86400, out) == 1 && out[0] == 86400);
  mv_zone_free(zone);
  unsetenv("TZDIR");
}

static void test_machine(void) {
  setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  struct mv_zone *zone = mv_zone_load(NULL, NULL);
  const char *name = "";
  CHECK(zone && mv_zone_offset(zone, mv_calendar_days(2026, 7, 1) * MV_DAY, &name) == 7200);
  CHECK(strcmp(name, "CEST") == 0);
  CHECK(zone && mv_zone_offset(zone, mv_calendar_days(1999, 1, 1) * MV_DAY, NULL) == 3600);
  mv_zone_free(zone);
  unsetenv("TZ");
  zone = mv_zone_load("", NULL);
  CHECK(zone != NULL);
  mv_zone_free(zone);
}

static int32_t by_rule(const char *text, int64_t utc) {
  struct mv_zone_rule rule;
  return mv_zone_rule_parse(text, strlen(text), &rule) ? -99 : mv_zone_rule_offset(&rule, utc, NULL);
}

static void test_rules(void) {
  int64_t july = mv_calendar_days(2030, 7, 1) * MV_DAY, january = mv_calendar_days(2030, 1, 15) * MV_DAY;
  CHECK(by_rule("<+0545>-5:45", july) == 20700);
  CHECK(by_rule("IST-1GMT0,M10.5.0,M3.5.0/1", july) == 3600);
  CHECK(by_rule("IST-1GMT0,M10.5.0,M3.5.0/1", january) == 0);
  CHECK(by_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", july) == -3600);
  CHECK(by_rule("EST5EDT,0/0,J365/25", july) == -4 * HOUR);
  CHECK(by_rule("EST5EDT,0/0,J365/25", mv_calendar_days(2030, 1, 1) * MV_DAY + 4 * HOUR) == -4 * HOUR);
  CHECK(by_rule("NZST-12NZDT,M9.5.0,M4.1.0/3", january) == 13 * HOUR);
  CHECK(by_rule("AAA3BBB,J60/0,J300", july) == -2 * HOUR);
  static const char *const bad[] = {"",         "X",          "CET",           "CET-1CEST",   "CET-1CEST,M3.5.0",
                                    "<CET-1",   "CET-99",     "CET-1CEST,M13.1.0,M1.1.0",     "CET-1x,,",
                                    "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1CEST,J0,J1", "CET-1CEST,400,1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CHECK(by_rule(bad[i], 0) == -99);
}

static size_t slurp(const char *path, unsigned char *out, size_t size) {
  FILE *file = fopen(path, "rb");
  size_t length = file ? fread(out, 1, size, file) : 0;
  if (file)
    fclose(file);
  return length;
}

static int read_copy(const unsigned char *data, size_t length) {
  unsigned char *copy = malloc(length ? length : 1); /* exact size: the sanitizer sees reads beyond */
  struct mv_zone *zone = calloc(1, sizeof *zone);
  struct mv_error err;
  memcpy(copy, data, length);
  int failed = mv_zone_read_data(copy, length, zone, &err);
  if (!failed) {
    int64_t out[2];
    mv_zone_moments(zone, 1790000000, out);
    mv_zone_next_change(zone, INT64_MIN);
    mv_zone_offset(zone, INT64_MAX, NULL);
  }
  mv_zone_free(zone);
  free(copy);
  return failed;
}

/* Cut off anywhere and with bytes turned at random: refused or read, never out of bounds. */
static void test_hostile(void) {
  unsigned char data[8192], turned[8192];
  unsigned state = 7;
  size_t length = slurp("/usr/share/zoneinfo/Europe/Oslo", data, sizeof data);
  CHECK(read_copy(data, length) == 0);
  for (size_t cut = 0; cut < length; cut++)
    CHECK(read_copy(data, cut) != 0);
  for (int round = 0; round < 3000; round++) {
    memcpy(turned, data, length);
    for (int i = 0; i < 4; i++) {
      state = state * 1103515245u + 12345u;
      size_t place = (state >> 8) % (round % 2 ? length : 100);
      turned[place] = (unsigned char)(state >> 24);
    }
    (void)read_copy(turned, length);
  }
}

int main(void) {
  unsetenv("TZ");
  test_rules();
  test_without_files();
  test_machine();
  if (have_files()) {
    test_offsets();
    for (size_t i = 0; i < PLACES; i++)
      test_changes(places[i]);
    test_moments();
    test_unknown();
    test_hostile();
  }
  return check_end("zone");
}
