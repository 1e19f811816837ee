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

static int read_schedule(struct mv_stmt *stmt, struct mv_schedule_row *out, struct mv_error *err) {
  *out = (struct mv_schedule_row){.name = mv_sql_text_dup(stmt, 0),
                                  .definition = mv_sql_text_dup(stmt, 1),
                                  .first_seen = mv_sql_int(stmt, 2),
                                  .last_moment = mv_sql_int(stmt, 3)};
  if (out->name && out->definition)
    return 1;
  mv_store_schedule_clear(out);
  return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

int mv_store_schedule_get(struct mv_store *store, const char *name, struct mv_schedule_row *out,
                          struct mv_error *err) {
  *out = (struct mv_schedule_row){0};
  mv_store_enter(store);
  struct mv_stmt *stmt = mv_sql_query(
      store->sql, err,
      "SELECT name, definition, first_seen,"
      " (SELECT max(moment) FROM moments WHERE schedule = name) FROM schedules WHERE name = ?",
      "s", name);
  int found = mv_sql_step(stmt, err);
  if (found > 0)
    found = read_schedule(stmt, out, err);
  mv_sql_done(stmt);
  mv_store_leave(store);
  return found;
}

void mv_store_schedule_clear(struct mv_schedule_row *row) {
  free(row->name);
  free(row->definition);
  *row = (struct mv_schedule_row){0};
}

json_t *mv_store_schedule_names(struct mv_store *store, int limit, struct mv_error *err) {
  json_t *names = json_array();
  int row;
  mv_store_enter(store);
  struct mv_stmt *stmt = mv_sql_query(
      store->sql, err, "SELECT name FROM schedules ORDER BY name LIMIT ?", "i", (int64_t)limit);
  while ((row = mv_sql_step(stmt, err)) > 0) {
    char *name = mv_sql_text_dup(stmt, 0);
    json_array_append_new(names, json_string(name ? name : ""));
    free(name);
  }
  mv_sql_done(stmt);
  mv_store_leave(store);
  if (row == 0)
    return names;
  json_decref(names);
  return NULL;
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

/* a moment under way tells what its event is at */
#define MOMENTS                                                                                    \
  "SELECT schedule, moment, event, coalesce(e.state, m.state), coalesce(e.reason, m.reason)"       \
  " FROM moments m LEFT JOIN events e ON e.id = m.event AND m.state < 3 WHERE schedule = ?"

static int read_moments(struct mv_stmt *stmt, int limit, struct mv_moment *list,
                        struct mv_error *err) {
  int row, count = 0;
  while ((row = mv_sql_step(stmt, err)) > 0 && count < limit) {
    if (read_moment(stmt, &list[count++])) {
      row = mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
      break;
    }
  }
  if (row >= 0)
    return count;
  for (int i = 0; i < count; i++) {
    free(list[i].schedule);
    free(list[i].reason);
  }
  return -1;
}

static struct mv_moment *new_moments(int limit, struct mv_error *err) {
  struct mv_moment *list = calloc(limit > 0 ? (size_t)limit : 1, sizeof *list);
  if (!list)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  return list;
}

/* Takes the statement; NULL is a failure told already. */
static int finish_moments(struct mv_store *store, struct mv_stmt *stmt, int limit,
                          struct mv_moment **list, struct mv_error *err) {
  int count = stmt ? read_moments(stmt, limit, *list, err) : -1;
  mv_sql_done(stmt);
  mv_store_leave(store);
  if (count <= 0) {
    free(*list);
    *list = NULL;
  }
  return count;
}

int mv_store_moments(struct mv_store *store, const char *schedule, int limit,
                     struct mv_moment **list, struct mv_error *err) {
  *list = new_moments(limit, err);
  if (!*list)
    return -1;
  mv_store_enter(store);
  struct mv_stmt *stmt = mv_sql_query(store->sql, err, MOMENTS " ORDER BY moment DESC LIMIT ?", "si",
                                      schedule, (int64_t)limit);
  return finish_moments(store, stmt, limit, list, err);
}

int mv_store_moment_get(struct mv_store *store, const char *schedule, int64_t moment,
                        struct mv_moment **list, struct mv_error *err) {
  *list = new_moments(1, err);
  if (!*list)
    return -1;
  mv_store_enter(store);
  struct mv_stmt *stmt =
      mv_sql_query(store->sql, err, MOMENTS " AND moment = ?", "si", schedule, moment);
  return finish_moments(store, stmt, 1, list, err);
}

void mv_store_moments_free(struct mv_moment *list, int count) {
  for (int i = 0; list && i < count; i++) {
    free(list[i].schedule);
    free(list[i].reason);
  }
  free(list);
}
