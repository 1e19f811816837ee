/* The SQLite backend: rows of one transaction, many in a statement.
 *
 * A statement opens the table and each of its indexes, whether it writes one row or many: that is
 * half of what a row costs. So the rows of events that run at once, and of those that were bare and
 * end, wait for others of their transaction. Any statement that could see the difference has them
 * written before (mv_sql_owe); those that cannot say so (mv_sql_pass).
 *
 * Statements that change many rows do so OR FAIL. A failure takes the whole transaction along
 * (mv_store_break), so SQLite need not keep each page as it was to take back the statement alone:
 * beyond 64 KiB of them it would need a temporary file. */
#include "store/store_sqlite.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_MOST = 16384 }; /* a copy of a larger one costs more than a statement */

#define EVENT "(?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define INTO_EVENTS                                                                                \
  "INSERT OR FAIL INTO events (id, state, head, source, attempt, token, due_at, planned_at,"       \
  " accepted_at, started_at, since, name, key) VALUES "

#define PAYLOAD "(?,?,?,?,?)"
#define INTO_PAYLOADS "INSERT OR FAIL INTO payloads (id, meta, body, bare_key, bare_at) VALUES "

/* id, state, token, when it came, when it ended, key, handler; all else of one that was bare is
 * known. */
#define ENDED(a, b, c, d, e, f, g)                                                                 \
  "(?" #a ",?" #b ",2,0,1,?" #c ",?" #d ",?" #d ",?" #d ",?" #d ",?" #d ",'',?" #f ",?" #e ",?" #g ")"
#define ENDED_1 ENDED(1, 2, 3, 4, 5, 6, 7)
#define ENDED_2 ENDED_1 "," ENDED(8, 9, 10, 11, 12, 13, 14)
#define ENDED_4 ENDED_2 "," ENDED(15, 16, 17, 18, 19, 20, 21) "," ENDED(22, 23, 24, 25, 26, 27, 28)
#define ENDED_8                                                                                    \
  ENDED_4 "," ENDED(29, 30, 31, 32, 33, 34, 35) "," ENDED(36, 37, 38, 39, 40, 41, 42)                                \
  "," ENDED(43, 44, 45, 46, 47, 48, 49) "," ENDED(50, 51, 52, 53, 54, 55, 56)
#define ENDED_16                                                                                   \
  ENDED_8 "," ENDED(57, 58, 59, 60, 61, 62, 63) "," ENDED(64, 65, 66, 67, 68, 69, 70)                              \
  "," ENDED(71, 72, 73, 74, 75, 76, 77) "," ENDED(78, 79, 80, 81, 82, 83, 84)                                      \
  "," ENDED(85, 86, 87, 88, 89, 90, 91) "," ENDED(92, 93, 94, 95, 96, 97, 98)                                      \
  "," ENDED(99, 100, 101, 102, 103, 104, 105) "," ENDED(106, 107, 108, 109, 110, 111, 112)
#define INTO_ENDED                                                                                 \
  "INSERT OR FAIL INTO events (id, state, head, source, attempt, token, due_at, planned_at,"       \
  " accepted_at, started_at, since, name, key, finished_at, handler) VALUES "

/* A row of a kind to be bound from parameter `first` on. */
static void bind_event(struct mv_stmt *stmt, int first, const void *row);
static void bind_payload(struct mv_stmt *stmt, int first, const void *row);
static void bind_ended(struct mv_stmt *stmt, int first, const void *row);

enum { SIZES = 5 };
static const size_t sizes[SIZES] = {MV_PENDING, 8, 4, 2, 1};

/* The statements for so many rows at once. */
static const struct kind {
  int columns;
  void (*bind)(struct mv_stmt *stmt, int first, const void *row);
  const char *texts[SIZES];
} events = {13,
            bind_event,
            {INTO_EVENTS MV_TIMES16(EVENT), INTO_EVENTS MV_TIMES8(EVENT),
             INTO_EVENTS MV_TIMES4(EVENT), INTO_EVENTS MV_TIMES2(EVENT), INTO_EVENTS EVENT}},
  payloads = {5,
              bind_payload,
              {INTO_PAYLOADS MV_TIMES16(PAYLOAD), INTO_PAYLOADS MV_TIMES8(PAYLOAD),
               INTO_PAYLOADS MV_TIMES4(PAYLOAD), INTO_PAYLOADS MV_TIMES2(PAYLOAD),
               INTO_PAYLOADS PAYLOAD}},
  ended = {7,
           bind_ended,
           {INTO_ENDED ENDED_16, INTO_ENDED ENDED_8, INTO_ENDED ENDED_4, INTO_ENDED ENDED_2,
            INTO_ENDED ENDED_1}};

/* --- Writing --- */

static int64_t since(const struct mv_event *event) {
  return event->elapsed || event->due_at <= event->accepted_at ? event->accepted_at : 0;
}

static void bind_event(struct mv_stmt *stmt, int first, const void *row) {
  const struct mv_starting *start = row;
  const struct mv_event *event = &start->event;
  const int64_t numbers[] = {event->id,           (int64_t)event->state, start->line,
                             (int64_t)event->source, event->attempt,     event->token,
                             event->due_at,       event->planned_at,     event->accepted_at,
                             event->started_at,   since(event)};
  int count = (int)(sizeof numbers / sizeof *numbers);
  for (int i = 0; i < count; i++)
    mv_sql_bind_int(stmt, first + i, numbers[i]);
  mv_sql_bind_text(stmt, first + count, event->name ? event->name : "");
  mv_sql_bind_text(stmt, first + count + 1, event->key);
}

static void bind_payload(struct mv_stmt *stmt, int first, const void *row) {
  const struct mv_starting *start = row;
  const struct mv_event *event = &start->event;
  mv_sql_bind_int(stmt, first, event->id);
  mv_sql_bind_text(stmt, first + 1, event->meta);
  mv_sql_bind_blob(stmt, first + 2, event->body, event->body_length);
  if (!start->bare)
    return;
  mv_sql_bind_text(stmt, first + 3, event->key);
  mv_sql_bind_int(stmt, first + 4, event->accepted_at);
}

static void bind_ended(struct mv_stmt *stmt, int first, const void *row) {
  const struct mv_ending *end = row;
  const int64_t numbers[] = {end->id, (int64_t)end->state, end->token, end->accepted_at,
                             end->finished_at};
  for (int i = 0; i < 5; i++)
    mv_sql_bind_int(stmt, first + i, numbers[i]);
  mv_sql_bind_text(stmt, first + 5, end->key);
  mv_sql_bind_text(stmt, first + 6, end->handled ? end->handler : NULL);
}

static int write_rows(struct mv_store *store, const struct kind *kind, const void *const *rows,
                      size_t count, struct mv_error *err) {
  int size = 0;
  for (size_t at = 0; at < count; at += sizes[size]) {
    while (sizes[size] > count - at)
      size++;
    struct mv_stmt *stmt = mv_sql_get(store->sql, kind->texts[size], err);
    for (size_t i = 0; stmt && i < sizes[size]; i++)
      kind->bind(stmt, 1 + (int)i * kind->columns, rows[at + i]);
    if (mv_sql_finish(stmt, err))
      return -1;
  }
  return 0;
}

static int write_starts(struct mv_store *store, const struct mv_starting *starts, size_t count,
                        struct mv_error *err) {
  const void *all[MV_PENDING], *with_row[MV_PENDING];
  size_t rows = 0;
  for (size_t i = 0; i < count; i++) {
    all[i] = &starts[i];
    if (!starts[i].bare)
      with_row[rows++] = &starts[i];
  }
  return write_rows(store, &payloads, all, count, err) ||
                 write_rows(store, &events, with_row, rows, err)
             ? -1
             : 0;
}

static int write_ends(struct mv_store *store, const struct mv_ending *ends, size_t count,
                      struct mv_error *err) {
  const void *all[MV_PENDING];
  for (size_t i = 0; i < count; i++)
    all[i] = &ends[i];
  return write_rows(store, &ended, all, count, err);
}

static int write_all(void *self, struct mv_error *err) {
  struct mv_store *store = self;
  struct mv_pending *pending = &store->pending;
  mv_sql_owe(store->sql, NULL, NULL);
  int failed = write_starts(store, pending->starts, pending->count, err) ||
               write_ends(store, pending->ends, pending->ended, err) ||
               mv_store_write_closing(store, err);
  mv_store_forget_pending(store);
  return failed ? mv_store_break(store) : 0;
}

int mv_store_insert(struct mv_store *store, const struct mv_event *event, int line, bool bare,
                    struct mv_error *err) {
  struct mv_starting start = {.event = *event, .line = line, .bare = bare};
  return write_starts(store, &start, 1, err);
}

/* --- Putting off --- */

void mv_store_forget_pending(struct mv_store *store) {
  struct mv_pending *pending = &store->pending;
  for (size_t i = 0; i < pending->count; i++)
    free(pending->starts[i].event.body);
  pending->count = pending->ended = 0;
  mv_store_forget_closing(store);
  mv_sql_owe(store->sql, NULL, NULL);
}

void mv_store_owe(struct mv_store *store) {
  mv_sql_owe(store->sql, write_all, store);
}

static char *lay(char **at, const void *data, size_t length) {
  char *text = *at;
  if (!data)
    return NULL;
  memcpy(text, data, length);
  text[length] = 0;
  *at += length + 1;
  return text;
}

static size_t length_of(const char *text) {
  return text ? strlen(text) : 0;
}

/* Its strings in one piece of memory, which begins with the body. */
static bool copy(struct mv_event *to, const struct mv_event *event) {
  size_t name = length_of(event->name), key = length_of(event->key), meta = length_of(event->meta);
  char *at = malloc(event->body_length + name + key + meta + 4);
  if (!at)
    return false;
  *to = *event;
  to->body = lay(&at, event->body ? event->body : "", event->body_length);
  to->name = lay(&at, event->name, name);
  to->key = lay(&at, event->key, key);
  to->meta = lay(&at, event->meta, meta);
  return true;
}

int mv_store_insert_later(struct mv_store *store, const struct mv_event *event, bool bare,
                          struct mv_error *err) {
  struct mv_pending *pending = &store->pending;
  struct mv_starting *start = &pending->starts[pending->count];
  if (!event->body || event->body_length > BODY_MOST || !copy(&start->event, event))
    return mv_store_insert(store, event, LINE_HEAD, bare, err);
  start->line = LINE_HEAD;
  start->bare = bare;
  if (++pending->count == MV_PENDING)
    return write_all(store, err);
  mv_store_owe(store);
  return 0;
}

int mv_store_end_later(struct mv_store *store, const struct mv_event *event,
                       const struct mv_outcome *outcome, int64_t now, struct mv_error *err) {
  struct mv_pending *pending = &store->pending;
  struct mv_ending *end = &pending->ends[pending->ended];
  size_t key = strlen(event->key) + 1, handler = length_of(outcome->handler) + 1;
  if (outcome->reason || outcome->state == MV_EVENT_DEAD || key > sizeof end->key ||
      handler > sizeof end->handler)
    return 0;
  end->id = event->id;
  end->token = event->token;
  end->accepted_at = event->accepted_at;
  end->finished_at = now;
  end->state = outcome->state;
  end->handled = outcome->handler != NULL;
  memcpy(end->key, event->key, key);
  memcpy(end->handler, end->handled ? outcome->handler : "", handler);
  mv_store_owe(store);
  return ++pending->ended < MV_PENDING ? 1 : write_all(store, err) ? -1 : 1;
}

bool mv_store_is_pending(const struct mv_store *store, int64_t id) {
  const struct mv_pending *pending = &store->pending;
  return (pending->count > 0 && id >= pending->starts[0].event.id) ||
         mv_store_is_closing(store, id);
}
