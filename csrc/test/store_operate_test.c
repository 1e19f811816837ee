/* What operators see of the store, and what is pruned of it. */
#include "test/store_support.h"

/* The pages of a walk upwards: every event once, in order of acceptance. */
static void check_oldest_first(struct mv_store *store) {
  struct mv_store_filter filter = {.oldest_first = true, .limit = 3};
  struct mv_event *event;
  int count, seen = 0;
  while ((count = mv_store_list(store, &filter, &event, &err)) > 0) {
    seen += count;
    while (event) {
      struct mv_event *next = (struct mv_event *)event->node.next;
      CHECK(event->id > filter.after);
      filter.after = event->id;
      mv_event_free(event);
      event = next;
    }
  }
  CHECK(count == 0 && seen == 10);
}

static void test_list(void) {
  struct mv_store *store = begin();
  for (int i = 0; i < 10; i++)
    put(store, i % 2 ? "odd" : "even", NULL, 0, T0 + i, false);
  int64_t ids[2] = {0};
  CHECK(claim(store, T0 + 10, 10, ids) == 2);
  finish(store, ids[0], (struct mv_outcome){.state = MV_EVENT_DEAD, .handler = "h", .reason = "r"},
         T0);
  struct mv_store_filter filters[] = {
      {0},
      {.states = 1U << MV_EVENT_DEAD},
      {.states = MV_STORE_WAITING, .key = "odd"},
      {.handler = "h"},
      {.since = T0 + 3, .until = T0 + 7},
      {.cursor = 4, .bodies = true},
      {.limit = 3},
      {.after = 4},
      {.after = 4, .cursor = 7, .states = MV_STORE_UNFINISHED},
      {.states = 1U << MV_EVENT_DONE},
  };
  const int expected[] = {10, 1, 4, 1, 4, 3, 3, 6, 2, 0}, counts[] = {10, 1, 4, 1, 4, 3, 10, 6, 2, 0};
  for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
    struct mv_store_matches matches;
    CHECK(mv_store_count_matches(store, &filters[i], &matches, &err) == 0);
    CHECK(matches.count == counts[i] && (matches.count == 0) == (matches.last == 0));
    struct mv_event *event;
    CHECK(mv_store_list(store, &filters[i], &event, &err) == expected[i]);
    int64_t above = INT64_MAX;
    while (event) {
      struct mv_event *next = (struct mv_event *)event->node.next;
      CHECK(event->id < above && (event->body != NULL) == filters[i].bodies);
      above = event->id;
      mv_event_free(event);
      event = next;
    }
  }
  check_oldest_first(store);
  end(store);
}

static void test_prune(void) {
  struct mv_store *store = begin();
  for (int i = 0; i < 100; i++) {
    int64_t id = put(store, NULL, i % 10 ? NULL : "d", 0, T0 + i * (8 * DAY), true).id;
    if (i % 4)
      finish(store, id, i % 4 == 1 ? done : (struct mv_outcome){.state = MV_EVENT_DEAD},
             T0 + i * (8 * DAY));
  }
  commit(store);
  int64_t now = T0 + 99 * (8 * DAY) + 1;
  int calls = 0, more;
  while ((more = mv_store_prune(store, now, &(struct mv_store_limits){0}, 7, &err)) > 0)
    calls++;
  CHECK(more == 0 && calls > 10);
  struct mv_store_stats stats;
  CHECK(mv_store_stats(store, &stats, &err) == 0);
  CHECK(stats.states[MV_EVENT_RUNNING] == 25 && stats.states[MV_EVENT_DONE] == 0);
  CHECK(stats.states[MV_EVENT_DEAD] == 6); /* of the last 90 days */
  int64_t last = put(store, NULL, NULL, 0, now, false).id;
  CHECK(last == 101);
  end(store);
}

/* A round goes on until all that is too old has gone: more than one batch of it. */
static void test_prune_small(void) {
  struct mv_store *store = begin();
  struct mv_store_finished finished;
  int64_t id = put(store, NULL, NULL, 0, T0, true).id;
  json_t *effects = json_array();
  for (int i = 0; i < 20; i++)
    json_array_append_new(effects, json_pack("{s:s,s:s+,s:i}", "op", "once", "key", "o",
                                             (char[]){(char)('a' + i), 0}, "value", i));
  CHECK(mv_store_finish(store, id, token_of(store, id), &done, effects, T0, &finished, &err) == 0);
  json_decref(effects);
  effects = json_pack("[{s:s,s:s,s:i}]", "op", "once", "key", "ob", "value", 1);
  id = put(store, NULL, NULL, 0, T0, true).id;
  CHECK(mv_store_finish(store, id, token_of(store, id), &done, effects, T0 + DAY, &finished, &err) == 0);
  json_decref(effects);
  for (int i = 0; i < 20; i++)
    put(store, NULL, (char[]){(char)('a' + i), 0}, 0, T0, false);
  commit(store);
  int64_t now = T0 + 90 * DAY + 1;
  while (mv_store_prune(store, now, &(struct mv_store_limits){0}, 7, &err) > 0) {
  }
  char *value = NULL;
  CHECK(mv_store_once_get(store, "oa", &value, &err) == 0);
  CHECK(mv_store_once_get(store, "ot", &value, &err) == 0);
  CHECK(mv_store_once_get(store, "ob", &value, &err) == 1);
  free(value);
  end(store);
}

/* Over the limit the oldest go, a batch at a time, and no more than has to. */
static void test_prune_bytes(void) {
  struct mv_store *store = begin();
  char *body = calloc(1, 4001);
  memset(body, 'x', 4000);
  for (int i = 0; i < 500; i++) {
    struct mv_event *event = event_of("", NULL, body);
    struct mv_store_accepted accepted;
    CHECK(mv_store_accept(store, event, T0, true, &accepted, &err) == 0);
    mv_event_free(event);
    finish(store, accepted.id, done, T0);
  }
  free(body);
  commit(store);
  int calls = 0, more;
  struct mv_store_limits limits = {.max_bytes = 1000000};
  while ((more = mv_store_prune(store, T0, &limits, 20, &err)) > 0) {
    struct mv_store_stats step;
    CHECK(mv_store_stats(store, &step, &err) == 0);
    CHECK(step.states[MV_EVENT_DONE] >= 500 - 20 * ++calls);
  }
  struct mv_store_stats stats;
  CHECK(more == 0 && calls > 10 && mv_store_stats(store, &stats, &err) == 0);
  CHECK(stats.bytes <= 1000000 && stats.states[MV_EVENT_DONE] > 150);
  struct mv_event *left = mv_store_get(store, 1, &err);
  CHECK(!left);
  left = mv_store_get(store, 500, &err);
  CHECK(left != NULL);
  mv_event_free(left);
  end(store);
}

int main(void) {
  test_list();
  test_prune();
  test_prune_small();
  test_prune_bytes();
  return check_end("store_operate");
}
