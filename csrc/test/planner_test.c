/* The planner under a clock of the test's own: jumps neither repeat nor lose a moment. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/planner.h"
#include "test/check.h"

#define START INT64_C(1700000000000) /* ms; a whole second */

struct fixture {
  atomic_llong wall, monotonic;
  struct mv_clock clock;
  struct mv_journal *journal;
  struct mv_metrics *metrics;
  struct mv_planner *planner;
  struct mv_store *reader;
  FILE *file; /* of the log */
  struct mv_log *log;
};

static int64_t wall(void *self) {
  return atomic_load(&((struct fixture *)self)->wall);
}

static int64_t monotonic(void *self) {
  return atomic_load(&((struct fixture *)self)->monotonic);
}

struct run {
  struct mv_finish_op op;
  struct fixture *fixture;
};

static void finished(struct mv_op *op) {
  struct run *run = (struct run *)(void *)op;
  mv_event_free(run->op.event);
  free(run);
}

/* Stands in for the workers: everything is done at once. */
static void end_at_once(struct fixture *f, unsigned worker, struct mv_event *event) {
  struct run *run = calloc(1, sizeof *run);
  run->op.op.done = finished;
  run->op.event = event;
  run->op.worker = worker;
  run->op.verdict = MV_VM_DONE;
  run->fixture = f;
  mv_journal_finish(f->journal, &run->op);
}

static void deliver(void *owner, unsigned worker, struct mv_event *events) {
  for (struct mv_event *next; events; events = next) {
    next = (struct mv_event *)events->node.next;
    end_at_once(owner, worker, events);
  }
}

static json_t *definitions(const char *name, const char *expression, const char *missed) {
  return json_pack("{s:[{s:s, s:s, s:s, s:s, s:s, s:s, s:i}]}", "schedules", "name", name, "kind",
                   "every", "expression", expression, "missed", missed, "overlap", "allow", "file",
                   "bot.lua", "line", 7);
}

static int load(struct fixture *f, const char *name, const char *expression, const char *missed) {
  struct mv_error err = {0};
  json_t *given = definitions(name, expression, missed);
  int failed = mv_planner_load(f->planner, given, &err);
  json_decref(given);
  return failed;
}

static void setup(struct fixture *f) {
  struct mv_error err = {0};
  memset(f, 0, sizeof *f);
  f->clock = (struct mv_clock){wall, monotonic, f};
  atomic_store(&f->wall, START);
  atomic_store(&f->monotonic, 5000);
  struct mv_journal_options journal = {.store = {.path = ":memory:"}, .clock = &f->clock,
                                       .workers = 1, .owner = f, .deliver = deliver,
                                       .paused = true};
  f->journal = mv_journal_start(&journal, &err);
  CHECK(f->journal != NULL);
  mv_journal_pause(f->journal, false);
  f->metrics = mv_metrics_new();
  f->file = tmpfile();
  f->log = mv_log_new(&(struct mv_log_options){.fd = fileno(f->file), .json = 1});
  struct mv_planner_options planner = {.journal = f->journal, .metrics = f->metrics,
                                       .log = f->log, .clock = &f->clock};
  f->planner = mv_planner_start(&planner, &err);
  f->reader = mv_journal_reader(f->journal, &err);
}

static void teardown(struct fixture *f) {
  mv_store_close(f->reader);
  mv_planner_stop(f->planner);
  mv_journal_free(f->journal);
  mv_planner_free(f->planner);
  mv_metrics_free(f->metrics);
  mv_log_free(f->log);
  fclose(f->file);
}

static void move(struct fixture *f, int64_t wall_ms, int64_t monotonic_ms) {
  atomic_fetch_add(&f->wall, wall_ms);
  atomic_fetch_add(&f->monotonic, monotonic_ms);
}

/* The rows of a schedule in a given state, once they are `expected`; else how many there were. */
static int rows(struct fixture *f, const char *name, enum mv_event_state state, int expected) {
  int seen = -1;
  for (int i = 0; i < 500 && seen != expected; i++) {
    struct mv_moment *moments;
    int count = mv_store_moments(f->reader, name, 1000, &moments, NULL);
    seen = 0;
    for (int at = 0; at < count; at++)
      seen += moments[at].state == state;
    mv_store_moments_free(moments, count);
    usleep(5000);
  }
  return seen;
}

/* As time passes in steps, the planner seeing each. */
static void pass(struct fixture *f, int64_t ms, int64_t step) {
  for (int64_t passed = 0; passed < ms; passed += step) {
    move(f, step, step);
    mv_planner_tick(f->planner);
  }
}

/* Whether the log has these words, now or soon. */
static bool logged(struct fixture *f, const char *words) {
  char text[16384];
  for (int i = 0; i < 500; i++) {
    ssize_t length = pread(fileno(f->file), text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = 0;
    if (strstr(text, words))
      return true;
    usleep(5000);
  }
  return false;
}

static void test_moments_come(struct fixture *f) {
  CHECK(load(f, "a", "10s", "one") == 0);
  pass(f, 30000, 5000);
  CHECK(rows(f, "a", MV_EVENT_DONE, 3) == 3);
}

static void test_clock_set_back(struct fixture *f) {
  CHECK(load(f, "b", "10s", "one") == 0);
  pass(f, 20000, 5000);
  CHECK(rows(f, "b", MV_EVENT_DONE, 2) == 2);
  move(f, -20000, 0);
  CHECK(logged(f, "the wall clock jumped by -20.000 seconds"));
  pass(f, 20000, 5000); /* the same moments once more */
  CHECK(rows(f, "b", MV_EVENT_DONE, 2) == 2);
  pass(f, 10000, 5000);
  CHECK(rows(f, "b", MV_EVENT_DONE, 3) == 3);
}

static void test_clock_set_forward(struct fixture *f) {
  CHECK(load(f, "c", "10s", "one") == 0);
  move(f, 100000, 0);
  CHECK(logged(f, "the wall clock jumped by 100.000 seconds"));
  CHECK(rows(f, "c", MV_EVENT_SKIPPED, 9) == 9);
  CHECK(rows(f, "c", MV_EVENT_DONE, 1) == 1);
}

static void test_missed(struct fixture *f) {
  CHECK(load(f, "d", "10s", "all") == 0);
  move(f, 100000, 100000);
  CHECK(rows(f, "d", MV_EVENT_DONE, 10) == 10);
  CHECK(load(f, "none", "1h", "all") == 0); /* "d" is gone, as if the host were down */
  move(f, 50000, 50000);
  CHECK(load(f, "d", "10s", "all") == 0);
  CHECK(rows(f, "d", MV_EVENT_DONE, 15) == 15);
  move(f, 50000, 50000);
  CHECK(rows(f, "d", MV_EVENT_DONE, 20) == 20);
  CHECK(load(f, "none", "1h", "all") == 0);
  move(f, 50000, 50000);
  CHECK(load(f, "d", "5s", "all") == 0); /* another definition begins anew */
  CHECK(rows(f, "d", MV_EVENT_DONE, 20) == 20);
}

static void test_list(struct fixture *f) {
  struct mv_error err = {0};
  size_t all;
  json_t *list = mv_planner_list(f->planner, f->reader, 0, 10, &all, &err);
  json_t *first = json_array_get(list, 0);
  CHECK(json_array_size(list) == 1 && all == 1);
  CHECK(json_array_size(json_object_get(first, "next")) == 5);
  CHECK(json_array_size(json_object_get(first, "last")) == 5);
  json_decref(list);
  list = mv_planner_list(f->planner, f->reader, 1, 10, &all, &err); /* behind the last */
  CHECK(json_is_array(list) && json_array_size(list) == 0 && all == 1);
  json_decref(list);
}

static void check_refused(const char *name, const char *value, const char *text) {
  struct mv_error err = {0};
  json_t *given = definitions("a", "10s", "one");
  json_t *schedules = json_object_get(given, "schedules");
  json_object_set_new(json_array_get(schedules, 0), name, json_string(value));
  CHECK(mv_planner_check(given, &err) == -1);
  CHECK(strstr(err.text, text) && strstr(err.text, "bot.lua:7"));
  json_decref(given);
}

static void test_refused(void) {
  struct mv_error err = {0};
  check_refused("missed", "some", "missed is");
  check_refused("overlap", "some", "overlap is");
  check_refused("jitter", "some", "jitter");
  check_refused("expression", "0", "interval");
  check_refused("kind", "weekly", "cron");
  json_t *given = definitions("a", "10s", "one");
  json_t *schedules = json_object_get(given, "schedules");
  json_array_append(schedules, json_array_get(schedules, 0));
  CHECK(mv_planner_check(given, &err) == -1 && strstr(err.text, "the name is taken"));
  json_decref(given);
}

int main(void) {
  struct fixture f;
  test_refused();
  setup(&f);
  test_moments_come(&f);
  test_clock_set_back(&f);
  test_clock_set_forward(&f);
  test_missed(&f);
  test_list(&f);
  teardown(&f);
  return check_end("planner");
}
