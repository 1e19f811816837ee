/* The SQLite backend: what is done once. A mark says that it began, a result that it was done. */
#include "store/store_sqlite.h"

#include <assert.h>

static int broken_if(struct mv_store *store, int failed) {
  return failed < 0 ? mv_store_break(store) : failed;
}

/* Whether this claim is running. 1, 0, -1. */
static int runs(struct mv_store *store, int64_t event, int64_t token, struct mv_error *err) {
  int64_t one;
  if (mv_store_write_out(store, NULL, event, err))
    return -1;
  return mv_sql_one_int(store->sql, &one, err,
                        "SELECT 1 FROM events WHERE id = ? AND token = ? AND state = 1", "ii",
                        event, token);
}

/* The mark of a key: 1 and *out, *token filled, 0 none, -1. */
static int read_mark(struct mv_store *store, const char *key, struct mv_once *out, int64_t *token,
                     struct mv_error *err) {
  struct mv_stmt *stmt =
      mv_sql_query(store->sql, err, "SELECT event, token, at FROM once_begun WHERE key = ?", "s", key);
  int found = mv_sql_step(stmt, err);
  if (found > 0) {
    out->event = mv_sql_int(stmt, 0);
    *token = mv_sql_int(stmt, 1);
    out->at = mv_sql_int(stmt, 2);
  }
  mv_sql_done(stmt);
  return found;
}

static int has_result(struct mv_store *store, const char *key, struct mv_error *err) {
  int64_t one;
  return mv_sql_one_int(store->sql, &one, err, "SELECT 1 FROM once WHERE key = ?", "s", key);
}

/* What stands in the way of beginning: 1 and out->state, 0 nothing, -1. */
static int obstacle(struct mv_store *store, const char *key, int64_t event, int64_t token,
                    bool again, struct mv_once *out, struct mv_error *err) {
  int64_t other = 0;
  int found = runs(store, event, token, err);
  out->state = MV_ONCE_LOST;
  if (found <= 0)
    return found < 0 ? -1 : 1;
  out->state = MV_ONCE_KNOWN;
  if ((found = has_result(store, key, err)))
    return found;
  if ((found = read_mark(store, key, out, &other, err)) <= 0)
    return found;
  bool own = out->event == event && other == token;
  out->state = MV_ONCE_BUSY;
  if (!own && (found = runs(store, out->event, other, err)))
    return found;
  out->state = MV_ONCE_AMBIGUOUS;
  return !again;
}

int mv_store_once_begin(struct mv_store *store, const char *key, int64_t event, int64_t token,
                        bool again, int64_t now, struct mv_once *out, struct mv_error *err) {
  assert(store->in_transaction);
  *out = (struct mv_once){.state = MV_ONCE_BEGUN};
  int found = obstacle(store, key, event, token, again, out, err);
  if (found)
    return found < 0 ? mv_store_break(store) : 0;
  out->state = MV_ONCE_BEGUN;
  return broken_if(store, mv_sql_run(store->sql, err,
                                     "INSERT OR REPLACE INTO once_begun (key, event, token, at)"
                                     " VALUES (?,?,?,?)",
                                     "siii", key, event, token, now));
}

int mv_store_once_set(struct mv_store *store, const char *key, const char *value, int64_t now,
                      struct mv_error *err) {
  if (mv_sql_run(store->sql, err, "INSERT OR REPLACE INTO once (key, value, at) VALUES (?,?,?)",
                 "ssi", key, value, now))
    return mv_store_break(store);
  return mv_store_once_clear(store, key, err);
}

int mv_store_once_clear(struct mv_store *store, const char *key, struct mv_error *err) {
  return broken_if(store,
                   mv_sql_run(store->sql, err, "DELETE FROM once_begun WHERE key = ?", "s", key));
}

int mv_store_once_get(struct mv_store *store, const char *key, char **value, struct mv_error *err) {
  *value = NULL;
  mv_store_enter(store);
  int found =
      mv_sql_one_text(store->sql, value, err, "SELECT value FROM once WHERE key = ?", "s", key);
  mv_store_leave(store);
  return found;
}
