/* The store by its interface: lines of keys, tokens, effects, files. */
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/json.h"
#include "store/sql.h"
#include "store/sql_create.h"
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

static int apply(struct mv_store *store, int64_t id, const char *effects) {
  json_t *array = mv_json_parse(effects, strlen(effects), &err);
  CHECK(array != NULL);
  struct mv_store_finished finished;
  int result = mv_store_finish(store, id, token_of(store, id), &done, array, T0, &finished, &err);
  json_decref(array);
  return result;
}

static int holds(struct mv_store *store, const char *key, int64_t now, const char *expected) {
  char *value = NULL;
  int found = mv_store_kv_get(store, key, now, &value, &err);
  int right = expected ? found == 1 && strcmp(value, expected) == 0 : found == 0;
  if (!right)
    fprintf(stderr, "%s holds %s, not %s\n", key, value ? value : "nothing",
            expected ? expected : "nothing");
  free(value);
  return right;
}

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

/* --- Crashes, files --- */

static char directory[64];

static const char *path_of(const char *name) {
  static char paths[8][128];
  static int turn;
  char *path = paths[turn++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

static void test_crash_and_poison(void) {
  const char *path = path_of("poison.db");
  struct mv_store *store = open_at(path);
  CHECK(mv_store_begin(store, &err) == 0);
  int64_t a = put(store, "k", NULL, 0, T0, true).id;
  int64_t b = put(store, "k", NULL, 0, T0, true).id;
  int64_t old = token_of(store, a);
  end(store);
  for (int crash = 1; crash <= 2; crash++) {
    store = open_at(path);
    struct mv_store_recovered recovered;
    CHECK(mv_store_begin(store, &err) == 0);
    CHECK(mv_store_recover(store, T0, &recovered, &err) == 0);
    CHECK(recovered.again == (crash == 1) && recovered.dead == (crash == 2));
    int64_t ids[4] = {0};
    CHECK(claim(store, T0, 4, ids) == 1 && ids[0] == (crash == 1 ? a : b));
    CHECK(token_of(store, ids[0]) > old);
    end(store);
  }
  store = open_at(path);
  struct mv_event *event = mv_store_get(store, a, &err);
  CHECK(event && event->state == MV_EVENT_DEAD && event->attempt == 2 &&
        strncmp(event->reason, "poison", 6) == 0);
  mv_event_free(event);
  /* a clean end costs nothing */
  CHECK(mv_store_begin(store, &err) == 0 && mv_store_release_all(store, T0, &err) == 0);
  event = mv_store_get(store, b, &err);
  CHECK(event && event->state == MV_EVENT_AVAILABLE && event->attempt == 0 && event->crashes == 0);
  mv_event_free(event);
  end(store);
}

/* Opens as after a crash: `again` events run again, `dead` are given up. In a transaction. */
static struct mv_store *after_crash(const char *path, int again, int dead) {
  struct mv_store *store = open_at(path);
  struct mv_store_recovered recovered;
  CHECK(mv_store_begin(store, &err) == 0);
  CHECK(mv_store_recover(store, T0, &recovered, &err) == 0);
  CHECK(recovered.again == again && recovered.dead == dead);
  return store;
}

/* Whoever kills the process while many events run must not make them dead: from the second time on
 * they run one at a time, and only the one that is there again and again is given up. */
static void test_crash_of_many(void) {
  const char *path = path_of("many.db");
  int64_t ids[8] = {0}, due_at;
  struct mv_store *store = open_at(path);
  CHECK(mv_store_begin(store, &err) == 0);
  int64_t a = put(store, NULL, NULL, 0, T0, true).id;
  int64_t b = put(store, NULL, NULL, 0, T0, true).id;
  int64_t c = put(store, NULL, NULL, 0, T0, true).id;
  end(store);
  store = after_crash(path, 3, 0);
  CHECK(claim(store, T0, 8, ids) == 3);
  end(store);
  store = after_crash(path, 3, 0);
  int64_t fresh = put(store, NULL, NULL, 0, T0, false).id;
  CHECK(claim(store, T0, 8, ids) == 2 && ids[0] == a && ids[1] == fresh);
  CHECK(mv_store_next_due(store, &due_at, &err) == 0 && due_at == MV_STORE_NEVER);
  CHECK(finish(store, a, done, T0).wake_at <= T0);
  CHECK(mv_store_next_due(store, &due_at, &err) == 0 && due_at == T0);
  CHECK(claim(store, T0, 1, ids) == 1 && ids[0] == b);
  CHECK(claim(store, T0, 8, ids) == 0);
  end(store);
  store = after_crash(path, 2, 0);
  CHECK(claim(store, T0, 8, ids) == 2 && ids[0] == b && ids[1] == fresh);
  end(store);
  store = after_crash(path, 1, 1);
  CHECK(claim(store, T0, 8, ids) == 1 && ids[0] == c);
  struct mv_event *event = mv_store_get(store, b, &err);
  CHECK(event && event->state == MV_EVENT_DEAD && event->crashes == 4);
  mv_event_free(event);
  end(store);
}

static int refuses(const char *path, enum mv_error_kind kind, const char *part) {
  struct mv_store_options options = {.path = path};
  struct mv_store *store = mv_store_open(&options, &err);
  int right = !store && err.kind == kind && strstr(err.text, part) && strstr(err.text, path);
  if (!right)
    fprintf(stderr, "%s: %s\n", path, store ? "opened" : err.text);
  mv_store_close(store);
  return right;
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
}

static void test_files(void) {
  const char *path = path_of("files.db");
  struct mv_store *store = open_at(path);
  struct stat st;
  CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600 && st.st_nlink == 1);
  glob_t drafts;
  char pattern[128];
  snprintf(pattern, sizeof pattern, "%s.new-*", path);
  CHECK(glob(pattern, 0, NULL, &drafts) == GLOB_NOMATCH);
  CHECK(mv_sql_create(path, 1, &err) == 0); /* what is there stays */
  CHECK(glob(pattern, 0, NULL, &drafts) == GLOB_NOMATCH);
  CHECK(refuses(path, MV_ERROR_BUSY, "in use by another mavilua"));
  char link[128];
  snprintf(link, sizeof link, "%s.link", path);
  CHECK(symlink(path, link) == 0);
  CHECK(refuses(link, MV_ERROR_BUSY, "in use by another mavilua"));
  unlink(link);
  CHECK(symlink(path_of("nothing.db"), link) == 0); /* not there yet: two names would be two locks */
  CHECK(refuses(link, MV_ERROR_USAGE, "a link to a file that is not there"));
  unlink(link);
  struct mv_store_options look = {.path = path, .read_only = true};
  struct mv_store *reader = mv_store_open(&look, &err);
  CHECK(reader != NULL);
  mv_store_close(reader);
  mv_store_close(store);
  CHECK((store = open_at(path)) != NULL);
  mv_store_close(store);
  struct mv_sql_options raw = {.path = path};
  struct mv_sql *sql = mv_sql_open(&raw, &err);
  CHECK(mv_sql_script(sql, "PRAGMA user_version = 1", &err) == 0);
  CHECK(mv_store_open(&look, &err) == NULL && err.kind == MV_ERROR_USAGE);
  CHECK(strstr(err.text, "older version") != NULL);
  CHECK(mv_sql_script(sql, "PRAGMA user_version = 99", &err) == 0);
  mv_sql_close(sql);
  CHECK(refuses(path, MV_ERROR_USAGE, "newer version"));
  raw.path = path_of("foreign.db");
  sql = mv_sql_open(&raw, &err);
  CHECK(mv_sql_script(sql, "CREATE TABLE t (x)", &err) == 0);
  mv_sql_close(sql);
  CHECK(refuses(raw.path, MV_ERROR_USAGE, "not a database of"));
  write_file(path_of("text.db"),
             "hello, this is some text and not a database at all; it is long enough "
             "to have a header of 100 bytes, which it has not.\n");
  CHECK(refuses(path_of("text.db"), MV_ERROR_USAGE, "not a database of"));
  CHECK(refuses(path_of("no/such/dir.db"), MV_ERROR_SYSTEM, "cannot be created"));
  CHECK(refuses(directory, MV_ERROR_USAGE, "regular file"));
}

static void test_readers(const char *path) {
  struct mv_store *store = open_at(path);
  struct mv_store *reader = mv_store_reader(store, &err);
  CHECK(reader != NULL);
  CHECK(mv_store_begin(store, &err) == 0);
  int64_t id = put(store, NULL, NULL, 0, T0, true).id;
  CHECK(apply(store, id, "[{\"op\":\"kv_set\",\"key\":\"a\",\"value\":1}]") == 0);
  if (strcmp(path, ":memory:") != 0)
    CHECK(holds(reader, "a", T0, NULL));
  CHECK(mv_store_commit(store, &err) == 0);
  CHECK(holds(reader, "a", T0, "1"));
  struct mv_store_stats stats;
  CHECK(mv_store_stats(reader, &stats, &err) == 0 && stats.states[MV_EVENT_DONE] == 1);
  mv_store_close(reader);
  mv_store_close(store);
}

/* --- Operating --- */

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

static void test_disk_full(void) {
  struct mv_store_options options = {.path = path_of("full.db"), .max_pages = 60};
  struct mv_store *store = mv_store_open(&options, &err);
  CHECK(store != NULL);
  if (!store)
    return;
  int accepted = 0, failed = 0;
  char *large = calloc(1, 4000);
  memset(large, 'x', 3999);
  for (int i = 0; i < 100 && failed < 5; i++) {
    CHECK(mv_store_begin(store, &err) == 0);
    struct mv_event *event = event_of("k", NULL, large);
    struct mv_store_accepted out;
    if (mv_store_accept(store, event, T0, false, &out, &err)) {
      CHECK(err.kind == MV_ERROR_SYSTEM && strstr(err.text, "disk is full"));
      CHECK(mv_store_broken(store));
      mv_store_rollback(store);
      failed++;
    } else if (mv_store_commit(store, &err) == 0)
      accepted++;
    else
      failed++;
    mv_event_free(event);
  }
  free(large);
  CHECK(accepted > 5 && failed == 5);
  struct mv_store_stats stats;
  CHECK(mv_store_stats(store, &stats, &err) == 0 && stats.states[MV_EVENT_AVAILABLE] == accepted);
  mv_store_close(store);
}

/* --- The SQL helpers --- */

static void test_sql(void) {
  struct mv_sql_options options = {.path = ":memory:"};
  struct mv_sql *sql = mv_sql_open(&options, &err);
  CHECK(mv_sql_script(sql, "CREATE TABLE t (a, b)", &err) == 0);
  CHECK(mv_sql_run(sql, &err, "INSERT INTO t VALUES (?,?)", "is", INT64_C(1), "one") == 0);
  CHECK(mv_sql_run(sql, &err, "INSERT INTO t VALUES (?,?)", "rb", 2.5, "x\0y", (size_t)3) == 0);
  CHECK(mv_sql_run(sql, &err, "INSERT INTO t VALUES (?,?)", "nb", "", (size_t)0) == 0);
  /* the same text while it is in use */
  struct mv_stmt *outer = mv_sql_query(sql, &err, "SELECT b FROM t ORDER BY rowid", "");
  CHECK(mv_sql_step(outer, &err) == 1 && strcmp(mv_sql_text(outer, 0), "one") == 0);
  char *text = NULL;
  CHECK(mv_sql_one_text(sql, &text, &err, "SELECT b FROM t ORDER BY rowid", "") == 1);
  CHECK(text && strcmp(text, "one") == 0);
  free(text);
  size_t length = 0;
  CHECK(mv_sql_step(outer, &err) == 1 && mv_sql_blob(outer, 0, &length) && length == 3);
  CHECK(mv_sql_step(outer, &err) == 1 && mv_sql_blob(outer, 0, &length) && length == 0);
  CHECK(mv_sql_step(outer, &err) == 0);
  mv_sql_done(outer);
  int64_t number = 0;
  CHECK(mv_sql_one_int(sql, &number, &err, "SELECT a FROM t WHERE a IS NULL", "") == 0);
  CHECK(mv_sql_one_int(sql, &number, &err, "SELECT no FROM t", "") == -1);
  CHECK(strstr(err.text, "no such column") != NULL);
  CHECK(mv_sql_one_int(sql, &number, &err, "SELECT ?", "ii", INT64_C(1), INT64_C(2)) == -1);
  for (int i = 0; i < 1000; i++) {
    char query[64];
    snprintf(query, sizeof query, "SELECT %d", i);
    CHECK(mv_sql_one_int(sql, &number, &err, query, "") == 1 && number == i);
  }
  CHECK(mv_sql_begin(sql, &err) == 0 && mv_sql_savepoint(sql, &err) == 0);
  CHECK(mv_sql_run(sql, &err, "DELETE FROM t", "") == 0 && mv_sql_changes(sql) == 3);
  mv_sql_rollback_savepoint(sql);
  CHECK(mv_sql_commit(sql, &err) == 0);
  CHECK(mv_sql_one_int(sql, &number, &err, "SELECT count(*) FROM t", "") == 1 && number == 3);
  mv_sql_close(sql);
}

static void remove_directory(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  if (system(command) != 0)
    perror(command);
}

int main(void) {
  snprintf(directory, sizeof directory, "/tmp/mavilua-store-XXXXXX");
  if (!mkdtemp(directory))
    return 1;
  test_sql();
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
  test_crash_and_poison();
  test_crash_of_many();
  test_files();
  test_readers(":memory:");
  test_readers(path_of("readers.db"));
  test_list();
  test_prune();
  test_prune_small();
  test_prune_bytes();
  test_moments();
  test_disk_full();
  remove_directory();
  return check_end("store");
}
