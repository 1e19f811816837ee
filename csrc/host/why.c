#include "host/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "host/schedules.h"
#include "time/calendar.h"
#include "time/moment.h"

#define NAMES 200    /* schedules told, or searched for the nearest name */
#define FARTHEST 41  /* years that a moment before is looked for */

struct why {
  struct mv_store *reader;
  struct mv_schedule_row row;
  struct mv_schedule schedule;
  int64_t now;    /* seconds */
  bool serving;
  int64_t moment; /* seconds */
  bool skipped;   /* the local time that was asked for does not exist */
  bool twice;     /* it comes twice */
  bool moved;     /* daylight saving moved the moment */
  json_t *out;
};

/* ---- words ---------------------------------------------------------------------------------- */

static void put(struct why *why, const char *name, const char *text) {
  json_t *value = json_string(text);
  json_object_set_new(why->out, name, value ? value : json_string("(not UTF-8)"));
}

static void put_local(struct why *why, const char *name, int64_t moment) {
  char text[64];
  put(why, name, mv_moment_format(why->schedule.zone, moment, text));
}

/* "3 days 4 h", "12 min 5 s" */
static const char *span(int64_t seconds, char out[48]) {
  static const struct {
    int64_t seconds;
    const char *name;
  } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  size_t i = 0;
  while (i < 3 && seconds < units[i].seconds)
    i++;
  int64_t many = seconds / units[i].seconds, rest = seconds % units[i].seconds;
  if (i < 3 && rest >= units[i + 1].seconds)
    snprintf(out, 48, "%" PRId64 " %s %" PRId64 " %s", many, units[i].name, rest / units[i + 1].seconds,
             units[i + 1].name);
  else
    snprintf(out, 48, "%" PRId64 " %s", many, units[i].name);
  return out;
}

static void conclude(struct why *why, const char *verdict, struct mv_bytes *text) {
  put(why, "verdict", verdict);
  put(why, "text", text->failed || !text->data ? verdict : text->data);
  mv_bytes_free(text);
}

/* ---- a moment with a row -------------------------------------------------------------------- */

static void put_run(struct why *why, const struct mv_moment *moment, struct mv_bytes *text) {
  struct mv_event *event = mv_store_get(why->reader, moment->event, NULL);
  char when[32];
  mv_bytes_printf(text, "event %" PRId64, moment->event);
  json_object_set_new(why->out, "event", json_integer(moment->event));
  if (!event)
    return;
  mv_bytes_printf(text, ", attempt %d", event->attempt);
  if (event->started_at)
    mv_bytes_printf(text, ", started %s", mv_clock_format(event->started_at, when));
  if (event->finished_at)
    mv_bytes_printf(text, ", ended %s", mv_clock_format(event->finished_at, when));
  mv_event_free(event);
}

static void explain_row(struct why *why, const struct mv_moment *moment) {
  struct mv_bytes text = {0};
  const char *state = mv_event_state_name(moment->state);
  bool missed = moment->reason && strcmp(moment->reason, "missed") == 0;
  mv_bytes_printf(&text, "%s", state);
  if (moment->event) {
    mv_bytes_puts(&text, ": ");
    put_run(why, moment, &text);
  }
  if (missed)
    mv_bytes_puts(&text, ": missed, the host was down (the option `missed` says what is made up for)");
  else if (moment->reason)
    mv_bytes_printf(&text, ": %.*s", (int)strcspn(moment->reason, "\n"), moment->reason);
  if (moment->reason)
    put(why, "reason", moment->reason);
  conclude(why, missed ? "missed" : state, &text);
}

/* ---- a moment without one ------------------------------------------------------------------- */

static void explain_absence(struct why *why) {
  struct mv_bytes text = {0};
  char how_long[48], when[64];
  const char *verdict = "missed";
  int64_t at = why->moment * 1000;
  if (why->moment > why->now) {
    verdict = "future";
    mv_bytes_printf(&text, "not yet: it comes in %s", span(why->moment - why->now, how_long));
  } else if (at <= why->row.first_seen) {
    verdict = "before";
    mv_bytes_printf(&text, "before the schedule was known, which is since %s; a new one never makes up for "
                    "the past", mv_moment_format(why->schedule.zone, why->row.first_seen / 1000, when));
  } else if (at <= why->row.last_moment) {
    mv_bytes_puts(&text, "missed, and has no row: the host was down, or served the schedule in another form, "
                  "and more was missed than is told (100 moments); or its row was pruned (after 90 days)");
  } else if (why->serving) {
    verdict = why->now - why->moment < 60 ? "due" : "missed";
    mv_bytes_puts(&text, why->now - why->moment < 60
                             ? "due, and about to be planned"
                             : "no row: the scripts that run have no such schedule any more");
  } else {
    mv_bytes_printf(&text, "missed so far, %s ago: no host runs; the next start makes up for it or skips it, "
                    "as the option `missed` says", span(why->now - why->moment, how_long));
  }
  conclude(why, verdict, &text);
}

/* ---- not a moment --------------------------------------------------------------------------- */

/* The last moment before `time`; INT64_MIN: none in sight. */
static int64_t previous(const struct mv_schedule *schedule, int64_t time) {
  for (int64_t back = 60; back < (int64_t)FARTHEST * 366 * MV_DAY; back *= 4) {
    int64_t moment = mv_schedule_next(schedule, time - back, NULL), next;
    if (moment >= time)
      continue;
    while ((next = mv_schedule_next(schedule, moment, NULL)) < time)
      moment = next;
    return moment;
  }
  return INT64_MIN;
}

static void explain_none(struct why *why) {
  struct mv_bytes text = {0};
  int64_t before = previous(&why->schedule, why->moment);
  int64_t after = mv_schedule_next(&why->schedule, why->moment, NULL);
  char when[64];
  mv_bytes_puts(&text, "not a moment of this schedule");
  if (why->skipped)
    mv_bytes_puts(&text, ", and a time that daylight saving skips");
  if (before > INT64_MIN) {
    put_local(why, "earlier", before);
    mv_bytes_printf(&text, "; the one before: %s", mv_moment_format(why->schedule.zone, before, when));
  }
  if (after < INT64_MAX) {
    put_local(why, "later", after);
    mv_bytes_printf(&text, "; the one after: %s", mv_moment_format(why->schedule.zone, after, when));
  }
  conclude(why, "unplanned", &text);
}

/* ---- finding it ----------------------------------------------------------------------------- */

static int unknown(struct mv_store *reader, const char *schedule, struct mv_error *err) {
  const char *names[NAMES];
  size_t count = 0, i;
  json_t *list = mv_store_schedule_names(reader, NAMES, err), *name;
  if (!list)
    return -1;
  json_array_foreach(list, i, name) names[count++] = json_string_value(name);
  const char *nearest = mv_nearest(schedule, names, count);
  if (nearest)
    mv_error_set(err, MV_ERROR_NOT_FOUND, "no schedule is called \"%.60s\"; did you mean \"%.60s\"?",
                 schedule, nearest);
  else
    mv_error_set(err, MV_ERROR_NOT_FOUND, "no schedule is called \"%.60s\"%s%.60s%s", schedule,
                 count ? "; there is \"" : "; none was ever served from this database",
                 count ? names[0] : "", count == 1 ? "\"" : count ? "\" and others" : "");
  json_decref(list);
  return -1;
}

static bool is_planned(struct why *why, int64_t moment) {
  return mv_schedule_next(&why->schedule, moment - 1, &why->moved) == moment;
}

/* The moment that is meant: of a local time that comes twice, the one that is planned. */
static int find_moment(struct why *why, const char *time, struct mv_error *err) {
  int64_t moments[2];
  int count = mv_moment_read(time, why->schedule.zone, moments, err);
  if (count < 0)
    return -1;
  why->skipped = count == 0;
  why->twice = count == 2;
  why->moment = moments[0];
  if (count == 2 && !is_planned(why, moments[0]) && is_planned(why, moments[1]))
    why->moment = moments[1];
  return 0;
}

static int explain(struct why *why, struct mv_error *err) {
  struct mv_moment *row;
  bool planned = is_planned(why, why->moment);
  int found = mv_store_moment_get(why->reader, why->row.name, why->moment * 1000, &row, err);
  char utc[32];
  if (found < 0)
    return -1;
  put(why, "moment", mv_clock_format(why->moment * 1000, utc));
  put_local(why, "local", why->moment);
  if (planned && why->moved)
    json_object_set_new(why->out, "moved", json_true());
  if (why->twice)
    json_object_set_new(why->out, "twice", json_true());
  if (found)
    explain_row(why, row);
  else if (planned && (why->moved || !why->skipped))
    explain_absence(why);
  else
    explain_none(why);
  mv_store_moments_free(row, found);
  return 0;
}

static int look(struct why *why, const char *schedule, const char *time, struct mv_error *err) {
  int found = mv_store_schedule_get(why->reader, schedule, &why->row, err);
  if (found <= 0)
    return found < 0 ? -1 : unknown(why->reader, schedule, err);
  if (mv_schedules_parse(why->row.definition, &why->schedule, err) || find_moment(why, time, err))
    return -1;
  put(why, "schedule", schedule);
  size_t length = strlen(why->row.definition); /* a blank at its end stands for no zone */
  if (length && why->row.definition[length - 1] == ' ')
    why->row.definition[length - 1] = '\0';
  put(why, "definition", why->row.definition);
  put(why, "time", time);
  return explain(why, err);
}

json_t *mv_why(struct mv_store *reader, const char *schedule, const char *time, int64_t now,
               bool serving, struct mv_error *err) {
  struct why why = {.reader = reader, .now = now / 1000, .serving = serving, .out = json_object()};
  int failed = why.out ? look(&why, schedule, time, err)
                       : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  mv_schedule_free(&why.schedule);
  mv_store_schedule_clear(&why.row);
  if (!failed)
    return why.out;
  json_decref(why.out);
  return NULL;
}
