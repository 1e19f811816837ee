/* The SQLite backend: bringing events back or stopping them; numbers and blocked keys. */
#include "store/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


/* --- Replay and cancel --- */

/* The event without body; *head its place in the line. NULL with NOT_FOUND, or broken. */
static struct mv_event *find(struct mv_store *store, int64_t id, int *head, struct mv_error *err) {
  if (mv_store_write_out(store, NULL, id, err))
    return NULL;
  struct mv_stmt *stmt = mv_sql_query(
      store->sql, err, "SELECT " MV_STORE_COLUMNS " FROM events WHERE id = ?", "i", id);
  int found = mv_sql_step(stmt, err);
  struct mv_event *event = found > 0 ? mv_store_read_event(stmt, false, err) : NULL;
  if (event)
    *head = (int)mv_sql_int(stmt, COLUMN_HEAD);
  mv_sql_done(stmt);
  if (found == 0)
    mv_store_no_such(id, err);
  else if (!event)
    mv_store_break(store);
  return event;
}

static int replay(struct mv_store *store, const struct mv_event *event, int64_t now,
                  int64_t *wake_at, struct mv_error *err) {
  int line = mv_store_place(store, event->key, err);
  if (line < 0 || mv_store_join_line(store, event->key, event->id, err))
    return -1;
  if (mv_sql_run(store->sql, err,
                 "UPDATE events SET state = 0, head = ?1, due_at = ?2, planned_at = ?2, since = ?2, attempt = 0,"
                 " crashes = 0, alone = 0, token = 0, finished_at = 0, mark = NULL WHERE id = ?3",
                 "iii", (int64_t)line, now, event->id))
    return mv_store_break(store);
  mv_store_count(store, event->state, MV_EVENT_AVAILABLE);
  if (line == LINE_HEAD)
    *wake_at = now;
  if (event->source == MV_SOURCE_SCHEDULE)
    return mv_store_moment_state(store, event->id, MV_EVENT_AVAILABLE, NULL, err);
  return 0;
}

int mv_store_replay(struct mv_store *store, int64_t id, int64_t now, int64_t *wake_at,
                    struct mv_error *err) {
  assert(store->in_transaction);
  *wake_at = MV_STORE_NEVER;
  int head, result;
  struct mv_event *event = find(store, id, &head, err);
  if (!event)
    return -1;
  if (event->state < MV_EVENT_DONE)
    result =
        mv_error_set(err, MV_ERROR_USAGE, "event %lld is %s; only a finished one can be replayed",
                     (long long)id, mv_event_state_name(event->state));
  else
    result = replay(store, event, now, wake_at, err);
  mv_event_free(event);
  return result;
}

/* Its run is under way: it ends as any run does, see mv_store_finish. */
static int mark(struct mv_store *store, const struct mv_event *event, const char *reason,
                struct mv_error *err) {
  if (store->stop_count == store->stop_capacity) {
    size_t capacity = store->stop_capacity ? store->stop_capacity * 2 : 16;
    struct mv_stop *grown = realloc(store->stops, capacity * sizeof *grown);
    if (!grown)
      return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    store->stops = grown;
    store->stop_capacity = capacity;
  }
  if (mv_sql_run(store->sql, err, "UPDATE events SET stop = coalesce(stop, ?) WHERE id = ?", "si",
                 reason ? reason : "cancelled", event->id) ||
      mv_store_stay(store, event->key, event->id, err)) /* its end is to look at the row */
    return mv_store_break(store);
  store->stops[store->stop_count++] = (struct mv_stop){event->id, event->token};
  return 0;
}

const struct mv_stop *mv_store_stops(const struct mv_store *store, size_t *count) {
  *count = store->stop_count;
  return store->stops;
}

static int cancel(struct mv_store *store, const struct mv_event *event, int head,
                  const char *reason, int64_t now, int64_t *wake_at, struct mv_error *err) {
  if (mv_sql_run(store->sql, err,
                 "UPDATE events SET state = 6, head = 2, finished_at = ?, reason = ?, mark = NULL"
                 " WHERE id = ?",
                 "isi", now, reason, event->id))
    return mv_store_break(store);
  mv_store_count(store, event->state, MV_EVENT_CANCELLED);
  if (head != LINE_OUTSIDE && mv_store_part_line(store, event->key, event->id, head == LINE_HEAD,
                                                 now, wake_at, err))
    return -1;
  if (event->source == MV_SOURCE_SCHEDULE)
    return mv_store_moment_state(store, event->id, MV_EVENT_CANCELLED, reason, err);
  return 0;
}

int mv_store_cancel(struct mv_store *store, int64_t id, const char *reason, int64_t now,
                    int64_t *wake_at, struct mv_error *err) {
  assert(store->in_transaction);
  *wake_at = MV_STORE_NEVER;
  int head = 0, result;
  struct mv_event *event = find(store, id, &head, err);
  if (!event)
    return -1;
  if (event->state >= MV_EVENT_DONE)
    result =
        mv_error_set(err, MV_ERROR_USAGE, "event %lld is %s already; there is nothing to cancel",
                     (long long)id, mv_event_state_name(event->state));
  else if (event->state == MV_EVENT_RUNNING)
    result = mark(store, event, reason, err);
  else
    result = cancel(store, event, head, reason, now, wake_at, err);
  mv_event_free(event);
  return result;
}

/* --- Numbers --- */

static int read_counts(struct mv_store *store, int64_t *states, struct mv_error *err) {
  struct mv_stmt *stmt = mv_sql_query(store->sql, err, "SELECT state, n FROM counts", "");
  int row;
  while ((row = mv_sql_step(stmt, err)) > 0) {
    int64_t state = mv_sql_int(stmt, 0);
    if (state >= 0 && state < MV_EVENT_STATES)
      states[state] = mv_sql_int(stmt, 1);
  }
  mv_sql_done(stmt);
  return row;
}

static int read_bytes(struct mv_store *store, int64_t *bytes, struct mv_error *err) {
  int64_t pages = 0, unused = 0, size = 0;
  if (mv_sql_one_int(store->sql, &pages, err, "PRAGMA page_count", "") < 0 ||
      mv_sql_one_int(store->sql, &unused, err, "PRAGMA freelist_count", "") < 0 ||
      mv_sql_one_int(store->sql, &size, err, "PRAGMA page_size", "") < 0)
    return -1;
  *bytes = (pages - unused) * size;
  return 0;
}

int mv_store_stats(struct mv_store *store, struct mv_store_stats *out, struct mv_error *err) {
  *out = (struct mv_store_stats){0};
  if (mv_store_next_due(store, &out->oldest_due, err))
    return -1;
  mv_store_enter(store);
  int failed = store->in_transaction ? 0 : read_counts(store, out->states, err);
  if (store->in_transaction)
    memcpy(out->states, store->counts, sizeof out->states);
  failed = failed || read_bytes(store, &out->bytes, err);
  mv_store_leave(store);
  return failed ? -1 : 0;
}

void mv_store_depth(const struct mv_store *store, int64_t states[MV_EVENT_STATES]) {
  memcpy(states, store->saved, sizeof store->saved);
}

/* --- Blocked keys --- */

static int read_blocked(struct mv_stmt *stmt, struct mv_blocked *out) {
  *out = (struct mv_blocked){.key = mv_sql_text_dup(stmt, 0),
                             .head = mv_sql_int(stmt, 1),
                             .due_at = mv_sql_int(stmt, 2),
                             .attempt = (int)mv_sql_int(stmt, 3),
                             .reason = mv_sql_text_dup(stmt, 4),
                             .waiting = mv_sql_int(stmt, 5)};
  return out->key ? 0 : -1;
}

int mv_store_blocked(struct mv_store *store, int64_t after, int limit, struct mv_blocked **list,
                     struct mv_error *err) {
  *list = calloc(limit > 0 ? (size_t)limit : 1, sizeof **list);
  if (!*list)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  mv_store_enter(store);
  struct mv_stmt *stmt = mv_sql_query(
      store->sql, err,
      "SELECT key, id, due_at, attempt, reason, (SELECT count(*) FROM (SELECT 1 FROM lines w"
      "  WHERE w.key = e.key AND w.id <> e.id LIMIT 1000))" /* none is stale: one stands there */
      " FROM events e INDEXED BY events_marked"
      " WHERE mark = 1 AND id > ? ORDER BY id LIMIT ?",
      "ii", after, (int64_t)limit);
  int row, count = 0;
  while ((row = mv_sql_step(stmt, err)) > 0 && count < limit) {
    if (read_blocked(stmt, &(*list)[count++])) {
      row = mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
      break;
    }
  }
  mv_sql_done(stmt);
  mv_store_leave(store);
  if (row == 0)
    return count;
  mv_store_blocked_free(*list, count);
  *list = NULL;
  return -1;
}

void mv_store_blocked_free(struct mv_blocked *list, int count) {
  for (int i = 0; list && i < count; i++) {
    free(list[i].key);
    free(list[i].reason);
  }
  free(list);
}
