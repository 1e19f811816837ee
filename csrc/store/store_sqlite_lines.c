/* The SQLite backend: the lines of ordering keys.
 *
 * The table `lines` names what stands in the line of each key. Keys come in no order: with a
 * million of them each event's row there is on a page of its own, and to write that page at each
 * end of a run costs more than all the rest of it. So with a backlog the row of an event that
 * nobody stands behind stays for a while, stale: whoever looks at the line asks `events.head`, too.
 * What is to go is remembered, sorted by key when there is enough of it, and goes from one page
 * after the other. What is forgotten, as in a crash, goes when the key is used again or the event
 * is pruned.
 *
 * An event that starts at once and has its line for itself, as most do, has no row there at all: it
 * is held in memory (held.h). Its row is written when somebody joins, or when its run ends and it
 * stays. What ran when the process died gets its row at the next opening. */
#include "store/store_sqlite.h"

#include <stdlib.h>
#include <string.h>

enum {
  PARTED_FACTOR = 4,    /* so many times defer_from are remembered; twice that while a part goes */
  PARTED_KEY = 32,      /* bytes kept for a key, on average */
  SWEPT_A_COMMIT = 512, /* once there is no backlog any more */
};

struct mv_parted {
  uint64_t first; /* of its key, so that most are compared by a number */
  const char *key;
  int64_t id;
};

/* --- What has parted and is still in the table --- */

static void parted_free(struct mv_parted_list *list) {
  free(list->list);
  free(list->keys);
  *list = (struct mv_parted_list){.list = NULL};
}

static void parted_free_all(struct mv_store *store) {
  parted_free(&store->parted);
  parted_free(&store->going);
}

void mv_store_lines_free(struct mv_store *store) {
  parted_free_all(store);
  mv_held_free(&store->held);
}

static bool parted_reserve(struct mv_parted_list *list, size_t capacity) {
  if (list->list)
    return true;
  list->list = calloc(capacity, sizeof *list->list);
  list->keys = malloc(capacity * PARTED_KEY);
  if (!list->list || !list->keys) {
    parted_free(list);
    return false;
  }
  list->capacity = capacity;
  return true;
}

static uint64_t first_of(const char *key, size_t length) {
  uint64_t first = 0;
  for (size_t i = 0; i < sizeof first; i++)
    first = first << 8 | (i < length ? (unsigned char)key[i] : 0);
  return first;
}

static bool parted_add(struct mv_parted_list *list, const char *key, int64_t id) {
  size_t length = strlen(key);
  if (list->count == list->capacity || length >= list->capacity * PARTED_KEY - list->used)
    return false;
  char *copy = list->keys + list->used;
  memcpy(copy, key, length + 1);
  list->used += length + 1;
  list->list[list->count++] =
      (struct mv_parted){.first = first_of(key, length), .key = copy, .id = id};
  return true;
}

static int compare(const void *left, const void *right) {
  const struct mv_parted *a = left, *b = right;
  return a->first != b->first ? (a->first < b->first ? -1 : 1) : strcmp(a->key, b->key);
}

static bool has_backlog(const struct mv_store *store) {
  return store->counts[MV_EVENT_AVAILABLE] + store->counts[MV_EVENT_RETRYABLE] >= store->defer_from;
}

/* Whether its row may stay for now. */
static bool defer(struct mv_store *store, const char *key, int64_t id) {
  if (!has_backlog(store) ||
      !parted_reserve(&store->parted, (size_t)store->defer_from * PARTED_FACTOR) ||
      !parted_add(&store->parted, key, id))
    return false;
  store->deferred++;
  return true;
}

static const struct mv_parted *next_going(struct mv_store *store, bool backlog) {
  struct mv_parted_list *going = &store->going, *parted = &store->parted;
  if (going->at == going->count) {
    if (parted->count == 0 || (backlog && parted->count < parted->capacity))
      return NULL;
    struct mv_parted_list empty = *going;
    empty.count = empty.at = empty.used = 0;
    *going = *parted;
    *parted = empty;
    qsort(going->list, going->count, sizeof *going->list, compare);
  }
  return &going->list[going->at++];
}

int mv_store_sweep_lines(struct mv_store *store, struct mv_error *err) {
  bool backlog = has_backlog(store);
  size_t left = backlog ? store->deferred : SWEPT_A_COMMIT;
  store->deferred = 0;
  if (!store->parted.list)
    return 0;
  const struct mv_parted *parted = NULL;
  for (; left > 0 && (parted = next_going(store, backlog)); left--) {
    /* it may have been in a transaction that failed, or be back in the line */
    if (mv_sql_run(store->sql, err,
                   "DELETE FROM lines WHERE key = ?1 AND id = ?2"
                   " AND NOT EXISTS (SELECT 1 FROM events WHERE id = ?2 AND head < 2)",
                   "si", parted->key, parted->id))
      return mv_store_break(store);
  }
  if (left > 0 && !parted && !backlog)
    parted_free_all(store);
  return 0;
}

/* --- What is held in memory --- */

static int write_row(struct mv_store *store, const char *key, int64_t id, struct mv_error *err) {
  store->lines_used = true;
  int failed = mv_sql_run(store->sql, err, "INSERT OR IGNORE INTO lines (key, id) VALUES (?,?)",
                          "si", key, id);
  return failed ? mv_store_break(store) : 0;
}

/* Whoever holds the line of `key` gets its row: somebody joins. */
static int release_line(struct mv_store *store, const char *key, struct mv_error *err) {
  int64_t id = mv_held_find(&store->held, key);
  return id ? mv_store_stay(store, key, id, err) : 0;
}

int mv_store_stay(struct mv_store *store, const char *key, int64_t id, struct mv_error *err) {
  if (key && mv_store_write_out(store, key, id, err))
    return -1;
  if (!key || !mv_held_remove(&store->held, key, id))
    return 0;
  return write_row(store, key, id, err);
}

int mv_store_load_lines(struct mv_store *store, struct mv_error *err) {
  if (mv_sql_run(store->sql, err,
                 "INSERT OR IGNORE INTO lines SELECT key, id FROM events INDEXED BY events_running"
                 " WHERE state = 1 AND key IS NOT NULL",
                 ""))
    return -1;
  store->lines_used = true;
  return 0;
}

int mv_store_check_lines(struct mv_store *store, struct mv_error *err) {
  int64_t some = 0;
  if (!store->lines_used || store->counts[MV_EVENT_AVAILABLE] + store->counts[MV_EVENT_RETRYABLE] > 0)
    return 0;
  if (mv_sql_one_int(store->sql, &some, err, "SELECT EXISTS (SELECT 1 FROM lines)", "") < 0)
    return mv_store_break(store);
  store->lines_used = some;
  return 0;
}

/* --- Lines --- */

static int drop(struct mv_store *store, const char *key, int64_t id, struct mv_error *err) {
  return mv_sql_run(store->sql, err, "DELETE FROM lines WHERE key = ? AND id = ?", "si", key, id);
}

/* The first row of the line: 1, with its event and whether that stands there indeed; 0: none; -1.
 */
static int read_first(struct mv_store *store, const char *key, int64_t *id, bool *stale,
                      struct mv_error *err) {
  mv_sql_pass(store->sql); /* who is in the table has its row in `events` */
  struct mv_stmt *stmt = mv_sql_query(store->sql, err,
                                      "SELECT id, (SELECT head FROM events e WHERE e.id = l.id)"
                                      " FROM lines l WHERE key = ? ORDER BY id LIMIT 1",
                                      "s", key);
  int found = mv_sql_step(stmt, err);
  *id = found > 0 ? mv_sql_int(stmt, 0) : 0;
  *stale = found > 0 && (mv_sql_is_null(stmt, 1) || mv_sql_int(stmt, 1) == LINE_OUTSIDE ||
                         mv_store_is_closing(store, *id));
  mv_sql_done(stmt);
  return found;
}

int mv_store_place(struct mv_store *store, const char *key, struct mv_error *err) {
  int found = 0;
  int64_t id;
  bool stale = false;
  if (key && mv_held_find(&store->held, key))
    return LINE_BEHIND;
  while (key && store->lines_used && (found = read_first(store, key, &id, &stale, err)) > 0 && stale) {
    if (drop(store, key, id, err)) {
      found = -1;
      break;
    }
  }
  return found < 0 ? mv_store_break(store) : found > 0 ? LINE_BEHIND : LINE_HEAD;
}

int mv_store_join_line(struct mv_store *store, const char *key, int64_t id, struct mv_error *err) {
  if (!key)
    return 0;
  return release_line(store, key, err) || write_row(store, key, id, err) ? -1 : 0;
}

bool mv_store_hold_line(struct mv_store *store, const struct mv_event *event, bool bare) {
  return !event->key || mv_held_add(&store->held, event->key, event->id, event->token, bare);
}

struct next {
  int64_t id, due_at;
  int head;
};

/* Who stands there first but for `id`. Whoever ended before it in this transaction is not in its
 * line: that one's end was written when `id` could start. 1, 0, -1. */
static int read_next(struct mv_store *store, const char *key, int64_t id, struct next *out,
                     struct mv_error *err) {
  mv_sql_pass(store->sql);
  struct mv_stmt *stmt =
      mv_sql_query(store->sql, err,
                   "SELECT l.id, e.due_at, e.head FROM lines l CROSS JOIN events e ON e.id = l.id"
                   " WHERE l.key = ? AND l.id <> ? AND e.head < 2 ORDER BY l.id LIMIT 1",
                   "si", key, id);
  int found = mv_sql_step(stmt, err);
  if (found > 0)
    *out = (struct next){mv_sql_int(stmt, 0), mv_sql_int(stmt, 1), (int)mv_sql_int(stmt, 2)};
  mv_sql_done(stmt);
  return found;
}

static int promote(struct mv_store *store, struct next *next, int64_t now, int64_t *wake_at,
                   struct mv_error *err) {
  if (next->head == LINE_BEHIND && next->due_at > now)
    next->due_at = now; /* who stands in the line was due, whatever the clock says by now */
  *wake_at = mv_store_earlier(*wake_at, next->due_at);
  return mv_sql_run(store->sql, err, "UPDATE events SET head = 1, due_at = ? WHERE id = ?", "ii",
                    next->due_at, next->id);
}

int mv_store_part_line(struct mv_store *store, const char *key, int64_t id, bool head, int64_t now,
                       int64_t *wake_at, struct mv_error *err) {
  struct next next;
  if (!key || mv_held_remove(&store->held, key, id))
    return 0;
  int found = head ? read_next(store, key, id, &next, err) : 0;
  bool failed = found < 0 || (found > 0 && promote(store, &next, now, wake_at, err));
  if (!failed && !(head && found == 0 && defer(store, key, id)))
    failed = drop(store, key, id, err);
  return failed ? mv_store_break(store) : 0;
}
