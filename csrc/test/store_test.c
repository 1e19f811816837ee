/* The store by its interface: lines of keys, tokens, effects, moments. */
#include "test/store_support.h"

/* --- Lines --- */

static void test_body_is_kept(void) {
  struct mv_store *store = begin();
  struct mv_event *event = mv_event_new();
  event->body = mv_memdup("a\0b\xff", 4);
  event->body_length = 4;
  event->name = mv_strdup("pay");
  event->source = MV_SOURCE_HOOK;
  event->meta = mv_strdup("{\"method\":\"POST\"}");
  struct mv_store_accepted accepted;
  CHECK(mv_store_accept(store, event, T0, false, &accepted, &err) == 0);
  mv_event_free(event);
  event = mv_store_get(store, accepted.id, &err);
  CHECK(event && event->body_length == 4 && memcmp(event->body, "a\0b\xff", 4) == 0);
  CHECK(event && strcmp(event->name, "pay") == 0 && event->source == MV_SOURCE_HOOK);
  CHECK(event && strcmp(event->meta, "{\"method\":\"POST\"}") == 0);
  CHECK(event && event->accepted_at == T0 && event->due_at == T0 && !event->key);
  mv_event_free(event);
  CHECK(!mv_store_get(store, 999, &err) && err.kind == MV_ERROR_NOT_FOUND);
  end(store);
}

static void test_line_of_a_key(void) {
  struct mv_store *store = begin();
  struct mv_store_accepted a = put(store, "k", NULL, 0, T0, true);
  struct mv_store_accepted b = put(store, "k", NULL, 0, T0, true);
  struct mv_store_accepted c = put(store, "k", NULL, 0, T0, true);
  struct mv_store_accepted other = put(store, "l", NULL, 0, T0, true);
  CHECK(a.claimed && !b.claimed && !c.claimed && other.claimed);
  CHECK(b.wake_at == MV_STORE_NEVER);
  CHECK(claim(store, T0 + 1, 10, NULL) == 0);
  CHECK(finish(store, a.id, done, T0 + 1).wake_at == T0);
  int64_t ids[10] = {0};
  CHECK(claim(store, T0 + 1, 10, ids) == 1 && ids[0] == b.id);
  /* blocked while its head retries */
  struct mv_outcome retry = {.state = MV_EVENT_RETRYABLE, .due_at = T0 + 5000, .reason = "no"};
  CHECK(finish(store, b.id, retry, T0 + 2).wake_at == T0 + 5000);
  CHECK(claim(store, T0 + 4999, 10, NULL) == 0);
  struct mv_blocked *blocked;
  CHECK(mv_store_blocked(store, 0, 10, &blocked, &err) == 1);
  CHECK(blocked && strcmp(blocked[0].key, "k") == 0 && blocked[0].waiting == 1 &&
        blocked[0].head == b.id);
  mv_store_blocked_free(blocked, 1);
  CHECK(claim(store, T0 + 5000, 10, ids) == 1 && ids[0] == b.id);
  finish(store, b.id, done, T0 + 5001);
  CHECK(claim(store, T0 + 5001, 10, ids) == 1 && ids[0] == c.id);
  end(store);
}

static void test_outside_the_line(void) {
  struct mv_store *store = begin();
  struct mv_store_accepted later = put(store, "k", NULL, T0 + 1000, T0, true);
  CHECK(!later.claimed && later.wake_at == T0 + 1000);
  /* a job due later holds nobody up */
  struct mv_store_accepted a = put(store, "k", NULL, 0, T0, true);
  CHECK(a.claimed);
  int64_t ids[10] = {0};
  /* its time comes while another runs: it waits in line */
  CHECK(claim(store, T0 + 1000, 10, ids) == 0);
  CHECK(finish(store, a.id, done, T0 + 1001).wake_at == T0 + 1000);
  CHECK(claim(store, T0 + 1001, 10, ids) == 1 && ids[0] == later.id);
  /* parked: the next goes on */
  struct mv_store_accepted b = put(store, "k", NULL, 0, T0 + 1001, true);
  struct mv_outcome park = {
      .state = MV_EVENT_RETRYABLE, .due_at = T0 + 9000, .on_fail = MV_ON_FAIL_PARK};
  finish(store, later.id, park, T0 + 1002);
  CHECK(claim(store, T0 + 1002, 10, ids) == 1 && ids[0] == b.id);
  finish(store, b.id, done, T0 + 1003);
  CHECK(claim(store, T0 + 8999, 10, ids) == 0);
  CHECK(claim(store, T0 + 9000, 10, ids) == 1 && ids[0] == later.id);
  /* two that become due together: one runs */
  put(store, "m", NULL, T0 + 10000, T0, false);
  put(store, "m", NULL, T0 + 10000, T0, false);
  CHECK(claim(store, T0 + 10000, 10, ids) == 1);
  end(store);
}

static void test_due_order(void) {
  struct mv_store *store = begin();
  int64_t ids[10] = {0}, due;
  put(store, NULL, NULL, T0 + 300, T0, false);
  put(store, NULL, NULL, T0 + 100, T0, false);
  put(store, NULL, NULL, T0 + 200, T0, false);
  CHECK(mv_store_next_due(store, &due, &err) == 0 && due == T0 + 100);
  CHECK(claim(store, T0 + 99, 10, ids) == 0);
  CHECK(claim(store, T0 + 300, 2, ids) == 2 && ids[0] == 2 && ids[1] == 3);
  CHECK(claim(store, T0 + 300, 2, ids) == 1 && ids[0] == 1);
  CHECK(mv_store_next_due(store, &due, &err) == 0 && due == MV_STORE_NEVER);
  end(store);
}

/* --- Tokens, duplicates --- */

static void test_stale_token(void) {
  struct mv_store *store = begin();
  struct mv_store_accepted a = put(store, "k", NULL, 0, T0, true);
  struct mv_store_accepted b = put(store, "k", NULL, 0, T0, true);
  int64_t token = token_of(store, a.id), wake;
  struct mv_store_finished finished;
  CHECK(mv_store_finish(store, a.id, token + 1, &done, NULL, T0, &finished, &err) == 0);
  CHECK(finished.stale && state_of(store, a.id) == MV_EVENT_RUNNING);
  CHECK(mv_store_finish(store, a.id, token, &done, NULL, T0, &finished, &err) == 0);
  CHECK(!finished.stale && finished.wake_at == T0);
  json_t *effects = json_pack("[{s:s,s:s,s:i}]", "op", "kv_set", "key", "x", "value", 1);
  CHECK(mv_store_finish(store, a.id, token, &done, effects, T0, &finished, &err) == 0);
  json_decref(effects);
  CHECK(finished.stale && state_of(store, a.id) == MV_EVENT_DONE);
  char *value;
  CHECK(mv_store_kv_get(store, "x", T0, &value, &err) == 0);
  int64_t ids[4] = {0};
  CHECK(claim(store, T0, 4, ids) == 1 && ids[0] == b.id);
  CHECK(mv_store_replay(store, a.id, T0 + 5, &wake, &err) == 0 && wake == MV_STORE_NEVER);
  finish(store, b.id, done, T0 + 6);
  CHECK(claim(store, T0 + 6, 4, ids) == 1 && ids[0] == a.id);
  CHECK(mv_store_replay(store, a.id, T0 + 5, &wake, &err) == -1 && err.kind == MV_ERROR_USAGE);
  CHECK(mv_store_cancel(store, b.id, NULL, T0, &wake, &err) == -1 && err.kind == MV_ERROR_USAGE);
  CHECK(mv_store_cancel(store, 77, NULL, T0, &wake, &err) == -1 && err.kind == MV_ERROR_NOT_FOUND);
  CHECK(!mv_store_broken(store));
  end(store);
}

/* A running event stays in its line until its run has ended, and is cancelled then. */
static void test_cancel_running(void) {
  struct mv_store *store = begin();
  struct mv_store_accepted a = put(store, "k", NULL, 0, T0, true);
  struct mv_store_accepted b = put(store, "k", NULL, 0, T0, true);
  int64_t token = token_of(store, a.id), wake, ids[4] = {0};
  size_t count;
  CHECK(mv_store_cancel(store, a.id, "by hand", T0, &wake, &err) == 0 && wake == MV_STORE_NEVER);
  const struct mv_stop *stops = mv_store_stops(store, &count);
  CHECK(count == 1 && stops[0].id == a.id && stops[0].token == token);
  CHECK(state_of(store, a.id) == MV_EVENT_RUNNING && claim(store, T0, 4, ids) == 0);
  commit(store);
  mv_store_stops(store, &count);
  CHECK(count == 0);
  struct mv_store_finished finished;
  json_t *effects = json_pack("[{s:s,s:s,s:i},{s:s,s:s,s:i}]", "op", "kv_set", "key", "x", "value",
                              1, "op", "once", "key", "x", "value", 2);
  CHECK(mv_store_finish(store, a.id, token, &done, effects, T0 + 1, &finished, &err) == 0);
  json_decref(effects);
  CHECK(finished.cancelled && !finished.stale && finished.wake_at == T0);
  struct mv_event *event = mv_store_get(store, a.id, &err);
  CHECK(event->state == MV_EVENT_CANCELLED && strcmp(event->reason, "by hand") == 0 && !event->stop);
  mv_event_free(event);
  char *value = NULL;
  CHECK(mv_store_kv_get(store, "x", T0, &value, &err) == 0);
  CHECK(mv_store_once_get(store, "x", &value, &err) == 1);
  free(value);
  CHECK(claim(store, T0, 4, ids) == 1 && ids[0] == b.id);
  end(store);
}

static struct mv_once once_begin(struct mv_store *store, int64_t event, int64_t token, bool again) {
  struct mv_once once = {0};
  CHECK(mv_store_once_begin(store, "k", event, token, again, T0, &once, &err) == 0);
  return once;
}

/* Begins only for a claim that runs; what one has begun another does not; a lost one is ambiguous. */
static void test_once(void) {
  struct mv_store *store = begin();
  struct mv_store_accepted a = put(store, "a", NULL, 0, T0, true);
  struct mv_store_accepted b = put(store, "b", NULL, 0, T0, true);
  int64_t first = token_of(store, a.id), other = token_of(store, b.id), ids[4];
  CHECK(once_begin(store, a.id, first + 100, false).state == MV_ONCE_LOST);
  CHECK(once_begin(store, a.id, first, false).state == MV_ONCE_BEGUN);
  struct mv_once once = once_begin(store, b.id, other, true);
  CHECK(once.state == MV_ONCE_BUSY && once.event == a.id && once.at == T0);
  CHECK(once_begin(store, a.id, first, false).state == MV_ONCE_AMBIGUOUS);
  struct mv_store_finished finished;
  struct mv_outcome retry = {.state = MV_EVENT_RETRYABLE, .due_at = T0 + 1};
  CHECK(mv_store_finish(store, a.id, first, &retry, NULL, T0, &finished, &err) == 0);
  CHECK(once_begin(store, b.id, other, false).state == MV_ONCE_AMBIGUOUS);
  CHECK(once_begin(store, b.id, other, true).state == MV_ONCE_BEGUN);
  CHECK(claim(store, T0 + 1, 4, ids) == 1 && ids[0] == a.id);
  CHECK(once_begin(store, a.id, first, true).state == MV_ONCE_LOST);
  int64_t second = token_of(store, a.id);
  CHECK(once_begin(store, a.id, second, true).state == MV_ONCE_BUSY);
  json_t *effects = json_pack("[{s:s,s:s}]", "op", "once_clear", "key", "k");
  CHECK(mv_store_finish(store, b.id, other, &retry, effects, T0, &finished, &err) == 0);
  json_decref(effects);
  CHECK(once_begin(store, a.id, second, false).state == MV_ONCE_BEGUN);
  effects = json_pack("[{s:s,s:s,s:i}]", "op", "once", "key", "k", "value", 1);
  CHECK(mv_store_finish(store, a.id, second, &done, effects, T0, &finished, &err) == 0);
  json_decref(effects);
  CHECK(claim(store, T0 + 1, 4, ids) == 1 && ids[0] == b.id);
  CHECK(once_begin(store, b.id, token_of(store, b.id), false).state == MV_ONCE_KNOWN);
  end(store);
}

/* The run ended with the process, or goes back with a stop: that is the end it was to have. */
static void test_cancel_survives(bool crash) {
  struct mv_store *store = begin();
  struct mv_store_accepted a = put(store, "k", NULL, 0, T0, true);
  struct mv_store_accepted b = put(store, "k", NULL, 0, T0, true);
  int64_t wake, ids[4] = {0};
  struct mv_store_recovered recovered = {0};
  CHECK(mv_store_cancel(store, a.id, "by hand", T0, &wake, &err) == 0);
  commit(store);
  CHECK((crash ? mv_store_recover(store, T0, &recovered, &err)
               : mv_store_release_all(store, T0, &err)) == 0);
  CHECK(recovered.cancelled == crash && recovered.again == 0);
  CHECK(state_of(store, a.id) == MV_EVENT_CANCELLED);
  CHECK(claim(store, T0, 4, ids) == 1 && ids[0] == b.id);
  struct mv_store_stats stats;
  CHECK(mv_store_stats(store, &stats, &err) == 0 && stats.states[MV_EVENT_CANCELLED] == 1 &&
        stats.states[MV_EVENT_RUNNING] == 1);
  end(store);
}

/* --- Effects --- */

static void test_effects(void) {
  struct mv_store *store = begin();
  int64_t id = put(store, NULL, NULL, 0, T0, true).id;
  CHECK(apply(store, id,
              "[{\"op\":\"kv_set\",\"key\":\"a\",\"value\":{\"x\":[1]}},"
              "{\"op\":\"kv_set\",\"key\":\"t\",\"value\":7,\"ttl\":10},"
              "{\"op\":\"kv_add\",\"key\":\"n\",\"by\":9007199254740993},"
              "{\"op\":\"kv_add\",\"key\":\"t\",\"by\":0.5},"
              "{\"op\":\"once\",\"key\":\"o\",\"value\":null},"
              "{\"op\":\"job\",\"name\":\"follow\",\"args\":{\"q\":1},\"due\":1700000005000,"
              "\"key\":5,\"id\":\"u\"},"
              "{\"op\":\"job\",\"name\":\"follow\",\"id\":\"u\"}]") == 0);
  CHECK(holds(store, "a", T0, "{\"x\":[1]}") && holds(store, "n", T0, "9007199254740993"));
  CHECK(holds(store, "t", T0 + 9999, "7.5") && holds(store, "t", T0 + 10000, NULL));
  char *value = NULL;
  CHECK(mv_store_once_get(store, "o", &value, &err) == 1 && strcmp(value, "null") == 0);
  free(value);
  struct mv_event *job = mv_store_get(store, id + 1, &err);
  CHECK(job && job->source == MV_SOURCE_JOB && strcmp(job->name, "follow") == 0 &&
        strcmp(job->key, "5") == 0 && job->due_at == T0 + 5000 &&
        strcmp(job->body, "{\"q\":1}") == 0);
  mv_event_free(job);
  struct mv_store_stats stats;
  CHECK(mv_store_stats(store, &stats, &err) == 0);
  CHECK(stats.states[MV_EVENT_AVAILABLE] == 1 && stats.states[MV_EVENT_DONE] == 1);
  end(store);
}

#define TWICE(effect) "[" effect "," effect "]"

/* A webhook out of a run: in the line of its key, and only if it has not come before. */
static void test_webhook_effect(void) {
  struct mv_store *store = begin();
  put(store, "7", "17", 0, T0, false);
  struct mv_store_accepted run = put(store, NULL, NULL, 0, T0, true);
  CHECK(apply(store, run.id,
              "[{\"op\":\"webhook\",\"id\":\"17\",\"key\":\"7\",\"due\":5,\"body\":{}},"
              "{\"op\":\"webhook\",\"id\":\"18\",\"key\":\"7\",\"due\":5,\"body\":{\"id\":18}}]") == 0);
  struct mv_event *event = mv_store_get(store, run.id + 1, &err);
  CHECK(event && event->source == MV_SOURCE_WEBHOOK && strcmp(event->key, "7") == 0 &&
        strcmp(event->body, "{\"id\":18}") == 0 && event->accepted_at == T0 && event->planned_at == 5);
  mv_event_free(event);
  CHECK(mv_store_get(store, run.id + 2, &err) == NULL);
  int64_t ids[4];
  CHECK(claim(store, T0, 4, ids) == 1 && ids[0] == run.id - 1);
  end(store);
}

static void test_bad_effects(void) {
  static const char *const bad[] = {
      "[{\"op\":\"kv_set\",\"key\":\"a\",\"value\":1},{\"op\":\"fly\"}]",
      "[{\"op\":\"kv_set\",\"key\":\"a\",\"value\":1},{\"op\":\"kv_set\",\"key\":\"\"}]",
      "[{\"op\":\"kv_set\",\"key\":\"a\",\"value\":1},{\"op\":\"kv_add\",\"key\":\"s\",\"by\":1}]",
      "[{\"op\":\"job\",\"name\":\"x\"},{\"op\":\"kv_set\",\"key\":\"a\",\"ttl\":-1}]",
      "[{\"op\":\"job\",\"name\":\"x\"},{\"op\":\"job\",\"name\":\"x\",\"key\":[]}]",
      TWICE("{\"op\":\"kv_add\",\"key\":\"a\",\"by\":9223372036854775807}"),
      "[7]",
  };
  struct mv_store *store = begin();
  int64_t first = put(store, NULL, NULL, 0, T0, true).id;
  CHECK(apply(store, first, "[{\"op\":\"kv_set\",\"key\":\"s\",\"value\":\"text\"}]") == 0);
  int64_t id = put(store, NULL, NULL, 0, T0, true).id;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    CHECK(apply(store, id, bad[i]) == -1 && err.kind == MV_ERROR_USAGE);
    CHECK(!mv_store_broken(store) && state_of(store, id) == MV_EVENT_RUNNING);
    CHECK(holds(store, "a", T0, NULL));
  }
  struct mv_store_stats stats;
  CHECK(mv_store_stats(store, &stats, &err) == 0 && stats.states[MV_EVENT_AVAILABLE] == 0 &&
        stats.states[MV_EVENT_RUNNING] == 1);
  CHECK(apply(store, id, "[]") == 0);
  end(store);
}

/* --- Moments --- */

static void test_moments(void) {
  struct mv_store *store = begin();
  struct mv_schedule_row row;
  CHECK(mv_store_schedule(store, "s", "0 9 * * *", T0, &row, &err) == 0);
  CHECK(row.first_seen == T0 && row.last_moment == 0 && row.changed);
  CHECK(mv_store_schedule(store, "s", "0 9 * * *", T0, &row, &err) == 0 && !row.changed);
  struct mv_moment_result result;
  struct mv_event *event = event_of("schedule:s", NULL, "");
  event->source = MV_SOURCE_SCHEDULE;
  CHECK(mv_store_moment(store, "s", T0, MV_OVERLAP_SKIP, NULL, event, T0, true, &result, &err) ==
        0);
  CHECK(result.accepted.claimed);
  int64_t first = result.accepted.id;
  CHECK(mv_store_moment(store, "s", T0, MV_OVERLAP_SKIP, NULL, event, T0, true, &result, &err) ==
        0);
  CHECK(result.exists && !result.skipped);
  CHECK(mv_store_moment(store, "s", T0 + 1, MV_OVERLAP_SKIP, NULL, event, T0, true, &result,
                        &err) == 0);
  CHECK(result.skipped);
  CHECK(mv_store_moment(store, "s", T0 + 2, MV_OVERLAP_SKIP, "missed", NULL, T0, true, &result,
                        &err) == 0);
  CHECK(result.skipped && !result.exists);
  CHECK(mv_store_moment(store, "s", T0 + 3, MV_OVERLAP_CANCEL, NULL, event, T0, true, &result,
                        &err) == 0);
  CHECK(result.cancelled == 0 && !result.accepted.claimed);
  int64_t second = result.accepted.id;
  CHECK(mv_store_moment(store, "s", T0 + 4, MV_OVERLAP_CANCEL, NULL, event, T0, true, &result,
                        &err) == 0);
  CHECK(result.cancelled == 1 && !result.accepted.claimed);
  CHECK(state_of(store, first) == MV_EVENT_RUNNING && state_of(store, second) == MV_EVENT_CANCELLED);
  finish(store, first, done, T0 + 4);
  CHECK(state_of(store, first) == MV_EVENT_CANCELLED);
  int64_t ids[2] = {0};
  CHECK(claim(store, T0 + 4, 2, ids) == 1 && ids[0] == result.accepted.id);
  finish(store, ids[0], done, T0 + 4);
  CHECK(mv_store_moment(store, "s", T0 + 5, MV_OVERLAP_SKIP, NULL, event, T0, true, &result,
                        &err) == 0);
  CHECK(!result.skipped);
  mv_event_free(event);
  CHECK(mv_store_schedule(store, "s", "changed", T0 + 9, &row, &err) == 0);
  CHECK(row.first_seen == T0 && row.last_moment == T0 + 5 && row.changed);
  struct mv_moment *moments;
  int count = mv_store_moments(store, "s", 10, &moments, &err);
  const enum mv_event_state states[] = {MV_EVENT_RUNNING, MV_EVENT_DONE,    MV_EVENT_CANCELLED,
                                        MV_EVENT_SKIPPED, MV_EVENT_SKIPPED, MV_EVENT_CANCELLED};
  CHECK(count == 6);
  for (int i = 0; i < count && i < 6; i++)
    CHECK(moments[i].state == states[i]);
  CHECK(count < 4 || strcmp(moments[3].reason, "missed") == 0);
  mv_store_moments_free(moments, count);
  end(store);
}

int main(void) {
  test_body_is_kept();
  test_line_of_a_key();
  test_outside_the_line();
  test_due_order();
  test_stale_token();
  test_cancel_running();
  test_once();
  test_cancel_survives(true);
  test_cancel_survives(false);
  test_effects();
  test_bad_effects();
  test_webhook_effect();
  test_moments();
  return check_end("store");
}
