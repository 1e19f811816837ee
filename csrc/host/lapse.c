#include "host/lapse.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"

#define SETTLE 10 /* seconds after a load until a success is missed: what was missed may run first */
#define RETRY 10  /* seconds until the store is asked again when it could not answer */

struct lapse {
  const struct mv_schedule_entry *entry;
  struct mv_event *report;
  int64_t since;   /* ms; out: the last success, or the schedule's beginning */
  bool late, told; /* out; told: it was reported before */
};

/* {"kind":"late","schedule":{"name","expect","last_success"}}; one for a lapse. */
static struct mv_event *report_of(const struct mv_schedule_entry *entry, int64_t since,
                                  bool succeeded) {
  struct mv_event *event = mv_event_new();
  struct mv_bytes dedupe = {0};
  json_t *last = succeeded ? json_integer(since / 1000) : json_null();
  json_t *body = json_pack("{s:s, s:{s:s, s:I, s:o}}", "kind", "late", "schedule", "name", entry->name,
                           "expect", (json_int_t)(entry->expect / 1000), "last_success", last);
  mv_bytes_printf(&dedupe, "%s %" PRId64, entry->name, since);
  if (event) {
    event->source = MV_SOURCE_REPORT;
    event->name = mv_strdup("late");
    event->dedupe = mv_bytes_steal(&dedupe, NULL);
    event->body = body ? mv_json_text(body) : NULL;
    event->body_length = event->body ? strlen(event->body) : 0;
  }
  mv_bytes_free(&dedupe);
  json_decref(body);
  if (event && event->name && event->dedupe && event->body)
    return event;
  mv_event_free(event);
  return NULL;
}

/* Inside a transaction. */
static int ask_success(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                       struct mv_error *err) {
  struct lapse *lapse = context;
  const struct mv_schedule_entry *entry = lapse->entry;
  struct mv_store_accepted accepted;
  int64_t success;
  if (mv_store_last_success(store, entry->name, &success, err))
    return -1;
  lapse->since = success > entry->since ? success : entry->since;
  lapse->late = now - lapse->since >= entry->expect;
  if (!lapse->late)
    return 0;
  lapse->report = report_of(entry, lapse->since, success > 0);
  if (!lapse->report)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  if (mv_store_accept(store, lapse->report, now, false, &accepted, err))
    return -1;
  lapse->told = accepted.duplicate;
  *wake_at = accepted.wake_at;
  return 0;
}

static void note_late(const struct mv_lapses *lapses, const struct lapse *lapse) {
  char when[32];
  mv_metrics_add(lapses->metrics, MV_METRIC_LATE, lapse->entry->name, NULL, 1);
  mv_log(lapses->log, MV_LOG_ERROR, NULL,
         "schedule %s has not succeeded since %s, it is expected to within %lld seconds",
         lapse->entry->name, mv_clock_format(lapse->since, when),
         (long long)lapse->entry->expect / 1000);
}

/* Once told, a lapse need not be looked at again before another could have followed it. */
int64_t mv_lapse_look(const struct mv_lapses *lapses, const struct mv_schedule_entry *entry,
                      int64_t now) {
  struct lapse lapse = {.entry = entry};
  struct mv_error err;
  int failed = mv_journal_call_wait(lapses->journal, ask_success, &lapse, &err);
  if (!failed && lapse.late && !lapse.told)
    note_late(lapses, &lapse);
  mv_event_free(lapse.report);
  if (failed)
    return now + RETRY;
  return ((lapse.late ? now * 1000 : lapse.since) + entry->expect) / 1000 + 1;
}

int mv_lapse_watch(struct mv_store *store, struct mv_schedule_entry *entry,
                   const struct mv_schedule_row *row, int64_t now, struct mv_error *err) {
  int64_t success;
  entry->since = row->changed ? now : row->first_seen;
  if (!entry->expect)
    return 0;
  if (mv_store_last_success(store, entry->name, &success, err))
    return -1;
  int64_t from = success > entry->since ? success : entry->since;
  int64_t look = (from + entry->expect) / 1000 + 1, soonest = now / 1000 + SETTLE;
  entry->look = look > soonest ? look : soonest;
  return 0;
}
