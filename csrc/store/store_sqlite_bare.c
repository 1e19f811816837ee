/* The SQLite backend: events that run without a row.
 *
 * Most webhooks start at once, run alone in the line of their key and end well. The row in `events`
 * that says so would be written twice: when they come, and when they end. So such an event is bare
 * while it runs: its payload is stored, with its key and when it came, and the row is written when
 * it ends. Whatever else happens to it (somebody joins its line, it fails, it is looked at by the
 * writer, the host stops) has the row written before. Those whose ids are behind by thousands get
 * their row, too, so that others find the bare ones among the last payloads. What was bare when the
 * process died gets its row at the next opening. */
#include "store/store_sqlite.h"

#include <stdlib.h>

enum { LOOKED_FOR_EVERY = MV_STORE_BARE_IDS / 2 }; /* ids */

#define INTO_EVENTS                                                                                \
  "INSERT INTO events (id, state, head, source, attempt, token, due_at, planned_at, accepted_at,"  \
  " started_at, since, name, key)"
#define FROM_PAYLOADS ", bare_at, bare_at, bare_at, bare_at, bare_at, '', bare_key FROM payloads"

bool mv_store_may_be_bare(const struct mv_event *event) {
  return event->source == MV_SOURCE_WEBHOOK && event->key && (!event->name || !*event->name) &&
         event->state == MV_EVENT_RUNNING && event->due_at == event->accepted_at &&
         event->started_at == event->accepted_at && event->attempt == 1;
}

bool mv_store_is_bare(const struct mv_store *store, const char *key, int64_t id) {
  const struct mv_held_line *line = key ? mv_held_get(&store->held, key) : NULL;
  return line && line->id == id && line->bare;
}

static int write_out(struct mv_store *store, const struct mv_held_line *line, struct mv_error *err) {
  int64_t id = line->id, token = line->token;
  if (!mv_held_written(&store->held, line->key)) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return mv_store_break(store);
  }
  if (mv_sql_run(store->sql, err,
                 INTO_EVENTS " SELECT id, 1, 1, 0, 1, ?" FROM_PAYLOADS " WHERE id = ?", "ii", token,
                 id))
    return mv_store_break(store);
  return 0;
}

int mv_store_write_out(struct mv_store *store, const char *key, int64_t id, struct mv_error *err) {
  char *found = NULL;
  if (!store->held.bare)
    return 0;
  if (!key && mv_sql_one_text(store->sql, &found, err,
                              "SELECT bare_key FROM payloads WHERE id = ? AND bare_at IS NOT NULL",
                              "i", id) < 0)
    return mv_store_break(store);
  int failed = mv_store_is_bare(store, key ? key : found, id)
                   ? write_out(store, mv_held_get(&store->held, key ? key : found), err)
                   : 0;
  free(found);
  return failed;
}

static int write_out_below(struct mv_store *store, int64_t below, struct mv_error *err) {
  const struct mv_held_line *line;
  size_t at = 0;
  while ((line = mv_held_next_bare(&store->held, &at, below)))
    if (write_out(store, line, err))
      return -1;
  return 0;
}

int mv_store_write_out_all(struct mv_store *store, struct mv_error *err) {
  return write_out_below(store, INT64_MAX, err);
}

int mv_store_write_out_old(struct mv_store *store, struct mv_error *err) {
  if (store->next_id - store->bare_checked < LOOKED_FOR_EVERY)
    return 0;
  store->bare_checked = store->next_id;
  return write_out_below(store, store->next_id - LOOKED_FOR_EVERY, err);
}

int mv_store_load_bare(struct mv_store *store, struct mv_error *err) {
  return mv_sql_run(store->sql, err,
                    INTO_EVENTS " SELECT id, 1, 1, 0, 1, 0" FROM_PAYLOADS " WHERE id IN"
                                " (SELECT id FROM " MV_STORE_BARE ")",
                    "");
}
