/* The SQLite backend: rows of one transaction, many in a statement.
 *
 * A statement opens the table and each of its indexes, whether it writes one row or many: that is
 * half of what a row costs. So the rows of events that run at once wait for others of their
 * transaction. Any statement that could see the difference has them written before (mv_sql_owe);
 * those that cannot say so (mv_sql_pass). */
#include "store/store_sqlite.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_MOST = 16384 }; /* a copy of a larger one costs more than a statement */

#define EVENT_ROW "(?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define PAYLOAD_ROW "(?,?,?)"
enum { EVENT_COLUMNS = 13, PAYLOAD_COLUMNS = 3 };

#define BATCH(rows, times)                                                                         \
  {rows,                                                                                           \
   "INSERT INTO events (id, state, head, source, attempt, token, due_at, planned_at, accepted_at," \
   " started_at, since, name, key) VALUES " times(EVENT_ROW),                                      \
   "INSERT INTO payloads (id, meta, body) VALUES " times(PAYLOAD_ROW)}

/* The statements for so many rows at once, the most first. */
static const struct batch {
  size_t rows;
  const char *events, *payloads;
} batches[] = {BATCH(MV_PENDING, MV_TIMES16), BATCH(8, MV_TIMES8), BATCH(4, MV_TIMES4), BATCH(2, MV_TIMES2),
               BATCH(1, MV_TIMES1)};

static const struct batch *batch_for(size_t rows) {
  const struct batch *batch = batches;
  while (batch->rows > rows)
    batch++;
  return batch;
}

/* --- Writing --- */

static int64_t since(const struct mv_event *event) {
  return event->elapsed || event->due_at <= event->accepted_at ? event->accepted_at : 0;
}

static void bind_event(struct mv_stmt *stmt, int first, const struct mv_event *event, int line) {
  const int64_t numbers[] = {event->id,           (int64_t)event->state, line,
                             (int64_t)event->source, event->attempt,     event->token,
                             event->due_at,       event->planned_at,     event->accepted_at,
                             event->started_at,   since(event)};
  int count = (int)(sizeof numbers / sizeof *numbers);
  for (int i = 0; i < count; i++)
    mv_sql_bind_int(stmt, first + i, numbers[i]);
  mv_sql_bind_text(stmt, first + count, event->name ? event->name : "");
  mv_sql_bind_text(stmt, first + count + 1, event->key);
}

static void bind_payload(struct mv_stmt *stmt, int first, const struct mv_event *event) {
  mv_sql_bind_int(stmt, first, event->id);
  mv_sql_bind_text(stmt, first + 1, event->meta);
  mv_sql_bind_blob(stmt, first + 2, event->body, event->body_length);
}

static int insert(struct mv_store *store, const struct mv_event *rows, const struct batch *batch,
                  int line, struct mv_error *err) {
  struct mv_stmt *events = mv_sql_get(store->sql, batch->events, err);
  for (size_t i = 0; events && i < batch->rows; i++)
    bind_event(events, 1 + (int)i * EVENT_COLUMNS, &rows[i], line);
  if (mv_sql_finish(events, err))
    return -1;
  struct mv_stmt *payloads = mv_sql_get(store->sql, batch->payloads, err);
  for (size_t i = 0; payloads && i < batch->rows; i++)
    bind_payload(payloads, 1 + (int)i * PAYLOAD_COLUMNS, &rows[i]);
  return mv_sql_finish(payloads, err);
}

static int write_all(void *self, struct mv_error *err) {
  struct mv_store *store = self;
  struct mv_pending *pending = &store->pending;
  const struct batch *batch;
  int failed = 0;
  mv_sql_owe(store->sql, NULL, NULL);
  for (size_t at = 0; at < pending->count && !failed; at += batch->rows) {
    batch = batch_for(pending->count - at);
    failed = insert(store, &pending->events[at], batch, LINE_HEAD, err);
  }
  mv_store_forget_pending(store);
  return failed ? mv_store_break(store) : 0;
}

int mv_store_insert(struct mv_store *store, const struct mv_event *event, int line,
                    struct mv_error *err) {
  return insert(store, event, batch_for(1), line, err);
}

/* --- Putting off --- */

void mv_store_forget_pending(struct mv_store *store) {
  struct mv_pending *pending = &store->pending;
  for (size_t i = 0; i < pending->count; i++)
    free(pending->events[i].body);
  pending->count = 0;
  mv_sql_owe(store->sql, NULL, NULL);
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

int mv_store_insert_later(struct mv_store *store, const struct mv_event *event,
                          struct mv_error *err) {
  struct mv_pending *pending = &store->pending;
  if (!event->body || event->body_length > BODY_MOST || !copy(&pending->events[pending->count], event))
    return mv_store_insert(store, event, LINE_HEAD, err);
  pending->count++;
  if (pending->count == MV_PENDING)
    return write_all(store, err);
  mv_sql_owe(store->sql, write_all, store);
  return 0;
}

bool mv_store_is_pending(const struct mv_store *store, int64_t id) {
  const struct mv_pending *pending = &store->pending;
  return pending->count > 0 && id >= pending->events[0].id;
}
