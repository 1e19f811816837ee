/* Events that run without a row: nobody can tell, and nothing is lost. */
#include <unistd.h>

#include "base/json.h"
#include "store/sql.h"
#include "test/store_support.h"

static char path[64];

static int64_t one(const char *query) {
  struct mv_sql_options options = {.path = path, .read_only = true};
  struct mv_sql *sql = mv_sql_open(&options, &err);
  int64_t value = -1;
  CHECK(sql && mv_sql_one_int(sql, &value, &err, query, "") >= 0);
  mv_sql_close(sql);
  return value;
}

static void remove_files(void) {
  static const char *const endings[] = {"", "-wal", "-shm", ".lock"};
  for (int i = 0; i < 4; i++) {
    char name[80];
    snprintf(name, sizeof name, "%s%s", path, endings[i]);
    unlink(name);
  }
}

static struct mv_store *begin_file(void) {
  remove_files();
  struct mv_store *store = open_at(path);
  CHECK(store && mv_store_begin(store, &err) == 0);
  return store;
}

/* It runs, and whoever accepted it has it, as a worker does. */
static struct mv_event *start(struct mv_store *store, const char *key, const char *dedupe) {
  struct mv_store_accepted accepted = {0};
  struct mv_event *event = event_of(key, dedupe, "{\"id\":1}");
  CHECK(mv_store_accept(store, event, T0, true, &accepted, &err) == 0 && accepted.claimed);
  return event;
}

static struct mv_store_finished stop(struct mv_store *store, struct mv_event *event,
                                     struct mv_outcome outcome) {
  struct mv_store_finished finished = {0};
  outcome.claimed = event;
  CHECK(mv_store_finish(store, event->id, event->token, &outcome, NULL, T0 + 5, &finished, &err) == 0);
  return finished;
}

static bool same(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The event as who else reads the file sees it. */
static bool seen(struct mv_store *store, const struct mv_event *event, enum mv_event_state state,
                 const char *handler) {
  struct mv_store *reader = mv_store_reader(store, &err);
  struct mv_event *got = mv_store_get(reader, event->id, &err);
  bool right = got && got->state == state && got->source == MV_SOURCE_WEBHOOK &&
               same(got->name, "") && same(got->key, event->key) && same(got->body, event->body) &&
               same(got->dedupe, event->dedupe) && same(got->handler, handler) && !got->stop &&
               got->accepted_at == T0 && got->due_at == T0 && got->planned_at == T0 &&
               got->started_at == T0 && got->attempt == 1 && got->crashes == 0 &&
               got->finished_at == (state == MV_EVENT_RUNNING ? 0 : T0 + 5);
  mv_event_free(got);
  mv_store_close(reader);
  return right;
}

static void test_end(void) {
  struct mv_store *store = begin_file();
  struct mv_event *a = start(store, "a", "1"), *b = start(store, "b", NULL);
  commit(store);
  CHECK(one("SELECT count(*) FROM events") == 0 && one("SELECT count(*) FROM payloads") == 2);
  CHECK(seen(store, a, MV_EVENT_RUNNING, NULL) && seen(store, b, MV_EVENT_RUNNING, NULL));
  CHECK(!stop(store, a, (struct mv_outcome){.state = MV_EVENT_DONE, .handler = "bot.lua:1"}).stale);
  CHECK(stop(store, a, done).stale);
  commit(store);
  CHECK(seen(store, a, MV_EVENT_DONE, "bot.lua:1") && seen(store, b, MV_EVENT_RUNNING, NULL));
  CHECK(one("SELECT count(*) FROM events") == 1);
  stop(store, b, (struct mv_outcome){.state = MV_EVENT_DEAD, .reason = "why"});
  commit(store);
  CHECK(one("SELECT id FROM events WHERE mark = 2 AND state = 4 AND reason = 'why'") == b->id);
  mv_event_free(a);
  mv_event_free(b);
  end(store);
}

/* Many in a statement: each gets what is its own. */
static void test_many(void) {
  enum { COUNT = 31 };
  struct mv_store *store = begin_file();
  struct mv_event *events[COUNT];
  char key[16], handler[COUNT][24];
  for (int i = 0; i < COUNT; i++) {
    snprintf(key, sizeof key, "key %d", i);
    events[i] = start(store, key, key);
  }
  commit(store);
  for (int i = 0; i < COUNT; i++) {
    snprintf(handler[i], sizeof handler[i], "handler %d", i);
    stop(store, events[i], (struct mv_outcome){.state = MV_EVENT_DONE, .handler = handler[i]});
  }
  commit(store);
  for (int i = 0; i < COUNT; i++) {
    CHECK(seen(store, events[i], MV_EVENT_DONE, handler[i]));
    mv_event_free(events[i]);
  }
  end(store);
}

static void test_retry(void) {
  struct mv_store *store = begin_file();
  struct mv_event *event = start(store, "a", NULL);
  int64_t id;
  commit(store);
  stop(store, event, (struct mv_outcome){.state = MV_EVENT_RETRYABLE, .due_at = T0 + 100});
  commit(store);
  CHECK(put(store, "a", NULL, 0, T0 + 6, true).claimed == false);
  CHECK(claim(store, T0 + 99, 5, &id) == 0 && claim(store, T0 + 100, 5, &id) == 1 && id == event->id);
  mv_event_free(event);
  end(store);
}

/* A transaction that fails leaves it as it was: bare, and running. */
static void test_rollback(void) {
  struct mv_store *store = begin_file();
  struct mv_event *event = start(store, "a", NULL);
  commit(store);
  stop(store, event, done);
  mv_store_rollback(store);
  CHECK(mv_store_begin(store, &err) == 0);
  CHECK(put(store, "a", NULL, 0, T0, true).claimed == false); /* has its row written */
  mv_store_rollback(store);
  CHECK(mv_store_begin(store, &err) == 0);
  json_t *bad = json_pack("[{s:s}]", "kind", "nonsense");
  struct mv_store_finished finished;
  struct mv_outcome outcome = {.state = MV_EVENT_DONE, .claimed = event};
  CHECK(mv_store_finish(store, event->id, event->token, &outcome, bad, T0 + 5, &finished, &err) < 0);
  json_decref(bad);
  commit(store);
  CHECK(one("SELECT count(*) FROM events") == 0 && seen(store, event, MV_EVENT_RUNNING, NULL));
  CHECK(!stop(store, event, done).stale);
  commit(store);
  CHECK(seen(store, event, MV_EVENT_DONE, NULL));
  mv_event_free(event);
  end(store);
}

static void test_long_name(void) {
  struct mv_store *store = begin_file();
  struct mv_event *event = start(store, "a", NULL);
  char handler[200];
  memset(handler, 'h', sizeof handler - 1);
  handler[sizeof handler - 1] = 0;
  commit(store);
  stop(store, event, (struct mv_outcome){.state = MV_EVENT_DONE, .handler = handler});
  commit(store);
  CHECK(seen(store, event, MV_EVENT_DONE, handler));
  mv_event_free(event);
  end(store);
}

/* What asks for the row of one that runs finds it. */
static void test_asked_for(void) {
  struct mv_store *store = begin_file();
  struct mv_event *a = start(store, "a", NULL), *b = start(store, "b", NULL);
  struct mv_event *c = start(store, "c", NULL);
  struct mv_once once;
  int64_t original, wake_at;
  commit(store);
  CHECK(mv_store_once_begin(store, "pay", a->id, a->token, false, T0, &once, &err) == 0 &&
        once.state == MV_ONCE_BEGUN);
  CHECK(mv_store_once_begin(store, "pay", b->id, b->token, false, T0, &once, &err) == 0 &&
        once.state == MV_ONCE_BUSY);
  CHECK(mv_store_dedupe(store, b->id, b->token, "x", T0, &original, &err) == 0 && !original);
  CHECK(put(store, NULL, "x", 0, T0, false).duplicate);
  CHECK(mv_store_replay(store, c->id, T0, &wake_at, &err) < 0 && err.kind == MV_ERROR_USAGE);
  CHECK(mv_store_cancel(store, c->id, "no", T0, &wake_at, &err) == 0);
  commit(store);
  CHECK(!stop(store, a, done).stale && !stop(store, b, done).stale && stop(store, c, done).cancelled);
  commit(store);
  CHECK(one("SELECT count(*) FROM events WHERE state = 3") == 2);
  CHECK(one("SELECT count(*) FROM events WHERE state = 6 AND reason = 'no'") == 1);
  mv_event_free(a);
  mv_event_free(b);
  mv_event_free(c);
  end(store);
}

static int list(struct mv_store *store, struct mv_store_filter filter, int64_t *ids) {
  struct mv_event *found;
  int count = mv_store_list(store, &filter, &found, &err);
  for (int i = 0; found; i++) {
    struct mv_event *next = (struct mv_event *)found->node.next;
    ids[i] = found->id;
    CHECK(!filter.bodies || found->body_length == 8);
    mv_event_free(found);
    found = next;
  }
  return count;
}

/* Lists name those with a row and those without in order. */
static void test_lists(void) {
  struct mv_store *store = begin_file();
  struct mv_event *events[6];
  char key[16];
  int64_t ids[1000], at;
  for (int i = 0; i < 6; i++) {
    snprintf(key, sizeof key, "%d", i);
    events[i] = start(store, key, NULL);
  }
  commit(store);
  stop(store, events[1], (struct mv_outcome){.state = MV_EVENT_DONE, .handler = "h"});
  stop(store, events[4], done);
  commit(store);
  struct mv_store *reader = mv_store_reader(store, &err);
  CHECK(list(reader, (struct mv_store_filter){.bodies = true}, ids) == 6);
  for (int i = 0; i < 6; i++)
    CHECK(ids[i] == 6 - i);
  CHECK(list(reader, (struct mv_store_filter){.oldest_first = true, .after = 1, .limit = 3}, ids) == 3);
  CHECK(ids[0] == 2 && ids[1] == 3 && ids[2] == 4);
  CHECK(list(reader, (struct mv_store_filter){.cursor = 5, .limit = 2}, ids) == 2);
  CHECK(ids[0] == 4 && ids[1] == 3);
  CHECK(list(reader, (struct mv_store_filter){.states = 1U << MV_EVENT_RUNNING}, ids) == 4);
  CHECK(list(reader, (struct mv_store_filter){.states = 1U << MV_EVENT_DONE}, ids) == 2);
  CHECK(list(reader, (struct mv_store_filter){.key = "3"}, ids) == 1 && ids[0] == 4);
  CHECK(list(reader, (struct mv_store_filter){.handler = "h"}, ids) == 1 && ids[0] == 2);
  CHECK(list(reader, (struct mv_store_filter){.since = T0 + 1}, ids) == 0);
  struct mv_store_matches matches;
  CHECK(mv_store_count_matches(reader, &(struct mv_store_filter){0}, &matches, &err) == 0 &&
        matches.count == 6 && matches.first == 1 && matches.last == 6);
  CHECK(mv_store_count_matches(reader, &(struct mv_store_filter){.states = MV_STORE_UNFINISHED},
                               &matches, &err) == 0 && matches.count == 4 && matches.first == 1);
  CHECK(mv_store_last_accepted(reader, &at, &err) == 0 && at == T0);
  mv_store_close(reader);
  for (int i = 0; i < 6; i++)
    mv_event_free(events[i]);
  end(store);
}

/* The process dies: who looks at the file sees it running, and it runs again. */
static void test_crash(void) {
  struct mv_store *store = begin_file();
  struct mv_event *event = start(store, "a", "17");
  struct mv_store_recovered recovered;
  struct mv_store_options look = {.path = path, .read_only = true};
  int64_t id;
  commit(store);
  mv_store_close(store);
  store = mv_store_open(&look, &err);
  CHECK(store && state_of(store, event->id) == MV_EVENT_RUNNING);
  mv_store_close(store);
  store = open_at(path);
  CHECK(store && mv_store_begin(store, &err) == 0);
  CHECK(mv_store_recover(store, T0 + 1, &recovered, &err) == 0 && recovered.again == 1);
  CHECK(put(store, NULL, "17", 0, T0, false).id == event->id); /* a duplicate still */
  CHECK(put(store, "a", NULL, 0, T0 + 1, true).id == event->id + 1);
  CHECK(claim(store, T0 + 1, 5, &id) == 1 && id == event->id);
  CHECK(stop(store, event, done).stale); /* under the old token */
  finish(store, id, done, T0 + 2);
  commit(store);
  CHECK(one("SELECT count(*) FROM events WHERE state = 3 AND attempt = 2 AND crashes = 1") == 1);
  mv_event_free(event);
  end(store);
}

/* One that runs for long gets its row: the others are found among the last payloads. */
static void test_long(void) {
  struct mv_store *store = begin_file();
  struct mv_event *event = start(store, "long", NULL);
  char key[16];
  for (int i = 0; i < 9000; i++) {
    snprintf(key, sizeof key, "%d", i);
    struct mv_event *other = start(store, key, NULL);
    stop(store, other, done);
    if (i % 100 == 0) {
      commit(store);
      CHECK(seen(store, event, MV_EVENT_RUNNING, NULL));
    }
    mv_event_free(other);
  }
  CHECK(one("SELECT count(*) FROM events WHERE key = 'long' AND state = 1") == 1);
  CHECK(!stop(store, event, done).stale);
  commit(store);
  CHECK(seen(store, event, MV_EVENT_DONE, NULL));
  mv_event_free(event);
  end(store);
}

/* The host stops: what runs is given back. */
static void test_release(void) {
  struct mv_store *store = begin_file();
  struct mv_event *event = start(store, "a", NULL);
  commit(store);
  CHECK(mv_store_release_all(store, T0 + 1, &err) == 0);
  commit(store);
  CHECK(one("SELECT count(*) FROM events WHERE state = 0 AND attempt = 0 AND head = 1") == 1);
  CHECK(one("SELECT count(*) FROM lines") == 1);
  mv_event_free(event);
  end(store);
}

int main(void) {
  snprintf(path, sizeof path, "/tmp/mavilua-bare-%d.db", (int)getpid());
  test_end();
  test_many();
  test_retry();
  test_rollback();
  test_long_name();
  test_asked_for();
  test_lists();
  test_crash();
  test_long();
  test_release();
  remove_files();
  return check_end("store_bare");
}
