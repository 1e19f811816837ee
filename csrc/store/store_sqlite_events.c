/* The SQLite backend: events come in, are claimed, and end. */
#include "store/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* --- Rows --- */

static char *column(struct mv_stmt *stmt, int index, bool *failed) {
  char *text = mv_sql_text_dup(stmt, index);
  if (!text && !mv_sql_is_null(stmt, index))
    *failed = true;
  return text;
}

static void read_body(struct mv_stmt *stmt, struct mv_event *event, bool *failed) {
  event->meta = column(stmt, COLUMN_META, failed);
  const void *body = mv_sql_blob(stmt, COLUMN_BODY, &event->body_length);
  if (body && !(event->body = mv_memdup(body, event->body_length)))
    *failed = true;
}

struct mv_event *mv_store_read_event(struct mv_stmt *stmt, bool bodies, struct mv_error *err) {
  struct mv_event *event = mv_event_new();
  bool failed = !event;
  if (event) {
    event->id = mv_sql_int(stmt, 0);
    event->state = (enum mv_event_state)mv_sql_int(stmt, 1);
    event->source = (enum mv_event_source)mv_sql_int(stmt, 2);
    event->name = column(stmt, 3, &failed);
    event->key = column(stmt, 4, &failed);
    event->accepted_at = mv_sql_int(stmt, 5);
    event->due_at = mv_sql_int(stmt, 6);
    event->started_at = mv_sql_int(stmt, 7);
    event->finished_at = mv_sql_int(stmt, 8);
    event->attempt = (int)mv_sql_int(stmt, 9);
    event->crashes = (int)mv_sql_int(stmt, 10);
    event->token = mv_sql_int(stmt, 11);
    event->handler = column(stmt, 12, &failed);
    event->reason = column(stmt, 13, &failed);
    event->planned_at = mv_sql_int(stmt, 14);
    event->stop = column(stmt, 15, &failed);
    if (bodies)
      read_body(stmt, event, &failed);
  }
  if (!failed)
    return event;
  mv_event_free(event);
  mv_error_set(err, MV_ERROR_SYSTEM, "out of memory for an event");
  return NULL;
}

/* --- Accepting --- */

/* Its place in the line, and its rows. */
static int insert_event(struct mv_store *store, const struct mv_event *event, int line,
                        struct mv_error *err) {
  bool bare = mv_store_may_be_bare(event);
  if (event->state == MV_EVENT_RUNNING && mv_store_hold_line(store, event, bare))
    return mv_store_insert_later(store, event, bare, err);
  if (line != LINE_OUTSIDE && mv_store_join_line(store, event->key, event->id, err))
    return -1;
  return mv_store_insert(store, event, line, false, err);
}

/* Fills what the store decides, but for the id. */
static void start_event(struct mv_store *store, struct mv_event *event, int64_t now, bool claimed) {
  event->accepted_at = now;
  event->finished_at = 0;
  event->crashes = 0;
  event->state = claimed ? MV_EVENT_RUNNING : MV_EVENT_AVAILABLE;
  event->attempt = claimed ? 1 : 0;
  event->token = claimed ? store->next_token++ : 0;
  event->started_at = claimed ? now : 0;
}

int mv_store_accept(struct mv_store *store, struct mv_event *event, int64_t now, bool claim,
                    struct mv_store_accepted *out, struct mv_error *err) {
  assert(store->in_transaction);
  *out = (struct mv_store_accepted){.wake_at = MV_STORE_NEVER};
  int fresh = mv_store_tell_apart(store, event, now, &out->id, err);
  out->duplicate = fresh == 0;
  if (fresh <= 0)
    return fresh;
  if (event->due_at == 0)
    event->due_at = now;
  event->planned_at = event->due_at;
  int line =
      event->key && event->due_at > now ? LINE_OUTSIDE : mv_store_place(store, event->key, err);
  if (line < 0)
    return -1;
  out->claimed = claim && line == LINE_HEAD && event->due_at <= now;
  start_event(store, event, now, out->claimed);
  if (insert_event(store, event, line, err))
    return mv_store_break(store);
  mv_store_count(store, MV_EVENT_STATES, event->state);
  out->id = event->id;
  if (!out->claimed && line != LINE_BEHIND)
    out->wake_at = event->due_at;
  return 0;
}

int mv_store_turn_back(struct mv_store *store, int64_t now, int64_t *wake_at,
                       struct mv_error *err) {
  assert(store->in_transaction);
  if (mv_sql_run(store->sql, err,
                 "UPDATE events SET due_at = due_at - since + ?1, since = ?1 WHERE id IN"
                 " (SELECT id FROM events INDEXED BY events_due"
                 "   WHERE head > 0 AND state IN (0, 2) AND due_at > ?1 AND since > ?1)",
                 "i", now))
    return mv_store_break(store);
  *wake_at = now;
  return 0;
}

/* --- Claiming --- */

struct list {
  struct mv_node *first, **last;
  int count;
};

static void append(struct list *list, struct mv_event *event) {
  event->node.next = NULL;
  *list->last = &event->node;
  list->last = &event->node.next;
  list->count++;
}

static void free_list(struct mv_node *node) {
  while (node) {
    struct mv_node *next = node->next;
    mv_event_free((struct mv_event *)node);
    node = next;
  }
}

/* Reads all before any is changed: a statement must not walk an index that changes below it. The
 * place in the line travels in `finished_at`, which a waiting event does not use. */
static int read_due(struct mv_store *store, int64_t now, bool suspects, int limit,
                    struct list *list, struct mv_error *err) {
  struct mv_stmt *stmt =
      mv_sql_query(store->sql, err,
                   "SELECT " MV_STORE_COLUMNS ", meta, body FROM events INDEXED BY events_due"
                   " JOIN payloads USING (id)"
                   " WHERE head > 0 AND state IN (0, 2) AND due_at <= ? AND (crashes < 2 OR ?)"
                   " ORDER BY due_at, id LIMIT ?",
                   "iii", now, (int64_t)suspects, (int64_t)limit);
  int row;
  while ((row = mv_sql_step(stmt, err)) > 0) {
    struct mv_event *event = mv_store_read_event(stmt, true, err);
    if (!event) {
      row = -1;
      break;
    }
    event->finished_at = mv_sql_int(stmt, COLUMN_HEAD);
    append(list, event);
  }
  mv_sql_done(stmt);
  return row;
}

/* Events that are taken, whose ids and tokens follow one another: of a backlog nearly all do. They
 * become running in one statement, which opens the table and its indexes once. */
struct taken {
  int64_t first, count, token;
};

static int write_taken(struct mv_store *store, struct taken *taken, int64_t now,
                       struct mv_error *err) {
  int64_t first = taken->first, last = first + taken->count - 1;
  if (taken->count == 0)
    return 0;
  taken->count = 0;
  return mv_sql_run(store->sql, err,
                    "UPDATE OR FAIL events SET state = 1, head = 1, attempt = attempt + 1,"
                    " started_at = ?, token = id + ?, mark = iif(crashes >= 2, 3, NULL)"
                    " WHERE id BETWEEN ? AND ?",
                    "iiii", now, taken->token - first, first, last);
}

static int take(struct mv_store *store, struct mv_event *event, struct taken *taken, int64_t now,
                struct mv_error *err) {
  mv_store_count(store, event->state, MV_EVENT_RUNNING);
  event->state = MV_EVENT_RUNNING;
  event->attempt++;
  event->started_at = now;
  event->token = store->next_token++;
  if (event->id != taken->first + taken->count && write_taken(store, taken, now, err))
    return -1;
  if (taken->count++ == 0)
    *taken = (struct taken){.first = event->id, .count = 1, .token = event->token};
  return 0;
}

/* 1: running now, 0: it joined the line behind others, -1. */
static int claim_one(struct mv_store *store, struct mv_event *event, struct taken *taken,
                     int64_t now, struct mv_error *err) {
  bool outside = event->finished_at == LINE_OUTSIDE;
  event->finished_at = 0;
  if (outside) { /* its place depends on the rows of others */
    int line = write_taken(store, taken, now, err) ? -1 : mv_store_place(store, event->key, err);
    if (line < 0 || mv_store_join_line(store, event->key, event->id, err))
      return -1;
    if (line == LINE_BEHIND)
      return mv_sql_run(store->sql, err, "UPDATE events SET head = 0 WHERE id = ?", "i", event->id);
  }
  return take(store, event, taken, now, err) ? -1 : 1;
}

/* Frees what it does not claim; of suspects it claims one. */
static int claim_all(struct mv_store *store, struct mv_node *due, int64_t now, struct list *claimed,
                     struct mv_error *err) {
  struct taken taken = {0};
  bool suspect_runs = false;
  while (due) {
    struct mv_event *event = (struct mv_event *)due;
    due = due->next;
    bool suspect = event->crashes >= MV_STORE_SUSPECT;
    int got = suspect && suspect_runs ? 0 : claim_one(store, event, &taken, now, err);
    if (got > 0) {
      suspect_runs = suspect_runs || suspect;
      append(claimed, event);
      continue;
    }
    mv_event_free(event);
    if (got < 0) {
      free_list(due);
      return -1;
    }
  }
  return write_taken(store, &taken, now, err);
}

/* Whether none of the suspects is running. 1, 0, -1. */
static int may_run_suspect(struct mv_store *store, struct mv_error *err) {
  int64_t id;
  int found = mv_sql_one_int(store->sql, &id, err,
                             "SELECT id FROM events INDEXED BY events_marked"
                             " WHERE mark = 3 LIMIT 1",
                             "");
  return found < 0 ? -1 : !found;
}

/* The number of due rows looked at, or -1. */
static int claim_some(struct mv_store *store, int64_t now, int limit, struct list *claimed,
                      struct mv_error *err) {
  struct list due = {.last = &due.first};
  int suspects = may_run_suspect(store, err);
  if (suspects < 0 || read_due(store, now, suspects, limit, &due, err)) {
    free_list(due.first);
    return -1;
  }
  return claim_all(store, due.first, now, claimed, err) ? -1 : due.count;
}

int mv_store_claim(struct mv_store *store, int64_t now, int limit, struct mv_event **list,
                   struct mv_error *err) {
  assert(store->in_transaction);
  struct list claimed = {.last = &claimed.first};
  *list = NULL;
  while (claimed.count < limit) {
    int wanted = limit - claimed.count;
    int seen = claim_some(store, now, wanted, &claimed, err);
    if (seen < 0) {
      free_list(claimed.first);
      return mv_store_break(store);
    }
    if (seen < wanted)
      break; /* all that is due */
  }
  *list = (struct mv_event *)claimed.first;
  return claimed.count;
}

int mv_store_next_due(struct mv_store *store, int64_t *due_at, struct mv_error *err) {
  *due_at = MV_STORE_NEVER;
  mv_store_enter(store);
  int suspects = may_run_suspect(store, err);
  int found = suspects < 0 ? -1
                           : mv_sql_one_int(store->sql, due_at, err,
                                            "SELECT due_at FROM events INDEXED BY events_due"
                                            " WHERE head > 0 AND state IN (0, 2)"
                                            " AND (crashes < 2 OR ?)"
                                            " ORDER BY due_at, id LIMIT 1",
                                            "i", (int64_t)suspects);
  mv_store_leave(store);
  return found < 0 ? -1 : 0;
}
