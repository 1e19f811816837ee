/* The journal with its dispatch: acknowledged is on disk, one of a key at a time, nothing is lost.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/journal.h"
#include "host/policy.h"
#include "test/check.h"

enum { MAX_KEYS = 64, PATIENCE = 60 }; /* seconds a condition is awaited */

static struct mv_error err;
static char directory[64];

static const char *path_of(const char *name) {
  static char paths[8][128];
  static int turn;
  char *path = paths[turn++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void nap(void) {
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* --- A wall clock that the tests move --- */

static int64_t test_wall(void *self) {
  return atomic_load((_Atomic int64_t *)self);
}

static int64_t test_monotonic(void *self) {
  (void)self;
  return (int64_t)(seconds() * 1000);
}

/* --- Workers that say done, or what `verdict` says --- */

struct rig {
  struct mv_journal *journal;
  _Atomic int64_t wall;
  struct mv_clock clock;
  unsigned workers;
  struct mv_queue queues[4];
  pthread_t threads[4];
  struct rig_worker {
    struct rig *rig;
    unsigned number;
  } self[4];
  /* what a run returns; NULL: done */
  enum mv_vm_verdict (*verdict)(struct rig *rig, struct mv_event *event, struct mv_finish_op *op);
  _Atomic int hold; /* workers take, but do not finish */
  atomic_bool handed_in;
  atomic_int running, most_running, runs, finished, acknowledged, failed, out_of_order, overlaps;
  atomic_int busy_keys[MAX_KEYS]; /* by the number after "k" */
  _Atomic int64_t last_of_key[MAX_KEYS];
  _Atomic int64_t last_id;
  _Atomic enum mv_event_state last_state;
};

struct finish {
  struct mv_finish_op op;
  struct rig *rig;
  json_t *effects;
};

static int key_number(const struct mv_event *event) {
  return event->key && event->key[0] == 'k' ? (int)(strtol(event->key + 1, NULL, 10) % MAX_KEYS)
                                            : -1;
}

static void finished(struct mv_op *op) {
  struct finish *finish = (struct finish *)op;
  struct rig *rig = finish->rig;
  if (!op->failed) {
    atomic_store(&rig->last_state, finish->op.state);
    atomic_fetch_add(&rig->finished, 1);
  }
  mv_event_free(finish->op.event);
  json_decref(finish->effects);
  free(finish);
}

static void begin_run(struct rig *rig, const struct mv_event *event) {
  int now = atomic_fetch_add(&rig->running, 1) + 1;
  int most = atomic_load(&rig->most_running);
  while (now > most && !atomic_compare_exchange_weak(&rig->most_running, &most, now)) {
  }
  atomic_fetch_add(&rig->runs, 1);
  int key = key_number(event);
  if (key < 0)
    return;
  if (atomic_fetch_add(&rig->busy_keys[key], 1) > 0)
    atomic_fetch_add(&rig->overlaps, 1);
  if (event->id < atomic_load(&rig->last_of_key[key]))
    atomic_fetch_add(&rig->out_of_order, 1);
  atomic_store(&rig->last_of_key[key], event->id);
}

static void end_run(struct rig *rig, unsigned worker, struct mv_event *event) {
  struct finish *finish = calloc(1, sizeof *finish);
  finish->rig = rig;
  finish->op.op.done = finished;
  finish->op.event = event;
  finish->op.worker = worker;
  finish->op.handler = "test";
  finish->op.verdict = rig->verdict ? rig->verdict(rig, event, &finish->op) : MV_VM_DONE;
  finish->effects = (json_t *)(uintptr_t)finish->op.effects;
  int key = key_number(event);
  if (key >= 0)
    atomic_fetch_sub(&rig->busy_keys[key], 1);
  atomic_fetch_sub(&rig->running, 1);
  mv_journal_finish(rig->journal, &finish->op);
}

static void *work(void *self) {
  struct rig_worker *worker = self;
  struct mv_queue *queue = &worker->rig->queues[worker->number];
  for (;;) {
    struct mv_node *node = mv_queue_take(queue, 20);
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    if (!node && closed)
      return NULL;
    for (struct mv_node *next; node; node = next) {
      next = node->next;
      begin_run(worker->rig, (struct mv_event *)node);
      while (atomic_load(&worker->rig->hold))
        nap();
      end_run(worker->rig, worker->number, (struct mv_event *)node);
    }
  }
}

static void deliver(void *owner, unsigned worker, struct mv_event *events) {
  struct rig *rig = owner;
  for (struct mv_event *next; events; events = next) {
    next = (struct mv_event *)events->node.next;
    if (events->id > atomic_load(&rig->last_id))
      atomic_store(&rig->last_id, events->id);
    mv_queue_push(&rig->queues[worker], &events->node);
  }
}

static int rig_start(struct rig *rig, struct mv_journal_options options) {
  rig->workers = options.workers ? options.workers : 1;
  atomic_store(&rig->wall, INT64_C(1700000000000));
  rig->clock = (struct mv_clock){test_wall, test_monotonic, (void *)&rig->wall};
  options.clock = &rig->clock;
  options.owner = rig;
  options.deliver = deliver;
  for (unsigned i = 0; i < rig->workers; i++) {
    mv_queue_init(&rig->queues[i]);
    rig->self[i] = (struct rig_worker){rig, i};
  }
  rig->journal = mv_journal_start(&options, &err);
  CHECK(rig->journal != NULL);
  if (!rig->journal) {
    fprintf(stderr, "%s\n", err.text);
    return -1;
  }
  /* only now: before, `journal` is not set. What is delivered meanwhile waits in the queues. */
  for (unsigned i = 0; i < rig->workers; i++)
    pthread_create(&rig->threads[i], NULL, work, &rig->self[i]);
  return 0;
}

static void rig_stop(struct rig *rig) {
  atomic_store(&rig->hold, 0);
  for (unsigned i = 0; i < rig->workers; i++)
    mv_queue_close(&rig->queues[i]);
  for (unsigned i = 0; i < rig->workers; i++)
    pthread_join(rig->threads[i], NULL);
  mv_journal_stop(rig->journal);
  mv_journal_free(rig->journal);
  for (unsigned i = 0; i < rig->workers; i++)
    mv_queue_destroy(&rig->queues[i]);
}

static int await(atomic_int *value, int expected) {
  double until = seconds() + PATIENCE;
  while (atomic_load(value) < expected && seconds() < until)
    nap();
  if (atomic_load(value) != expected)
    fprintf(stderr, "%d, not %d\n", atomic_load(value), expected);
  return atomic_load(value) == expected;
}

static void advance(struct rig *rig, int64_t ms) {
  atomic_fetch_add(&rig->wall, ms);
  mv_journal_tick(rig->journal);
}

/* --- Senders --- */

struct accept {
  struct mv_accept_op op;
  struct rig *rig;
};

static void accepted(struct mv_op *op) {
  struct accept *accept = (struct accept *)op;
  struct rig *rig = accept->rig;
  mv_event_free(accept->op.event); /* NULL when taken */
  atomic_fetch_add(op->failed ? &rig->failed : &rig->acknowledged, 1);
  free(accept);
}

static void send_event(struct rig *rig, struct mv_event *event) {
  struct accept *accept = calloc(1, sizeof *accept);
  accept->rig = rig;
  accept->op.op.done = accepted;
  accept->op.event = event;
  mv_journal_accept(rig->journal, &accept->op);
}

static struct mv_event *event_of(const char *key, const char *dedupe, size_t size) {
  struct mv_event *event = mv_event_new();
  event->key = mv_strdup(key);
  event->dedupe = mv_strdup(dedupe);
  event->body = malloc(size + 1);
  memset(event->body, 'x', size);
  event->body_length = size;
  return event;
}

static int depth(struct rig *rig, enum mv_event_state state) {
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig->journal, &metrics);
  return (int)metrics.states[state];
}

/* --- The tests --- */

struct sender {
  struct rig *rig;
  int count, keys;
  unsigned seed;
};

static void *send_many(void *self) {
  struct sender *sender = self;
  for (int i = 0; i < sender->count; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", rand_r(&sender->seed) % sender->keys);
    send_event(sender->rig, event_of(key, NULL, 200));
  }
  return NULL;
}

static void test_order_per_key(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){
                          .store = {.path = path_of("order.db")}, .workers = 3, .concurrency = 4}))
    return;
  pthread_t threads[4];
  struct sender senders[4];
  for (unsigned i = 0; i < 4; i++) {
    senders[i] = (struct sender){&rig, 1000, 20, i + 1};
    pthread_create(&threads[i], NULL, send_many, &senders[i]);
  }
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  CHECK(await(&rig.acknowledged, 4000) && await(&rig.finished, 4000));
  CHECK(rig.out_of_order == 0 && rig.overlaps == 0 && rig.runs == 4000);
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.accepted == 4000 && metrics.done == 4000 && metrics.states[MV_EVENT_DONE] == 4000);
  CHECK(metrics.operations == 8000 && metrics.commits < 8000);
  rig_stop(&rig);
}

static void test_duplicates(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = ":memory:"}}))
    return;
  for (int i = 0; i < 100; i++) {
    char id[16];
    snprintf(id, sizeof id, "%d", i % 10);
    send_event(&rig, event_of(NULL, id, 10));
  }
  CHECK(await(&rig.acknowledged, 100) && await(&rig.finished, 10));
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.accepted == 10 && metrics.duplicates == 90);
  rig_stop(&rig);
}

static void test_room(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){
                          .store = {.path = ":memory:"}, .workers = 2, .concurrency = 3}))
    return;
  atomic_store(&rig.hold, 1);
  for (int i = 0; i < 50; i++)
    send_event(&rig, event_of(NULL, NULL, 10));
  CHECK(await(&rig.acknowledged, 50));
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.running == 6 && depth(&rig, MV_EVENT_AVAILABLE) == 44);
  CHECK(mv_queue_length(&rig.queues[0]) + mv_queue_length(&rig.queues[1]) <= 6);
  atomic_store(&rig.hold, 0);
  CHECK(await(&rig.finished, 50));
  rig_stop(&rig);
}

static void test_pause(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = ":memory:"}, .paused = true}))
    return;
  for (int i = 0; i < 10; i++)
    send_event(&rig, event_of("k1", NULL, 10));
  CHECK(await(&rig.acknowledged, 10) && rig.runs == 0);
  mv_journal_pause(rig.journal, false);
  CHECK(await(&rig.finished, 10));
  mv_journal_pause(rig.journal, true);
  send_event(&rig, event_of("k1", NULL, 10));
  CHECK(await(&rig.acknowledged, 11) && rig.runs == 10);
  mv_journal_pause(rig.journal, false);
  CHECK(await(&rig.finished, 11));
  rig_stop(&rig);
}

static enum mv_vm_verdict always_fails(struct rig *rig, struct mv_event *event,
                                       struct mv_finish_op *op) {
  (void)rig, (void)event;
  op->reason = "boom";
  return MV_VM_FAILED;
}

/* Not before all are handed in: the journal then finds company for the first. */
static bool busy_later(void *owner) {
  struct rig *rig = owner;
  while (!atomic_load(&rig->handed_in))
    nap();
  return true;
}

static void test_company(void) {
  struct rig rig = {0};
  struct mv_journal_metrics metrics;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = path_of("company")},
                                                  .busy = busy_later}))
    return;
  for (int i = 0; i < 16; i++)
    send_event(&rig, event_of("k1", NULL, 10));
  atomic_store(&rig.handed_in, true);
  CHECK(await(&rig.acknowledged, 16));
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.largest_batch == 16);
  send_event(&rig, event_of("k1", NULL, 10)); /* none comes along */
  CHECK(await(&rig.acknowledged, 17));
  CHECK(await(&rig.finished, 17));
  CHECK(atomic_load(&rig.out_of_order) == 0 && atomic_load(&rig.overlaps) == 0);
  rig_stop(&rig);
}

static void test_retry_to_dead(void) {
  static struct rig rig;
  rig.verdict = always_fails;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = ":memory:"}}))
    return;
  send_event(&rig, event_of("k1", NULL, 10));
  for (int attempt = 1; attempt <= 8; attempt++) {
    CHECK(await(&rig.finished, attempt));
    CHECK(rig.last_state == (attempt < 8 ? MV_EVENT_RETRYABLE : MV_EVENT_DEAD));
    int64_t wait = INT64_C(1000) << (attempt - 1);
    advance(&rig, wait * 3 / 4 - 1);
    CHECK(rig.runs == attempt);
    advance(&rig, wait / 2 + 2);
  }
  struct mv_store *reader = mv_journal_reader(rig.journal, &err);
  struct mv_event *event = mv_store_get(reader, 1, &err);
  CHECK(event && event->attempt == 8 && strcmp(event->reason, "attempts exhausted: boom") == 0);
  CHECK(event && strcmp(event->handler, "test") == 0);
  mv_event_free(event);
  mv_store_close(reader);
  rig_stop(&rig);
}

static enum mv_vm_verdict writes_badly(struct rig *rig, struct mv_event *event,
                                       struct mv_finish_op *op) {
  (void)rig;
  op->effects = event->attempt == 1
                    ? json_pack("[{s:s,s:s,s:i},{s:s}]", "op", "kv_set", "key", "a", "value", 1,
                                "op", "nonsense")
                    : json_pack("[{s:s,s:s,s:i},{s:s,s:s,s:s}]", "op", "kv_add", "key", "n", "by",
                                1, "op", "job", "name", "next", "key", "k2");
  return event->source == MV_SOURCE_JOB ? MV_VM_CANCELLED : MV_VM_DONE;
}

static void test_effects(void) {
  static struct rig rig;
  rig.verdict = writes_badly;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = path_of("effects.db")}}))
    return;
  struct mv_store *reader = mv_journal_reader(rig.journal, &err);
  send_event(&rig, event_of("k1", NULL, 10));
  CHECK(await(&rig.finished, 1) && rig.last_state == MV_EVENT_RETRYABLE);
  char *value = NULL;
  CHECK(mv_store_kv_get(reader, "a", 0, &value, &err) == 0);
  struct mv_event *event = mv_store_get(reader, 1, &err);
  CHECK(event && event->reason && strstr(event->reason, "nonsense"));
  mv_event_free(event);
  advance(&rig, 2000);
  /* the second attempt is good; the job that it left runs at once (and fails by its effects) */
  CHECK(await(&rig.finished, 3));
  CHECK(mv_store_kv_get(reader, "n", 0, &value, &err) == 1 && strcmp(value, "1") == 0);
  free(value);
  mv_store_close(reader);
  rig_stop(&rig);
}

static long resident_kib(void) {
  char line[128] = "", *end = line;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file && fgets(line, sizeof line, file))
    strtol(line, &end, 10); /* the size */
  if (file)
    fclose(file);
  return strtol(end, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void test_backlog(void) {
  static struct rig rig;
  enum { COUNT = 100000 };
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = path_of("backlog.db")},
                                                  .workers = 2,
                                                  .concurrency = 64,
                                                  .paused = true}))
    return;
  for (int i = 0; i < COUNT; i++) {
    send_event(&rig, event_of(NULL, NULL, 300));
    /* memory of the sender must not be what is measured */
    if (i % 2000 == 1999)
      CHECK(await(&rig.acknowledged, i + 1));
  }
  long before = resident_kib(), most = 0;
  double begun = seconds(), half = 0;
  mv_journal_pause(rig.journal, false);
  while (atomic_load(&rig.finished) < COUNT && seconds() < begun + 2 * PATIENCE) {
    if (half == 0 && atomic_load(&rig.finished) >= COUNT / 2)
      half = seconds() - begun;
    most = resident_kib() > most ? resident_kib() : most;
    nap();
  }
  double all = seconds() - begun;
  printf("backlog: %.0f a second, %ld KiB more memory\n", COUNT / all, most - before);
  CHECK(atomic_load(&rig.finished) == COUNT && rig.last_id == COUNT);
  CHECK(all - half < 4 * half + 1); /* a full backlog is as fast as an empty one */
  CHECK(rig.most_running <= 128);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(most - before < 20000);
#endif
  rig_stop(&rig);
}

static void test_stop_costs_nothing(void) {
  static struct rig rig;
  const char *path = path_of("stop.db");
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = path}, .concurrency = 2}))
    return;
  atomic_store(&rig.hold, 1);
  for (int i = 0; i < 4; i++)
    send_event(&rig, event_of(NULL, NULL, 10));
  CHECK(await(&rig.acknowledged, 4) && await(&rig.runs, 1));
  mv_journal_stop(rig.journal);
  send_event(&rig, event_of(NULL, NULL, 10));
  CHECK(atomic_load(&rig.failed) == 1);
  rig_stop(&rig); /* its workers finish too late */
  struct mv_store_options look = {.path = path, .read_only = true};
  struct mv_store *store = mv_store_open(&look, &err);
  struct mv_store_stats stats;
  CHECK(store != NULL);
  if (!store)
    return;
  CHECK(mv_store_stats(store, &stats, &err) == 0 && stats.states[MV_EVENT_AVAILABLE] == 4);
  struct mv_event *event = mv_store_get(store, 1, &err);
  CHECK(event && event->attempt == 0 && event->crashes == 0);
  mv_event_free(event);
  mv_store_close(store);
}

/* --- Moments, calls --- */

struct moment {
  struct mv_moment_op op;
  atomic_int over;
};

static void moment_done(struct mv_op *op) {
  atomic_store(&((struct moment *)op)->over, 1);
}

static int replay_first(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                        struct mv_error *error) {
  return mv_store_replay(store, *(int64_t *)context, now, wake_at, error);
}

static void test_moment_and_replay(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = ":memory:"}}))
    return;
  for (int i = 0; i < 2; i++) {
    struct moment moment = {.op = {.schedule = "s", .moment = 5, .overlap = MV_OVERLAP_SKIP}};
    moment.op.op.done = moment_done;
    moment.op.event = event_of(NULL, NULL, 2);
    moment.op.event->source = MV_SOURCE_SCHEDULE;
    mv_journal_moment(rig.journal, &moment.op);
    CHECK(await(&moment.over, 1) && !moment.op.op.failed && !moment.op.event);
    CHECK(moment.op.result.exists == (i == 1));
  }
  CHECK(await(&rig.finished, 1));
  int64_t id = 1;
  CHECK(mv_journal_call_wait(rig.journal, replay_first, &id, &err) == 0);
  CHECK(await(&rig.finished, 2) && rig.runs == 2);
  id = 99;
  CHECK(mv_journal_call_wait(rig.journal, replay_first, &id, &err) == -1);
  CHECK(err.kind == MV_ERROR_NOT_FOUND);
  rig_stop(&rig);
}

/* --- The machine fails --- */

static void test_disk_full(void) {
  static struct rig rig;
  struct mv_journal_options options = {.store = {.path = path_of("full.db"), .max_pages = 80},
                                       .concurrency = 4,
                                       .limits = {.max_bytes = 1}};
  if (rig_start(&rig, options))
    return;
  atomic_store(&rig.hold, 1);
  int sent = 0;
  while (atomic_load(&rig.failed) == 0 && sent < 500) {
    send_event(&rig, event_of(NULL, NULL, 3000));
    sent++;
    while (atomic_load(&rig.failed) + atomic_load(&rig.acknowledged) < sent)
      nap();
  }
  int stored = atomic_load(&rig.acknowledged);
  CHECK(atomic_load(&rig.failed) == 1 && stored > 10);
  /* what was acknowledged runs to its end even so */
  atomic_store(&rig.hold, 0);
  CHECK(await(&rig.finished, stored));
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.refused == 1 && metrics.failed_commits >= 1 && (int)metrics.done == stored);
  rig_stop(&rig);
  /* there is room again: all goes on */
  static struct rig later;
  options.store.max_pages = 10000;
  if (rig_start(&later, options))
    return;
  for (int i = 0; i < 100; i++)
    send_event(&later, event_of(NULL, NULL, 3000));
  CHECK(await(&later.finished, 100) && atomic_load(&later.failed) == 0);
  rig_stop(&later);
}

struct crash {
  struct mv_accept_op op;
  int number, pipe;
};

static void crash_accepted(struct mv_op *op) {
  struct crash *crash = (struct crash *)op;
  if (!op->failed && write(crash->pipe, &crash->number, sizeof crash->number) < 0)
    _exit(1);
}

static void drop(void *owner, unsigned worker, struct mv_event *events) {
  (void)owner, (void)worker;
  for (struct mv_event *next; events; events = next) {
    next = (struct mv_event *)events->node.next;
    mv_event_free(events);
  }
}

/* Accepts numbered events until it is killed and writes the number of each acknowledged one. */
__attribute__((noreturn)) static void crash_child(const char *path, int pipe) {
  struct mv_journal_options options = {
      .store = {.path = path}, .concurrency = 8, .owner = NULL, .deliver = drop};
  struct mv_journal *journal = mv_journal_start(&options, &err);
  if (!journal)
    _exit(1);
  for (int i = 0; i < 1000000; i++) {
    struct crash *crash = calloc(1, sizeof *crash);
    char body[16];
    snprintf(body, sizeof body, "%d", i);
    crash->number = i;
    crash->pipe = pipe;
    crash->op.op.done = crash_accepted;
    crash->op.event = event_of(NULL, body, 10);
    mv_journal_accept(journal, &crash->op);
    if (i % 50 == 0)
      nap();
  }
  _exit(1); /* nothing was acknowledged */
}

static void test_crash(void) {
  const char *path = path_of("crash.db");
  int ends[2], number, count = 0;
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    crash_child(path, ends[1]);
  }
  close(ends[1]);
  char *seen = calloc(1, 1000000);
  while (read(ends[0], &number, sizeof number) == sizeof number && number < 1000000) {
    seen[number] = 1;
    if (++count == 2000)
      kill(child, SIGKILL);
  }
  close(ends[0]);
  waitpid(child, NULL, 0);
  CHECK(count >= 2000);
  struct mv_store_options look = {.path = path};
  struct mv_store *store = mv_store_open(&look, &err);
  CHECK(store != NULL);
  if (!store) {
    free(seen);
    return;
  }
  struct mv_store_recovered recovered = {0};
  CHECK(mv_store_begin(store, &err) == 0 && mv_store_recover(store, 1, &recovered, &err) == 0);
  CHECK(recovered.again == 8 && recovered.dead == 0);
  int missing = 0;
  for (int i = 0; i < 1000000; i++) {
    if (!seen[i])
      continue;
    char body[16];
    snprintf(body, sizeof body, "%d", i);
    struct mv_event *event = event_of(NULL, body, 1);
    struct mv_store_accepted accepted;
    CHECK(mv_store_accept(store, event, 1, false, &accepted, &err) == 0);
    missing += !accepted.duplicate;
    mv_event_free(event);
  }
  CHECK(missing == 0);
  mv_store_rollback(store);
  mv_store_close(store);
  free(seen);
}

static void test_two_processes(void) {
  const char *path = path_of("two.db");
  struct mv_journal_options options = {.store = {.path = path}, .deliver = drop};
  struct mv_journal *journal = mv_journal_start(&options, &err);
  CHECK(journal != NULL);
  CHECK(!mv_journal_start(&options, &err) && err.kind == MV_ERROR_BUSY && strstr(err.text, path));
  mv_journal_free(journal);
  journal = mv_journal_start(&options, &err);
  CHECK(journal != NULL);
  mv_journal_free(journal);
}

/* --- The policy --- */

static void test_policy(void) {
  struct mv_policy policy;
  CHECK(mv_policy_read(&policy, NULL, &err) == 0 && policy.attempts == 8 && policy.max_age == 0);
  CHECK(mv_policy_backoff(&policy, 1, 0) == 750 && mv_policy_backoff(&policy, 1, 0.999999) < 1250);
  CHECK(mv_policy_backoff(&policy, 3, 0.5) == 4000);
  CHECK(mv_policy_backoff(&policy, 60, 0.5) == 3600000);
  json_t *json = json_pack("{s:i,s:s,s:s}", "attempts", 2, "max_age", "10m", "on_fail", "park");
  CHECK(mv_policy_read(&policy, json, &err) == 0);
  CHECK(policy.attempts == 2 && policy.max_age == 600000 && policy.on_fail == MV_ON_FAIL_PARK);
  json_decref(json);
  struct mv_event event = {.accepted_at = 1000, .attempt = 1};
  struct mv_outcome outcome;
  struct mv_bytes text = {0};
  mv_policy_decide(&policy, &event, MV_VM_FAILED, 0, "x", 2000, 0.5, &outcome, &text);
  CHECK(outcome.state == MV_EVENT_RETRYABLE && outcome.due_at == 3000 &&
        outcome.on_fail == MV_ON_FAIL_PARK);
  mv_policy_decide(&policy, &event, MV_VM_RETRY, 601, "x", 2000, 0.5, &outcome, &text);
  CHECK(outcome.state == MV_EVENT_DEAD && strcmp(outcome.reason, "older than max_age: x") == 0);
  event.planned_at = 500000;
  CHECK(!mv_policy_expired(&policy, &event, 1100000) &&
        mv_policy_expired(&policy, &event, 1100001));
  mv_bytes_clear(&text);
  event.attempt = 2;
  mv_policy_decide(&policy, &event, MV_VM_FAILED, 0, NULL, 2000, 0.5, &outcome, &text);
  CHECK(outcome.state == MV_EVENT_DEAD &&
        strcmp(outcome.reason, "attempts exhausted: no reason given") == 0);
  json = json_pack("{s:s}", "on_fail", "skip");
  CHECK(mv_policy_read(&policy, json, &err) == 0);
  json_decref(json);
  mv_policy_decide(&policy, &event, MV_VM_FAILED, 0, "y", 2000, 0.5, &outcome, &text);
  CHECK(outcome.state == MV_EVENT_SKIPPED && strcmp(outcome.reason, "y") == 0);
  json = json_pack("{s:s,s:i}", "on_fail", "fly", "attempts", 3);
  CHECK(mv_policy_read(&policy, json, &err) == -1 && strstr(err.text, "on_fail"));
  CHECK(policy.attempts == 3);
  json_decref(json);
  static const char *const bad[] = {"{\"attempts\":5000}", "{\"attempts\":0}", "{\"attempts\":1.5}",
                                    "{\"attempts\":\"3\"}", "{\"max_age\":0}", "{\"max_age\":1e300}",
                                    "{\"max_age\":\"soon\"}", "{\"timeout\":0}",
                                    "{\"timeout\":\"2w\"}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    json = json_loads(bad[i], 0, NULL);
    CHECK(mv_policy_check(NULL, json, &err) == -1 && strstr(err.text, "option '"));
    json_decref(json);
  }
  mv_bytes_free(&text);
}

static void remove_directory(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  if (system(command) != 0)
    perror(command);
}

int main(void) {
  snprintf(directory, sizeof directory, "/tmp/mavilua-journal-XXXXXX");
  if (!mkdtemp(directory))
    return 1;
  test_crash(); /* first: forks while there is one thread */
  test_policy();
  test_two_processes();
  test_order_per_key();
  test_duplicates();
  test_room();
  test_pause();
  test_company();
  test_retry_to_dead();
  test_effects();
  test_moment_and_replay();
  test_stop_costs_nothing();
  test_disk_full();
  test_backlog();
  remove_directory();
  return check_end("journal");
}
