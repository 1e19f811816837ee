/* What has come before is told from what is new, one by one and many at once. */
#include "test/store_support.h"

static void test_duplicates(void) {
  struct mv_store *store = begin();
  struct mv_store_accepted a = put(store, NULL, "17", 0, T0, false);
  struct mv_store_accepted b = put(store, NULL, "17", 0, T0 + 7 * DAY - 1, false);
  CHECK(!a.duplicate && b.duplicate && b.id == a.id);
  struct mv_store_accepted c = put(store, NULL, "17", 0, T0 + 7 * DAY + 1, false);
  CHECK(!c.duplicate && c.id != a.id);
  CHECK(put(store, NULL, "17", 0, T0 + 7 * DAY + 2, false).id == c.id);
  end(store);
}

static int knows(struct mv_store *store, const char *id, int64_t now) {
  return mv_store_known(store, MV_SOURCE_WEBHOOK, "", id, now, &err);
}

static void test_known(void) {
  struct mv_store *store = begin();
  int64_t at = -1;
  CHECK(mv_store_last_accepted(store, &at, &err) == 0 && at == 0);
  put(store, NULL, "17", 0, T0, false);
  put(store, NULL, "18", 0, T0 + 5, false);
  CHECK(mv_store_last_accepted(store, &at, &err) == 0 && at == T0 + 5);
  CHECK(knows(store, "17", T0 + 7 * DAY) == 1 && knows(store, "17", T0 + 7 * DAY + 1) == 0);
  CHECK(knows(store, "19", T0) == 0);
  end(store);
}

/* --- Several at once --- */

enum { MOST = 24 };

struct some {
  struct mv_event *events[MOST];
  struct mv_store_accepted accepted[MOST];
  size_t count;
};

/* Accepts events with these values (NULL: none), foreseen or not. */
static void accept_some(struct mv_store *store, struct some *some, const char *const *values,
                        size_t count, bool foresee, int64_t now) {
  some->count = count;
  for (size_t i = 0; i < count; i++)
    some->events[i] = event_of("key", values[i], "{}");
  CHECK(!foresee || mv_store_foresee(store, some->events, count, now, &err) == 0);
  for (size_t i = 0; i < count; i++) {
    CHECK(mv_store_accept(store, some->events[i], now, true, &some->accepted[i], &err) == 0);
    mv_event_free(some->events[i]);
  }
}

/* The same whether they are foreseen or not, but for gaps in the ids. */
static void test_foreseen(void) {
  static const char *const values[] = {"a", NULL, "b", "a", "old", "c", "known", NULL, "d",
                                       "e", "f",  "g", "h", "i",   "j", "b"};
  enum { COUNT = sizeof values / sizeof *values };
  struct mv_store *store = NULL;
  struct some expected, some;
  for (int i = 0; i < 2; i++) {
    store = begin();
    put(store, NULL, "old", 0, T0 - 8 * DAY, false);
    put(store, NULL, "known", 0, T0, false);
    commit(store);
    accept_some(store, i ? &some : &expected, values, COUNT, i == 1, T0);
    if (i == 0)
      end(store);
  }
  for (int i = 0; i < COUNT; i++) {
    CHECK(some.accepted[i].duplicate == expected.accepted[i].duplicate);
    CHECK(some.accepted[i].claimed == expected.accepted[i].claimed);
    CHECK(some.accepted[i].duplicate || some.accepted[i].id == 3 + i);
  }
  CHECK(some.accepted[3].id == some.accepted[0].id && some.accepted[6].id == 2);
  CHECK(some.accepted[15].id == some.accepted[2].id);
  commit(store);
  CHECK(put(store, NULL, "j", 0, T0, false).duplicate && !put(store, NULL, "k", 0, T0, false).duplicate);
  end(store);
}

/* Those that did not come, as their transaction failed, were never there. */
static void test_foreseen_in_vain(void) {
  static const char *const values[] = {"a", "b", "c"};
  struct mv_store *store = begin();
  struct mv_event *events[3];
  struct mv_store_accepted accepted;
  for (int i = 0; i < 3; i++)
    events[i] = event_of(NULL, values[i], "{}");
  CHECK(mv_store_foresee(store, events, 3, T0, &err) == 0);
  CHECK(mv_store_accept(store, events[0], T0, false, &accepted, &err) == 0);
  mv_store_rollback(store);
  CHECK(mv_store_begin(store, &err) == 0);
  for (int i = 0; i < 3; i++) {
    CHECK(mv_store_accept(store, events[2 - i], T0, false, &accepted, &err) == 0);
    CHECK(!accepted.duplicate);
    mv_event_free(events[2 - i]);
  }
  end(store);
}

/* Ids that duplicates have used up: the newest event stays, and its id is not given again. */
static void test_prune_after_duplicates(void) {
  static const char *const values[] = {"a", "a", "a"};
  struct mv_store *store = begin();
  struct some some;
  accept_some(store, &some, values, 3, true, T0);
  finish(store, some.accepted[0].id, done, T0);
  commit(store);
  while (mv_store_prune(store, T0 + 100 * DAY, &(struct mv_store_limits){0}, 10, &err) > 0)
    ;
  CHECK(state_of(store, some.accepted[0].id) == MV_EVENT_DONE);
  end(store);
}

int main(void) {
  test_duplicates();
  test_known();
  test_foreseen();
  test_foreseen_in_vain();
  test_prune_after_duplicates();
  return check_end("store_dedupe");
}
