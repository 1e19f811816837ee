/* Parts of the host that need no host: plans of missed moments, forms, digests. */
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "host/plan.h"
#include "test/check.h"

static struct mv_plan plan_every(const char *interval, int64_t after, int64_t now,
                                 enum mv_missed missed, int64_t grace) {
  struct mv_schedule schedule;
  struct mv_plan plan;
  CHECK(mv_schedule_init(&schedule, "every", interval, "UTC", NULL) == 0);
  mv_plan_due(&schedule, after, now, missed, grace, &plan);
  mv_schedule_free(&schedule);
  return plan;
}

static size_t runs(const struct mv_plan *plan) {
  size_t count = 0;
  for (size_t i = 0; i < plan->count; i++)
    count += plan->items[i].skip == NULL;
  return count;
}

static void test_on_time(void) {
  struct mv_plan plan = plan_every("1m", 600, 659, MV_MISSED_ONE, 5);
  CHECK(plan.count == 0);
  plan = plan_every("1m", 600, 660, MV_MISSED_SKIP, 5);
  CHECK(plan.count == 1 && plan.items[0].moment == 660 && !plan.items[0].skip);
  plan = plan_every("1s", 600, 603, MV_MISSED_SKIP, 5);
  CHECK(plan.count == 3 && runs(&plan) == 3);
}

static void test_missed(void) {
  struct mv_plan plan = plan_every("10m", 0, 3599, MV_MISSED_ONE, 0);
  CHECK(plan.count == 5 && runs(&plan) == 1 && !plan.items[4].skip && plan.items[4].moment == 3000);
  CHECK(strcmp(plan.items[0].skip, "missed") == 0);
  plan = plan_every("10m", 0, 3599, MV_MISSED_SKIP, 0);
  CHECK(plan.count == 5 && runs(&plan) == 0);
  plan = plan_every("10m", 0, 3599, MV_MISSED_ALL, 0);
  CHECK(plan.count == 5 && runs(&plan) == 5);
  plan = plan_every("1d", 0, 86400 + 3600, MV_MISSED_ONE, 0);
  CHECK(plan.count == 1 && runs(&plan) == 1);
  plan = plan_every("1d", 0, 86400 + 3601, MV_MISSED_ONE, 0);
  CHECK(plan.count == 1 && runs(&plan) == 0);
}

static void test_many_missed(void) {
  struct mv_plan plan = plan_every("1s", 0, 1000000000, MV_MISSED_ALL, 0);
  CHECK(plan.count == MV_PLAN_MOST && plan.cut);
  CHECK(plan.items[MV_PLAN_MOST - 1].moment == 1000000000);
  CHECK(plan.items[0].moment == 1000000000 - MV_PLAN_MOST + 1);
  plan = plan_every("1s", 0, 150, MV_MISSED_ALL, 0);
  CHECK(plan.count == MV_PLAN_MOST && plan.cut && plan.items[0].moment == 51);
  CHECK(mv_missed_of(NULL) == MV_MISSED_ONE && mv_missed_of("all") == MV_MISSED_ALL);
  CHECK(mv_missed_of("some") == -1);
}

/* How near to each other the first ones are tells nothing of the others. */
static void test_missed_clusters(void) {
  static const struct {
    const char *cron;
    int64_t days;
    size_t count; /* missed in that many days from Thursday 1970-01-01 on */
    bool cut;
  } cases[] = {{"0,1 9 * * MON", 7, 2, false},   {"0,1 9 * * MON", 28, 8, false},
               {"0-29 9 1 * *", 90, 90, false},  {"0-29 9 1 * *", 120, 100, true},
               {"* * * 1 1 *", 60, 100, true},   {"* * * * 1-6 *", 360, 100, true},
               {"0 0 1 1 *", 365 * 60, 59, false}, {"*/5 * * * *", 3, 100, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct mv_schedule schedule;
    struct mv_plan plan;
    int64_t now = cases[i].days * 86400 - 1, moment = 0;
    CHECK(mv_schedule_init(&schedule, "cron", cases[i].cron, "UTC", NULL) == 0);
    mv_plan_due(&schedule, 0, now, MV_MISSED_ALL, 0, &plan);
    CHECK(plan.count == cases[i].count);
    CHECK(runs(&plan) == plan.count && plan.cut == cases[i].cut);
    moment = plan.items[0].moment;
    for (size_t k = 1; k < plan.count; k++) {
      moment = mv_schedule_next(&schedule, moment, NULL);
      CHECK(plan.items[k].moment == moment);
    }
    CHECK(mv_schedule_next(&schedule, moment, NULL) > now);
    mv_schedule_free(&schedule);
  }
}

static void test_digests(void) {
  char out[65], long_text[200];
  mv_sha256_hex("", 0, out);
  CHECK(strcmp(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
  mv_sha256_hex("abc", 3, out);
  CHECK(strcmp(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
  mv_sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out);
  CHECK(strcmp(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") == 0);
  memset(long_text, 'a', sizeof long_text);
  mv_sha256_hex(long_text, 200, out);
  CHECK(strcmp(out, "c2a908d98f5df987ade41b5fce213067efbcc21ef2240212a41e54b5e7c28ae5") == 0);
}

int main(void) {
  test_on_time();
  test_missed();
  test_many_missed();
  test_missed_clusters();
  test_digests();
  return check_end("plan");
}
