/* The SQLite backend: what is too old goes, a little at a time. */
#include "store/store_sqlite.h"

#include <assert.h>

#define DAY (INT64_C(24) * 3600 * 1000)

struct prune {
  struct mv_store *store;
  int64_t done_before, skipped_before, dead_before; /* finished_at below: delete */
  int64_t once_before;
  int64_t latest; /* events accepted after this cannot be old enough: the round ends */
  bool over;      /* the round has ended */
};

static int64_t cutoff(int64_t now, int64_t limit, int64_t days) {
  return now - (limit > 0 ? limit : days * DAY);
}

static int64_t later(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int plan(struct prune *prune, int64_t now, const struct mv_store_limits *limits,
                struct mv_error *err) {
  prune->done_before = cutoff(now, limits->done_ms, 7);
  prune->skipped_before = cutoff(now, limits->skipped_ms, 7);
  prune->dead_before = cutoff(now, limits->dead_ms, 90);
  prune->once_before = cutoff(now, limits->once_ms, 90);
  struct mv_store_stats stats = {.bytes = 0};
  if (limits->max_bytes > 0 && mv_store_stats(prune->store, &stats, err))
    return -1;
  if (limits->max_bytes > 0 && stats.bytes > limits->max_bytes)
    prune->done_before = prune->skipped_before = now + 1;
  prune->latest = later(prune->done_before, later(prune->skipped_before, prune->dead_before));
  return 0;
}

static bool too_old(const struct prune *prune, enum mv_event_state state, int64_t finished_at) {
  switch (state) {
  case MV_EVENT_DONE:
  case MV_EVENT_CANCELLED:
    return finished_at < prune->done_before;
  case MV_EVENT_SKIPPED:
    return finished_at < prune->skipped_before;
  case MV_EVENT_DEAD:
    return finished_at < prune->dead_before;
  default:
    return false;
  }
}

static int delete_event(struct mv_store *store, int64_t id, enum mv_event_state state,
                        struct mv_error *err) {
  mv_store_count(store, state, MV_EVENT_STATES);
  return mv_sql_run(store->sql, err,
                    "DELETE FROM lines WHERE id = ?1"
                    " AND key = (SELECT key FROM events WHERE id = ?1)",
                    "i", id) ||
                 mv_sql_run(store->sql, err, "DELETE FROM events WHERE id = ?", "i", id) ||
                 mv_sql_run(store->sql, err, "DELETE FROM payloads WHERE id = ?", "i", id)
             ? -1
             : 0;
}

/* Deleting the row that a cursor over the same table stands on is allowed; the newest event stays,
 * so that its id is never given again. */
static int prune_events(struct prune *prune, int max_rows, struct mv_error *err) {
  struct mv_store *store = prune->store;
  struct mv_stmt *stmt =
      mv_sql_query(store->sql, err,
                   "SELECT id, state, accepted_at, finished_at FROM events"
                   " WHERE id > ? AND id < (SELECT max(id) FROM events) ORDER BY id LIMIT ?",
                   "ii", store->prune_cursor, (int64_t)max_rows);
  int row, seen = 0;
  while ((row = mv_sql_step(stmt, err)) > 0 && mv_sql_int(stmt, 2) < prune->latest) {
    int64_t id = mv_sql_int(stmt, 0);
    enum mv_event_state state = (enum mv_event_state)mv_sql_int(stmt, 1);
    if (too_old(prune, state, mv_sql_int(stmt, 3)) && delete_event(store, id, state, err)) {
      row = -1;
      break;
    }
    store->prune_cursor = id;
    seen++;
  }
  mv_sql_done(stmt);
  prune->over = seen < max_rows;
  return row < 0 ? -1 : 0;
}

/* Deletes some rows; whether there may be more: 1, 0, -1. */
static int delete_some(struct mv_store *store, int limit, struct mv_error *err, const char *text,
                       int64_t before) {
  if (mv_sql_run(store->sql, err, text, "ii", (int64_t)limit, before))
    return -1;
  return mv_sql_changes(store->sql) >= limit;
}

/* What hangs on no event; at the end of each round. The last moment of a schedule stays: it says
 * where the next begin. 1: there is more, 0, -1. */
static int prune_rest(struct prune *prune, int64_t now, int max_rows, struct mv_error *err) {
  const struct {
    const char *text;
    int64_t before;
  } rests[] = {
      {"DELETE FROM dedupe WHERE at < ?2 AND event IN"
       " (SELECT event FROM dedupe ORDER BY event LIMIT ?1)",
       now - prune->store->dedupe_window},
      /* a result that is stored anew gets a new rowid: the oldest come first */
      {"DELETE FROM once WHERE at < ?2 AND rowid IN"
       " (SELECT rowid FROM once ORDER BY rowid LIMIT ?1)",
       prune->once_before},
      {"DELETE FROM once_begun WHERE at < ?2 AND rowid IN"
       " (SELECT rowid FROM once_begun ORDER BY rowid LIMIT ?1)",
       prune->once_before},
      {"DELETE FROM kv WHERE key IN (SELECT key FROM kv"
       " WHERE expires_at > 0 AND expires_at <= ?2 LIMIT ?1)",
       now},
      {"DELETE FROM moments WHERE rowid IN (SELECT m.rowid FROM moments m"
       " WHERE m.moment < ?2 AND m.state >= 3 AND m.moment <"
       " (SELECT max(l.moment) FROM moments l WHERE l.schedule = m.schedule) LIMIT ?1)",
       prune->dead_before},
  };
  int more = 0;
  for (size_t i = 0; i < sizeof rests / sizeof *rests && more >= 0; i++) {
    int left = delete_some(prune->store, max_rows, err, rests[i].text, rests[i].before);
    more = left < 0 ? -1 : more | left;
  }
  return more;
}

int mv_store_prune(struct mv_store *store, int64_t now, const struct mv_store_limits *limits,
                   int max_rows, struct mv_error *err) {
  assert(store->in_transaction && max_rows > 0);
  struct prune prune = {.store = store};
  if (plan(&prune, now, limits, err) || prune_events(&prune, max_rows, err))
    return mv_store_break(store);
  int more = prune.over ? prune_rest(&prune, now, max_rows, err) : 1;
  if (more == 0)
    store->prune_cursor = 0;
  return more < 0 ? mv_store_break(store) : more;
}
