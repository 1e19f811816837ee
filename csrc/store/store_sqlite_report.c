/* The SQLite backend: an event that goes dead brings a report, which is an event itself. */
#include "store/store_sqlite.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"

int mv_store_report_dead(struct mv_store *store, bool on, struct mv_error *err) {
  assert(store->in_transaction);
  if (store->reports == on)
    return 0;
  if (mv_sql_run(store->sql, err, "INSERT OR REPLACE INTO meta (name, value) VALUES ('reports', ?)",
                 "i", (int64_t)on))
    return mv_store_break(store);
  store->reports = on;
  return 0;
}

int mv_store_load_reports(struct mv_store *store, struct mv_error *err) {
  int64_t on = 0;
  int found = mv_sql_one_int(store->sql, &on, err, "SELECT value FROM meta WHERE name = 'reports'", "");
  store->reports = found > 0 && on;
  return found < 0 ? -1 : 0;
}

static void put(json_t *object, const char *name, const char *text) {
  json_t *value = text ? json_string(text) : NULL;
  if (value)
    json_object_set_new(object, name, value);
}

/* What a report tells of the dead; its body is not repeated. */
static char *describe(const struct mv_event *dead) {
  json_t *event = json_pack("{s:I, s:s, s:i, s:I}", "id", (json_int_t)dead->id, "source",
                            mv_event_source_name(dead->source), "attempts", dead->attempt,
                            "accepted_at", (json_int_t)(dead->accepted_at / 1000));
  put(event, "name", dead->name && *dead->name ? dead->name : NULL);
  put(event, "key", dead->key);
  put(event, "handler", dead->handler);
  put(event, "reason", dead->reason);
  json_t *body = json_pack("{s:s, s:o}", "kind", "dead", "event", event);
  char *text = body ? mv_json_text(body) : NULL;
  json_decref(body);
  return text;
}

static struct mv_event *report_of(const struct mv_event *dead, struct mv_error *err) {
  struct mv_event *report = mv_event_new();
  if (report) {
    report->source = MV_SOURCE_REPORT;
    report->name = mv_strdup("dead");
    report->body = describe(dead);
    report->body_length = report->body ? strlen(report->body) : 0;
  }
  if (report && report->name && report->body)
    return report;
  mv_event_free(report);
  mv_error_set(err, MV_ERROR_SYSTEM, "out of memory for a report");
  return NULL;
}

int mv_store_report(struct mv_store *store, int64_t id, int64_t now, int64_t *wake_at,
                    struct mv_error *err) {
  struct mv_store_accepted accepted;
  if (!store->reports)
    return 0;
  struct mv_event *dead = mv_store_get(store, id, err);
  struct mv_event *report = dead ? report_of(dead, err) : NULL;
  int failed = report ? mv_store_accept(store, report, now, false, &accepted, err) : -1;
  if (!failed)
    *wake_at = mv_store_earlier(*wake_at, accepted.wake_at);
  mv_event_free(report);
  mv_event_free(dead);
  return failed ? mv_store_break(store) : 0;
}
