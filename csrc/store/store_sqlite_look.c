/* The SQLite backend: looking at events. */
#include "store/store_sqlite.h"

#include "base/bytes.h"

int mv_store_no_such(int64_t id, struct mv_error *err) {
  return mv_error_set(err, MV_ERROR_NOT_FOUND, "no event %lld; it may have been pruned",
                      (long long)id);
}

/* Where events are: most in their table, a few of those that run beside it. */
static const char *const places[] = {"events", MV_STORE_BARE};
enum { PLACES = 2 };

/* So that what leaves one place for the other between two looks is not missed. */
struct look {
  struct mv_store *store;
  bool begun;
};

static int begin_look(struct look *look, struct mv_store *store, struct mv_error *err) {
  mv_store_enter(store);
  *look = (struct look){.store = store, .begun = !mv_sql_in_transaction(store->sql)};
  if (!look->begun || mv_sql_begin_read(store->sql, err) == 0)
    return 0;
  mv_store_leave(store);
  return -1;
}

static void end_look(const struct look *look) {
  if (look->begun)
    mv_sql_rollback(look->store->sql);
  mv_store_leave(look->store);
}

/* 1 and *out, 0, -1. */
static int read_one(struct mv_store *store, const char *place, int64_t id, struct mv_event **out,
                    struct mv_error *err) {
  struct mv_bytes text = {0};
  mv_bytes_printf(&text, "SELECT " MV_STORE_COLUMNS ", meta, body,"
                         " (SELECT value FROM dedupe d WHERE d.event = events.id)"
                         " FROM %s JOIN payloads USING (id) WHERE id = ?", place);
  if (text.failed)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  struct mv_stmt *stmt = mv_sql_query(store->sql, err, text.data, "i", id);
  int found = mv_sql_step(stmt, err);
  if (found > 0 && !(*out = mv_store_read_event(stmt, true, err)))
    found = -1;
  if (found > 0)
    (*out)->dedupe = mv_sql_text_dup(stmt, COLUMN_BODY + 1);
  mv_sql_done(stmt);
  mv_bytes_free(&text);
  return found;
}

struct mv_event *mv_store_get(struct mv_store *store, int64_t id, struct mv_error *err) {
  struct mv_event *event = NULL;
  struct look look;
  if ((store->in_transaction && mv_store_write_out(store, NULL, id, err)) ||
      begin_look(&look, store, err))
    return NULL;
  int found = 0;
  for (int i = 0; i < PLACES && found == 0; i++)
    found = read_one(store, places[i], id, &event, err);
  end_look(&look);
  if (found == 0)
    mv_store_no_such(id, err);
  return event;
}

/* " AND state = 4", " AND state IN (0,2)": numbers in the text, so that the partial indexes apply.
 * Who asks for the dead alone finds them by their mark. */
static void put_states(const struct mv_store_filter *filter, struct mv_bytes *text) {
  const char *before = filter->states & (filter->states - 1) ? " AND state IN (" : " AND state = ";
  if (!filter->states)
    return;
  if (filter->states == 1U << MV_EVENT_DEAD)
    mv_bytes_puts(text, " AND mark = 2");
  for (int state = 0; state < MV_EVENT_STATES; state++) {
    if (!(filter->states & 1U << state))
      continue;
    mv_bytes_printf(text, "%s%d", before, state);
    before = ",";
  }
  if (filter->states & (filter->states - 1))
    mv_bytes_putc(text, ')');
}

/* The conditions of a filter; their parameters are bound by bind_filter in the same order. */
static void put_filter(const struct mv_store_filter *filter, struct mv_bytes *text) {
  mv_bytes_puts(text, " WHERE id < ? AND id > ?");
  put_states(filter, text);
  if (filter->handler)
    mv_bytes_puts(text, " AND handler = ?");
  if (filter->name)
    mv_bytes_puts(text, " AND name = ?");
  if (filter->key)
    mv_bytes_puts(text, " AND key = ?");
  if (filter->since)
    mv_bytes_puts(text, " AND accepted_at >= ?");
  if (filter->until)
    mv_bytes_puts(text, " AND accepted_at < ?");
}

/* Returns the index of the next parameter. */
static int bind_filter(const struct mv_store_filter *filter, struct mv_stmt *stmt) {
  const char *const strings[] = {filter->handler, filter->name, filter->key};
  const int64_t times[] = {filter->since, filter->until};
  int index = 1;
  mv_sql_bind_int(stmt, index++, filter->cursor > 0 ? filter->cursor : INT64_MAX);
  mv_sql_bind_int(stmt, index++, filter->after);
  for (int i = 0; i < 3; i++)
    if (strings[i])
      mv_sql_bind_text(stmt, index++, strings[i]);
  for (int i = 0; i < 2; i++)
    if (times[i])
      mv_sql_bind_int(stmt, index++, times[i]);
  return index;
}

/* How many run, or -1. */
static int64_t count_running(struct mv_store *store, struct mv_error *err) {
  int64_t running = store->counts[MV_EVENT_RUNNING];
  if (!store->in_transaction &&
      mv_sql_one_int(store->sql, &running, err, "SELECT n FROM counts WHERE state = 1", "") < 0)
    return -1;
  return running;
}

/* Where to look, or -1: what is bare runs, and no handler is noted yet. */
static int places_of(struct mv_store *store, const struct mv_store_filter *filter,
                     struct mv_error *err) {
  bool may_run = !filter->states || filter->states & 1U << MV_EVENT_RUNNING;
  if (!may_run || filter->handler || (filter->name && *filter->name))
    return 1;
  int64_t running = count_running(store, err);
  return running < 0 ? -1 : running > 0 ? PLACES : 1;
}

static void list_text(const struct mv_store_filter *filter, const char *place,
                      struct mv_bytes *text) {
  mv_bytes_printf(text, "SELECT " MV_STORE_COLUMNS "%s FROM %s%s",
                  filter->bodies ? ", meta, body" : "", place,
                  filter->bodies ? " JOIN payloads USING (id)" : "");
  put_filter(filter, text);
  mv_bytes_printf(text, " ORDER BY id %s LIMIT ?", filter->oldest_first ? "ASC" : "DESC");
}

static int limit_of(const struct mv_store_filter *filter) {
  return filter->limit <= 0 ? 50 : filter->limit > 1000 ? 1000 : filter->limit;
}

static void list_bind(const struct mv_store_filter *filter, struct mv_stmt *stmt) {
  mv_sql_bind_int(stmt, bind_filter(filter, stmt), limit_of(filter));
}

static struct mv_event *next_of(const struct mv_event *event) {
  return (struct mv_event *)event->node.next;
}

static void free_list(struct mv_event *list) {
  while (list) {
    struct mv_event *next = next_of(list);
    mv_event_free(list);
    list = next;
  }
}

/* 0, or -1 with what was read so far. */
static int list_rows(struct mv_stmt *stmt, bool bodies, struct mv_event **list,
                     struct mv_error *err) {
  struct mv_event *last = NULL;
  int row;
  while ((row = mv_sql_step(stmt, err)) > 0) {
    struct mv_event *event = mv_store_read_event(stmt, bodies, err);
    if (!event)
      return -1;
    if (last)
      last->node.next = &event->node;
    else
      *list = event;
    last = event;
  }
  return row;
}

static int list_place(struct mv_store *store, const struct mv_store_filter *filter,
                      const char *place, struct mv_event **list, struct mv_error *err) {
  struct mv_bytes text = {0};
  list_text(filter, place, &text);
  if (text.failed)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  struct mv_stmt *stmt = mv_sql_get(store->sql, text.data, err);
  if (stmt)
    list_bind(filter, stmt);
  int failed = stmt ? list_rows(stmt, filter->bodies, list, err) : -1;
  mv_sql_done(stmt);
  mv_bytes_free(&text);
  return failed;
}

/* The first `limit` of both, in order; the rest is freed. Returns how many. */
static int merge(const struct mv_store_filter *filter, struct mv_event *a, struct mv_event *b,
                 struct mv_event **list) {
  struct mv_event **end = list;
  int count = 0;
  for (; (a || b) && count < limit_of(filter); count++) {
    bool first = a && (!b || (a->id < b->id) == filter->oldest_first);
    struct mv_event **from = first ? &a : &b, *taken = *from;
    *from = next_of(taken);
    *end = taken;
    end = (struct mv_event **)&taken->node.next;
  }
  *end = NULL;
  free_list(a);
  free_list(b);
  return count;
}

int mv_store_list(struct mv_store *store, const struct mv_store_filter *filter,
                  struct mv_event **list, struct mv_error *err) {
  struct mv_event *found[PLACES] = {NULL};
  struct look look;
  *list = NULL;
  if (begin_look(&look, store, err))
    return -1;
  int count = places_of(store, filter, err), failed = count < 0;
  for (int i = 0; i < count && !failed; i++)
    failed = list_place(store, filter, places[i], &found[i], err);
  end_look(&look);
  if (!failed)
    return merge(filter, found[0], found[1], list);
  for (int i = 0; i < PLACES; i++)
    free_list(found[i]);
  return -1;
}

static int64_t least(int64_t a, int64_t b) {
  return a && (!b || a < b) ? a : b;
}

static int count_place(struct mv_store *store, const struct mv_store_filter *filter,
                       const char *place, struct mv_store_matches *out, struct mv_error *err) {
  struct mv_bytes text = {0};
  mv_bytes_printf(&text, "SELECT count(*), min(id), max(id) FROM %s", place);
  put_filter(filter, &text);
  if (text.failed)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  struct mv_stmt *stmt = mv_sql_get(store->sql, text.data, err);
  if (stmt)
    bind_filter(filter, stmt);
  int row = mv_sql_step(stmt, err);
  if (row > 0) {
    out->count += mv_sql_int(stmt, 0);
    out->first = least(out->first, mv_sql_int(stmt, 1));
    out->last = out->last > mv_sql_int(stmt, 2) ? out->last : mv_sql_int(stmt, 2);
  }
  mv_sql_done(stmt);
  mv_bytes_free(&text);
  return row < 0 ? -1 : 0;
}

int mv_store_count_matches(struct mv_store *store, const struct mv_store_filter *filter,
                           struct mv_store_matches *out, struct mv_error *err) {
  struct look look;
  *out = (struct mv_store_matches){0};
  if (begin_look(&look, store, err))
    return -1;
  int count = places_of(store, filter, err), failed = count < 0;
  for (int i = 0; i < count && !failed; i++)
    failed = count_place(store, filter, places[i], out, err);
  end_look(&look);
  return failed ? -1 : 0;
}
