/* The SQLite backend: schedules and their planned moments. */
#include "store/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

int mv_store_schedule(struct mv_store *store, const char *name, const char *definition, int64_t now,
                      struct mv_schedule_row *out, struct mv_error *err) {
  assert(store->in_transaction);
  *out = (struct mv_schedule_row){0};
  if (mv_sql_run(
          store->sql, err,
          "INSERT INTO schedules (name, definition, first_seen) VALUES (?,?,?) ON CONFLICT (name)"
          " DO UPDATE SET definition = excluded.definition"
          " WHERE definition <> excluded.definition",
          "ssi", name, definition, now))
    return mv_store_break(store);
  out->changed = mv_sql_changes(store->sql) > 0;
  if (mv_sql_one_int(store->sql, &out->first_seen, err,
                     "SELECT first_seen FROM schedules WHERE name = ?", "s", name) < 0 ||
      mv_sql_one_int(store->sql, &out->last_moment, err,
                     "SELECT max(moment) FROM moments WHERE schedule = ?", "s", name) < 0)
    return mv_store_break(store);
  return 0;
}

int mv_store_moment_state(struct mv_store *store, int64_t event, enum mv_event_state state,
                          const char *reason, struct mv_error *err) {
  int failed =
      mv_sql_run(store->sql, err, "UPDATE moments SET state = ?, reason = ? WHERE event = ?", "isi",
                 (int64_t)state, reason, event);
  return failed ? mv_store_break(store) : 0;
}

/* --- New moments --- */

/* 1 inserted, 0 it was there, -1. */
static int insert_moment(struct mv_store *store, const char *schedule, int64_t moment,
                         const char *skip, struct mv_error *err) {
  if (mv_sql_run(store->sql, err,
                 "INSERT OR IGNORE INTO moments (schedule, moment, state, reason) VALUES (?,?,?,?)",
                 "siis", schedule, moment, (int64_t)(skip ? MV_EVENT_SKIPPED : MV_EVENT_AVAILABLE),
                 skip))
    return mv_store_break(store);
  return mv_sql_changes(store->sql) > 0;
}

/* The event of an unfinished moment of the schedule other than `moment`: 1, 0 none, -1. */
static int unfinished(struct mv_store *store, const char *schedule, int64_t moment, int64_t *event,
                      struct mv_error *err) {
  int found = mv_sql_one_int(store->sql, event, err,
                             "SELECT event FROM moments INDEXED BY moments_open"
                             " WHERE schedule = ? AND state < 3 AND moment <> ?"
                             " AND event IS NOT NULL LIMIT 1",
                             "si", schedule, moment);
  return found < 0 ? mv_store_break(store) : found;
}

/* The next unfinished event of the schedule's moments after `cursor`: 1, 0 none, -1. */
static int next_open(struct mv_store *store, const char *schedule, int64_t moment, int64_t *cursor,
                     struct mv_error *err) {
  int found = mv_sql_one_int(store->sql, cursor, err,
                             "SELECT event FROM moments INDEXED BY moments_open"
                             " WHERE schedule = ? AND state < 3 AND moment <> ? AND event > ?"
                             " ORDER BY event LIMIT 1",
                             "sii", schedule, moment, *cursor);
  return found < 0 ? mv_store_break(store) : found;
}

static int cancel_others(struct mv_store *store, const char *schedule, int64_t moment, int64_t now,
                         struct mv_moment_result *out, struct mv_error *err) {
  int64_t event = 0, wake_at = MV_STORE_NEVER;
  int found;
  while ((found = next_open(store, schedule, moment, &event, err)) > 0) {
    int64_t before = store->counts[MV_EVENT_CANCELLED];
    if (mv_store_cancel(store, event, "superseded by the schedule's next moment", now, &wake_at,
                        err))
      return mv_store_break(store);
    out->wake_at = mv_store_earlier(out->wake_at, wake_at);
    out->cancelled += store->counts[MV_EVENT_CANCELLED] > before;
  }
  return found;
}

/* Whether the event may come; with SKIP the row ends here. 1, 0, -1. */
static int resolve_overlap(struct mv_store *store, const char *schedule, int64_t moment,
                           enum mv_overlap overlap, int64_t now, struct mv_moment_result *out,
                           struct mv_error *err) {
  if (overlap == MV_OVERLAP_CANCEL)
    return cancel_others(store, schedule, moment, now, out, err) ? -1 : 1;
  if (overlap != MV_OVERLAP_SKIP)
    return 1;
  int64_t event;
  int found = unfinished(store, schedule, moment, &event, err);
  if (found <= 0)
    return found < 0 ? -1 : 1;
  out->skipped = true;
  int failed = mv_sql_run(
      store->sql, err, "UPDATE moments SET state = 5, reason = ? WHERE schedule = ? AND moment = ?",
      "ssi", "overlap: the run of an earlier moment is not finished", schedule, moment);
  return failed ? mv_store_break(store) : 0;
}

static int accept_moment(struct mv_store *store, const char *schedule, int64_t moment,
                         struct mv_event *event, int64_t now, bool claim,
                         struct mv_moment_result *out, struct mv_error *err) {
  if (mv_store_accept(store, event, now, claim, &out->accepted, err))
    return -1;
  int failed =
      mv_sql_run(store->sql, err, "UPDATE moments SET event = ? WHERE schedule = ? AND moment = ?",
                 "isi", out->accepted.id, schedule, moment);
  return failed ? mv_store_break(store) : 0;
}

int mv_store_moment(struct mv_store *store, const char *schedule, int64_t moment,
                    enum mv_overlap overlap, const char *skip, struct mv_event *event, int64_t now,
                    bool claim, struct mv_moment_result *out, struct mv_error *err) {
  assert(store->in_transaction && (skip || event));
  *out = (struct mv_moment_result){.skipped = skip != NULL};
  out->accepted.wake_at = out->wake_at = MV_STORE_NEVER;
  int inserted = insert_moment(store, schedule, moment, skip, err);
  out->exists = inserted == 0;
  if (inserted <= 0 || skip) {
    out->skipped = inserted > 0 && skip;
    return inserted < 0 ? -1 : 0;
  }
  int may = resolve_overlap(store, schedule, moment, overlap, now, out, err);
  if (may <= 0)
    return may;
  return accept_moment(store, schedule, moment, event, now, claim, out, err);
}

/* --- Looking back --- */

int mv_store_last_success(struct mv_store *store, const char *schedule, int64_t *at,
                          struct mv_error *err) {
  *at = 0;
  mv_store_enter(store);
  /* the event may be pruned: then its planned moment stands for it */
  int found = mv_sql_one_int(store->sql, at, err,
                             "SELECT max(m.moment, coalesce(e.finished_at, 0))"
                             " FROM moments m LEFT JOIN events e ON e.id = m.event"
                             " WHERE m.schedule = ? AND m.state = 3"
                             " ORDER BY m.moment DESC LIMIT 1",
                             "s", schedule);
  mv_store_leave(store);
  return found < 0 ? -1 : 0;
}

static int read_moment(struct mv_stmt *stmt, struct mv_moment *out) {
  *out = (struct mv_moment){.schedule = mv_sql_text_dup(stmt, 0),
                            .moment = mv_sql_int(stmt, 1),
                            .event = mv_sql_int(stmt, 2),
                            .state = (enum mv_event_state)mv_sql_int(stmt, 3),
                            .reason = mv_sql_text_dup(stmt, 4)};
  return out->schedule ? 0 : -1;
}

int mv_store_moments(struct mv_store *store, const char *schedule, int limit,
                     struct mv_moment **list, struct mv_error *err) {
  *list = calloc(limit > 0 ? (size_t)limit : 1, sizeof **list);
  if (!*list)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  mv_store_enter(store);
  /* a moment under way tells what its event is at */
  struct mv_stmt *stmt = mv_sql_query(
      store->sql, err,
      "SELECT schedule, moment, event, coalesce(e.state, m.state), coalesce(e.reason, m.reason)"
      " FROM moments m LEFT JOIN events e ON e.id = m.event AND m.state < 3"
      " WHERE schedule = ? ORDER BY moment DESC LIMIT ?",
      "si", schedule, (int64_t)limit);
  int row, count = 0;
  while ((row = mv_sql_step(stmt, err)) > 0 && count < limit) {
    if (read_moment(stmt, &(*list)[count++])) {
      row = mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
      break;
    }
  }
  mv_sql_done(stmt);
  mv_store_leave(store);
  if (row == 0)
    return count;
  mv_store_moments_free(*list, count);
  *list = NULL;
  return -1;
}

void mv_store_moments_free(struct mv_moment *list, int count) {
  for (int i = 0; list && i < count; i++) {
    free(list[i].schedule);
    free(list[i].reason);
  }
  free(list);
}
