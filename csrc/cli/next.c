/* `mavilua next`: when a schedule will fire, and which of these moments daylight saving moved. */
#include <stddef.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "host/schedule.h"
#include "time/calendar.h"
#include "time/moment.h"

struct options {
  long count;
  const char *timezone;
  const char *from;
};

static const struct mv_flag flags[] = {
    {"count", .letter = 'n', .type = MV_FLAG_NUMBER, .value = "N", .preset = "5",
     .low = 1, .high = 10000, .offset = offsetof(struct options, count), .doc = "how many moments"},
    {"timezone", .letter = 'z', .type = MV_FLAG_TEXT, .value = "ZONE",
     .offset = offsetof(struct options, timezone),
     .doc = "such as Europe/Oslo; otherwise the machine's"},
    {"from", .type = MV_FLAG_TEXT, .value = "TIME", .offset = offsetof(struct options, from),
     .doc = "\"2026-03-29 02:00\" or seconds since 1970; otherwise now"},
    {0}};

static void print_time(int64_t local) {
  int second = (int)(local - mv_calendar_floor(local, MV_DAY) * MV_DAY);
  printf("%02d:%02d", second / 3600, second / 60 % 60);
}

/* Why this moment is not simply the local time that the expression names. */
static void print_mark(const struct mv_schedule *schedule, int64_t moment, bool shifted) {
  const struct mv_zone *zone = schedule->zone;
  int64_t local = moment + mv_zone_offset(zone, moment, NULL), moments[2];
  if (shifted) {
    int64_t before = moment - 1 + mv_zone_offset(zone, moment - 1, NULL);
    printf("  moved: ");
    print_time(mv_cron_next_local(&schedule->cron, before + 1));
    printf(" is skipped by daylight saving");
  } else if (!schedule->every && mv_zone_moments(zone, local, moments) == 2) {
    bool fixed = !schedule->cron.wild_hour && !schedule->cron.wild_minute;
    printf("  this time comes twice%s", fixed ? ", it runs once" : "");
  }
}

static void print_moments(const struct mv_schedule *schedule, int64_t from, long count) {
  for (long i = 0; i < count; i++) {
    bool shifted = false;
    char text[64];
    from = mv_schedule_next(schedule, from, &shifted);
    if (from == INT64_MAX)
      return;
    printf("%s", mv_moment_format(schedule->zone, from, text));
    print_mark(schedule, from, shifted);
    putchar('\n');
  }
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  const struct options *options = given;
  struct mv_schedule schedule;
  struct mv_error err = {0};
  bool every = mv_duration_parse(operands[0], NULL) >= 0;
  int64_t from = mv_clock_wall(NULL) / 1000;
  int status = EX_OK;
  if (mv_schedule_init(&schedule, every ? "every" : "cron", operands[0], options->timezone, &err)) {
    status = mv_cli_fail(command, EX_USAGE, "%s", err.text);
  } else if (options->from && mv_moment_parse(options->from, schedule.zone, &from, &err)) {
    status = mv_cli_fail(command, EX_USAGE, "--from: %s", err.text);
  } else {
    print_moments(&schedule, options->from ? from - 1 : from, options->count);
  }
  mv_schedule_free(&schedule);
  return status;
}

const struct mv_command mv_command_next = {
    .name = "next",
    .operands = "'CRON'",
    .least = 1,
    .most = 1,
    .doc = "tell the next moments of a schedule, with those moved by daylight saving marked",
    .more = "CRON has 5 fields (minute, hour, day of month, month, weekday) or 6 (second first), or is\n"
            "@hourly, @daily, @weekly, @monthly or @yearly; an interval such as 15m is taken, too.\n\n"
            "  mavilua next '0 9 * * MON-FRI' -n 3 --timezone Europe/Oslo\n"
            "  mavilua next '30 2 * * *' --timezone Europe/Oslo --from 2026-03-28\n",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
