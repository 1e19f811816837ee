/* The SQLite backend: what has come before is told from what is new. */
#include "store/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>

/* --- One --- */

static int insert_dedupe(struct mv_store *store, const struct mv_event *event, int64_t id,
                         int64_t now, struct mv_error *err) {
  mv_sql_pass(store->sql);
  if (mv_sql_run(store->sql, err,
                 "INSERT OR IGNORE INTO dedupe (event, source, name, value, at) VALUES (?,?,?,?,?)",
                 "iissi", id, (int64_t)event->source, event->name ? event->name : "", event->dedupe,
                 now))
    return -1;
  return mv_sql_changes(store->sql) > 0;
}

/* 1: new, 0: *original has been accepted within the window, -1. */
static int check_dedupe(struct mv_store *store, const struct mv_event *event, int64_t id,
                        int64_t now, int64_t *original, struct mv_error *err) {
  int inserted = insert_dedupe(store, event, id, now, err);
  if (inserted)
    return inserted;
  struct mv_stmt *stmt =
      mv_sql_query(store->sql, err,
                   "SELECT event, at FROM dedupe"
                   " WHERE value = ? AND name = ? AND source = ?",
                   "ssi", event->dedupe, event->name ? event->name : "", (int64_t)event->source);
  int found = mv_sql_step(stmt, err);
  *original = found > 0 ? mv_sql_int(stmt, 0) : 0;
  int64_t at = found > 0 ? mv_sql_int(stmt, 1) : 0;
  mv_sql_done(stmt);
  if (found > 0 && *original == id) {
    *original = 0; /* its own row */
    return 1;
  }
  if (found < 0 || (found > 0 && at >= now - store->dedupe_window))
    return found < 0 ? -1 : 0;
  if (mv_sql_run(store->sql, err, "DELETE FROM dedupe WHERE event = ?", "i", *original))
    return -1;
  return insert_dedupe(store, event, id, now, err);
}

/* --- Many --- */

#define ROW "(?,?,?,?,?)"
#define BATCH(rows, times)                                                                         \
  {rows, "INSERT OR IGNORE INTO dedupe (event, source, name, value, at) VALUES " times(ROW)}
enum { COLUMNS = 5 };

/* The statements for so many rows at once, the most first. */
static const struct batch {
  size_t rows;
  const char *text;
} batches[] = {BATCH(MV_STORE_FORESEEN, MV_TIMES16), BATCH(8, MV_TIMES8), BATCH(4, MV_TIMES4),
               BATCH(2, MV_TIMES2), BATCH(1, MV_TIMES1)};

/* How many were new, or -1. */
static int64_t insert_some(struct mv_store *store, struct mv_event *const *events,
                           const struct batch *batch, int64_t now, struct mv_error *err) {
  mv_sql_pass(store->sql);
  struct mv_stmt *stmt = mv_sql_get(store->sql, batch->text, err);
  for (size_t i = 0; stmt && i < batch->rows; i++) {
    const struct mv_event *event = events[i];
    assert(event);
    int first = 1 + (int)i * COLUMNS;
    mv_sql_bind_int(stmt, first, event->id);
    mv_sql_bind_int(stmt, first + 1, (int64_t)event->source);
    mv_sql_bind_text(stmt, first + 2, event->name ? event->name : "");
    mv_sql_bind_text(stmt, first + 3, event->dedupe);
    mv_sql_bind_int(stmt, first + 4, now);
  }
  return mv_sql_finish(stmt, err) ? -1 : mv_sql_changes(store->sql);
}

int mv_store_foresee(struct mv_store *store, struct mv_event *const *events, size_t count,
                     int64_t now, struct mv_error *err) {
  assert(store->in_transaction && count <= MV_STORE_FORESEEN);
  struct mv_foreseen *foreseen = &store->foreseen;
  size_t telling = 0;
  *foreseen = (struct mv_foreseen){.count = count, .fresh = true};
  for (size_t i = 0; i < count; i++) {
    foreseen->events[i] = events[i];
    events[i]->id = store->next_id++;
    if (events[i]->dedupe)
      foreseen->told[telling++] = events[i];
  }
  const struct batch *batch = batches;
  for (size_t at = 0; at < telling; at += batch->rows) {
    while (batch->rows > telling - at)
      batch++;
    int64_t added = insert_some(store, &foreseen->told[at], batch, now, err);
    if (added < 0)
      return mv_store_break(store);
    foreseen->fresh = foreseen->fresh && (size_t)added == batch->rows;
  }
  return 0;
}

static bool take_foreseen(struct mv_foreseen *foreseen, const struct mv_event *event) {
  bool is = foreseen->at < foreseen->count && foreseen->events[foreseen->at] == event;
  foreseen->at += is;
  return is;
}

int mv_store_tell_apart(struct mv_store *store, struct mv_event *event, int64_t now,
                        int64_t *original, struct mv_error *err) {
  bool foreseen = take_foreseen(&store->foreseen, event);
  if (!foreseen)
    event->id = store->next_id;
  int fresh = 1;
  if (event->dedupe && !(foreseen && store->foreseen.fresh))
    fresh = check_dedupe(store, event, event->id, now, original, err);
  if (fresh > 0 && !foreseen)
    store->next_id++;
  return fresh < 0 ? mv_store_break(store) : fresh;
}

/* --- Afterwards --- */

int mv_store_dedupe(struct mv_store *store, int64_t event, int64_t token, const char *value,
                    int64_t now, int64_t *original, struct mv_error *err) {
  assert(store->in_transaction);
  *original = 0;
  if (mv_store_write_out(store, NULL, event, err))
    return -1;
  struct mv_stmt *stmt = mv_sql_query(store->sql, err,
                                      "SELECT source, name FROM events"
                                      " WHERE id = ? AND token = ? AND state = 1",
                                      "ii", event, token);
  struct mv_event asks = {.dedupe = (char *)(uintptr_t)value};
  int found = mv_sql_step(stmt, err);
  bool failed = found < 0;
  if (found > 0) {
    asks.source = (enum mv_event_source)mv_sql_int(stmt, 0);
    asks.name = mv_sql_text_dup(stmt, 1);
    failed = !asks.name;
  }
  mv_sql_done(stmt);
  if (found > 0 && !failed)
    failed = check_dedupe(store, &asks, event, now, original, err) < 0;
  free(asks.name);
  return failed ? mv_store_break(store) : 0;
}

int mv_store_answer(struct mv_store *store, int64_t event, char **reply, bool *open,
                    struct mv_error *err) {
  struct mv_stmt *stmt = mv_sql_query(store->sql, err,
                                      "SELECT d.reply, e.state FROM dedupe d"
                                      " LEFT JOIN events e ON e.id = d.event WHERE d.event = ?",
                                      "i", event);
  int found = mv_sql_step(stmt, err);
  *reply = found > 0 ? mv_sql_text_dup(stmt, 0) : NULL;
  *open = found > 0 && !mv_sql_is_null(stmt, 1) && mv_sql_int(stmt, 1) < MV_EVENT_RETRYABLE;
  mv_sql_done(stmt);
  return found < 0 ? mv_store_break(store) : 0;
}
