/* The SQLite backend: runs that end as most do, and whose events have their rows.
 *
 * Those that end in one transaction have ids that follow one another, or nearly, while a backlog is
 * worked off. Each stretch of them is one statement, which opens the table and its indexes once. So
 * they wait for others of their transaction, as rows do in store_sqlite_pending.c; until then
 * `events` has them as running, at the head of their line. */
#include "store/store_sqlite.h"

#include <string.h>

enum { WORD = 64 };

static size_t place_of(const struct mv_closing *closing, int64_t id) {
  return (size_t)(id - closing->base);
}

static bool is_marked(const struct mv_closing *closing, size_t place) {
  return place < MV_CLOSING && (closing->bits[place / WORD] >> place % WORD & 1);
}

bool mv_store_is_closing(const struct mv_store *store, int64_t id) {
  return store->closing.count > 0 && is_marked(&store->closing, place_of(&store->closing, id));
}

void mv_store_forget_closing(struct mv_store *store) {
  memset(store->closing.bits, 0, sizeof store->closing.bits);
  store->closing.count = 0;
}

static bool is_same_kind(const struct mv_closing *closing, const struct mv_outcome *outcome,
                         int64_t now) {
  return outcome->state == closing->state && now == closing->finished_at &&
         (outcome->handler ? closing->handled && strcmp(outcome->handler, closing->handler) == 0
                           : !closing->handled);
}

static bool begin(struct mv_closing *closing, int64_t id, const struct mv_outcome *outcome,
                  int64_t now) {
  size_t length = outcome->handler ? strlen(outcome->handler) : 0;
  if (length >= sizeof closing->handler)
    return false;
  closing->base = id - MV_CLOSING / 4; /* who began before it may end after it */
  closing->state = outcome->state;
  closing->finished_at = now;
  closing->handled = outcome->handler;
  memcpy(closing->handler, closing->handled ? outcome->handler : "", length + 1);
  return true;
}

bool mv_store_close_later(struct mv_store *store, int64_t id, const struct mv_outcome *outcome,
                          int64_t now) {
  struct mv_closing *closing = &store->closing;
  if (outcome->reason || !(closing->count > 0 ? is_same_kind(closing, outcome, now)
                                              : begin(closing, id, outcome, now)))
    return false;
  size_t place = place_of(closing, id);
  if (place >= MV_CLOSING)
    return false;
  closing->bits[place / WORD] |= UINT64_C(1) << place % WORD;
  closing->count++;
  mv_store_owe(store);
  return true;
}

static int write_stretch(struct mv_store *store, size_t from, size_t to, struct mv_error *err) {
  const struct mv_closing *closing = &store->closing;
  return mv_sql_run(store->sql, err,
                    "UPDATE OR FAIL events SET state = ?, head = iif(key IS NOT NULL, 2, head),"
                    " finished_at = ?, handler = coalesce(?, handler), reason = NULL"
                    " WHERE id BETWEEN ? AND ?",
                    "iisii", (int64_t)closing->state, closing->finished_at,
                    closing->handled ? closing->handler : NULL, closing->base + (int64_t)from,
                    closing->base + (int64_t)to);
}

int mv_store_write_closing(struct mv_store *store, struct mv_error *err) {
  const struct mv_closing *closing = &store->closing;
  size_t left = closing->count;
  for (size_t at = 0; left > 0; at++) {
    size_t from = at;
    while (is_marked(closing, at))
      at++;
    left -= at - from;
    if (at > from && write_stretch(store, from, at - 1, err))
      return -1;
  }
  return 0;
}
