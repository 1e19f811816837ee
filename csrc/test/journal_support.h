/* A journal with workers that do as they are told. */
#ifndef MV_TEST_JOURNAL_SUPPORT_H
#define MV_TEST_JOURNAL_SUPPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "host/journal.h"
#include "test/check.h"
#include "test/directory.h"

enum { MAX_KEYS = 64, PATIENCE = 60 }; /* seconds a condition is awaited */

static struct mv_error err;
static inline double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static inline void nap(void) {
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* --- A wall clock that the tests move --- */

static inline int64_t test_wall(void *self) {
  return atomic_load((_Atomic int64_t *)self);
}

static inline int64_t test_monotonic(void *self) {
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

static inline int key_number(const struct mv_event *event) {
  return event->key && event->key[0] == 'k' ? (int)(strtol(event->key + 1, NULL, 10) % MAX_KEYS)
                                            : -1;
}

static inline void finished(struct mv_op *op) {
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

static inline void begin_run(struct rig *rig, const struct mv_event *event) {
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

static inline void end_run(struct rig *rig, unsigned worker, struct mv_event *event) {
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

static inline void *work(void *self) {
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

static inline void deliver(void *owner, unsigned worker, struct mv_event *events) {
  struct rig *rig = owner;
  for (struct mv_event *next; events; events = next) {
    next = (struct mv_event *)events->node.next;
    if (events->id > atomic_load(&rig->last_id))
      atomic_store(&rig->last_id, events->id);
    mv_queue_push(&rig->queues[worker], &events->node);
  }
}

static inline int rig_start(struct rig *rig, struct mv_journal_options options) {
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

static inline void rig_stop(struct rig *rig) {
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

static inline int await(atomic_int *value, int expected) {
  double until = seconds() + PATIENCE;
  while (atomic_load(value) < expected && seconds() < until)
    nap();
  if (atomic_load(value) != expected)
    fprintf(stderr, "%d, not %d\n", atomic_load(value), expected);
  return atomic_load(value) == expected;
}

static inline void advance(struct rig *rig, int64_t ms) {
  atomic_fetch_add(&rig->wall, ms);
  mv_journal_tick(rig->journal);
}

/* --- Senders --- */

struct accept {
  struct mv_accept_op op;
  struct rig *rig;
};

static inline void accepted(struct mv_op *op) {
  struct accept *accept = (struct accept *)op;
  struct rig *rig = accept->rig;
  mv_event_free(accept->op.event); /* NULL when taken */
  atomic_fetch_add(op->failed ? &rig->failed : &rig->acknowledged, 1);
  free(accept);
}

static inline void send_event(struct rig *rig, struct mv_event *event) {
  struct accept *accept = calloc(1, sizeof *accept);
  accept->rig = rig;
  accept->op.op.done = accepted;
  accept->op.event = event;
  mv_journal_accept(rig->journal, &accept->op);
}

static inline struct mv_event *event_of(const char *key, const char *dedupe, size_t size) {
  struct mv_event *event = mv_event_new();
  event->key = mv_strdup(key);
  event->dedupe = mv_strdup(dedupe);
  event->body = malloc(size + 1);
  memset(event->body, 'x', size);
  event->body_length = size;
  return event;
}

static inline int depth(struct rig *rig, enum mv_event_state state) {
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig->journal, &metrics);
  return (int)metrics.states[state];
}

#endif
