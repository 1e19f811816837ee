#include "host/plan.h"

#include <string.h>

#define LATEST 3600    /* seconds: a moment missed for longer is not made up for */
#define LOOK_BACK 500  /* moments that are walked through to find the last ones */

int mv_missed_of(const char *name) {
  static const char *const names[] = {"one", "skip", "all"};
  if (!name)
    return MV_MISSED_ONE;
  for (int i = 0; i < 3; i++) {
    if (strcmp(name, names[i]) == 0)
      return i;
  }
  return -1;
}

/* How many moments there are in (after, now], up to LOOK_BACK + 1. */
static int count(const struct mv_schedule *schedule, int64_t after, int64_t now) {
  int found = 0;
  while (found <= LOOK_BACK && (after = mv_schedule_next(schedule, after, NULL)) <= now)
    found++;
  return found;
}

/* Where to begin, so that a year of seconds is not walked through: behind it are all moments that are
 * told, and not many more. How far apart two are tells little: "0,1 9 * * MON" has two a week. */
static int64_t begin(const struct mv_schedule *schedule, int64_t after, int64_t now, bool *cut) {
  int64_t early = after, late = now; /* too many behind it; too few */
  int found = count(schedule, after, now);
  *cut = found > LOOK_BACK;
  for (int64_t reach = 2 * MV_PLAN_MOST; found > LOOK_BACK || (*cut && found < MV_PLAN_MOST); reach *= 2) {
    after = late - early > 2 * reach ? late - reach : early + (late - early) / 2;
    found = count(schedule, after, now);
    *(found > LOOK_BACK ? &early : &late) = after;
  }
  return after;
}

static void append(struct mv_plan *plan, int64_t moment) {
  if (plan->count == MV_PLAN_MOST) {
    memmove(plan->items, plan->items + 1, (MV_PLAN_MOST - 1) * sizeof *plan->items);
    plan->count--;
    plan->cut = true;
  }
  plan->items[plan->count++] = (struct mv_plan_item){.moment = moment};
}

static bool runs(const struct mv_plan_item *item, bool last, int64_t now, enum mv_missed missed) {
  if (!item->late || missed == MV_MISSED_ALL)
    return true;
  return missed == MV_MISSED_ONE && last && now - item->moment <= LATEST;
}

void mv_plan_due(const struct mv_schedule *schedule, int64_t after, int64_t now,
                 enum mv_missed missed, int64_t grace, struct mv_plan *plan) {
  plan->count = 0;
  plan->cut = false;
  int64_t moment = begin(schedule, after, now, &plan->cut);
  while ((moment = mv_schedule_next(schedule, moment, NULL)) <= now)
    append(plan, moment);
  for (size_t i = 0; i < plan->count; i++) {
    struct mv_plan_item *item = &plan->items[i];
    item->late = now - item->moment > grace;
    if (!runs(item, i + 1 == plan->count, now, missed))
      item->skip = "missed";
  }
}
