#include "host/worker.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "host/ask.h"
#include "host/policy.h"
#include "host/run.h"

enum mode { SERVE, DRAIN, STOP };
enum phase { LOADING, READY, FAILED, ENDED };

struct mv_worker {
  const struct mv_worker_shared *with;
  unsigned index;
  pthread_t thread;
  struct mv_queue inbox;
  struct mv_queue cancels;
  struct mv_queue answers;
  unsigned asked;             /* questions without an answer yet; the worker's thread's own */
  atomic_int mode;            /* enum mode */
  atomic_llong deadline;      /* ms, monotonic; of STOP */
  atomic_size_t running, memory;
  atomic_llong computing;     /* ms, monotonic: since when without a pause; 0: perhaps not */
  pthread_mutex_t lock;       /* guards phase and vm, which others look at */
  pthread_cond_t changed;
  enum phase phase;
  struct mv_error error;      /* of FAILED */
  struct mv_vm *vm;           /* NULL before and after */
  json_t *definitions;
  struct mv_store *reader;    /* the worker's thread's own */
  struct mv_run *runs;        /* handed to the VM */
  struct mv_run *ended, **ended_tail; /* through with the VM, in order; to be handed in */
  int64_t ended_at;           /* when the first of them was, ms */
};

enum {
  LONGEST_KEPT = 50, /* ms that runs which ended wait for those that go on */
  BUSY_AFTER = 5,    /* ms of computing without a pause */
};

/* ---- what the VM calls, on the worker's thread ---------------------------------------------- */

/* A question that will not be answered any more. */
static void drop_ask(struct mv_worker *worker, struct mv_ask *ask) {
  worker->asked--;
  mv_ask_free(ask);
}

static void add_run(struct mv_worker *worker, struct mv_run *run) {
  run->next = worker->runs;
  if (worker->runs)
    worker->runs->previous = run;
  worker->runs = run;
}

/* Its end: also of its place among the runs of its handler. */
static void remove_run(struct mv_worker *worker, struct mv_run *run) {
  if (mv_limiter_leave(worker->with->limiter, &run->place))
    drop_ask(worker, run->waits);
  *(run->previous ? &run->previous->next : &worker->runs) = run->next;
  if (run->next)
    run->next->previous = run->previous;
  run->previous = run->next = NULL;
}

static void hand_in_ended(struct mv_worker *worker) {
  struct mv_run *run = worker->ended;
  worker->ended = NULL;
  worker->ended_tail = &worker->ended;
  while (run) {
    struct mv_run *next = run->next;
    run->next = NULL;
    mv_run_finish(run);
    run = next;
  }
}

/* A step runs all that are ready, which takes as long as they compute. */
static void finished(void *owner, const struct mv_vm_event *event,
                     const struct mv_vm_result *result) {
  struct mv_worker *worker = owner;
  struct mv_run *run = event->owner;
  int64_t now = mv_clock_monotonic(NULL);
  if (worker->ended && now - worker->ended_at >= LONGEST_KEPT)
    hand_in_ended(worker);
  if (!worker->ended)
    worker->ended_at = now;
  remove_run(worker, run);
  mv_run_keep(run, result);
  *worker->ended_tail = run;
  worker->ended_tail = &run->next;
}

/* A store's answer as the VM wants it: 1 and a new reference, 0, or -1. */
static int parse_stored(int found, char *text, json_t **value, struct mv_error *err) {
  if (found > 0) {
    *value = mv_json_parse(text, strlen(text), err);
    found = *value ? 1 : -1;
  }
  free(text);
  return found;
}

static json_t *kv_get(void *owner, const char *key, struct mv_error *err) {
  struct mv_worker *worker = owner;
  json_t *value = NULL;
  char *text = NULL;
  int64_t now = mv_clock_wall(worker->with->vm.clock);
  int found = mv_store_kv_get(worker->reader, key, now, &text, err);
  parse_stored(found, text, &value, err);
  return value;
}

static int once_get(void *owner, const char *key, json_t **value, struct mv_error *err) {
  struct mv_worker *worker = owner;
  char *text = NULL;
  int found = mv_store_once_get(worker->reader, key, &text, err);
  return parse_stored(found, text, value, err);
}

/* On the journal's thread. The lock is held to the end: after the last answer the worker may go. */
static void answered(struct mv_ask *ask) {
  struct mv_worker *worker = ask->owner;
  pthread_mutex_lock(&worker->lock);
  mv_queue_push(&worker->answers, &ask->op.op.node);
  if (worker->vm)
    mv_vm_wakeup(worker->vm);
  pthread_mutex_unlock(&worker->lock);
}

/* From any thread: a run that ended has given the place to this one. */
static void got_place(struct mv_place *place) {
  struct mv_run *run = (struct mv_run *)(void *)((char *)place - offsetof(struct mv_run, place));
  answered(run->waits);
}

/* {"op":"place","handler":…,"limit":n} -> {"later":seconds}, or {} when it has the place. */
static void ask_place(struct mv_worker *worker, struct mv_run *run, struct mv_ask *ask) {
  const char *handler = json_string_value(json_object_get(ask->question, "handler"));
  json_int_t limit = json_integer_value(json_object_get(ask->question, "limit"));
  double later = 0;
  run->waits = ask;
  run->place.go = got_place;
  ask->answer = json_object();
  enum mv_entry entry = mv_limiter_enter(worker->with->limiter, handler ? handler : "",
                                         (unsigned)limit, &run->place, &later);
  if (entry == MV_ENTRY_LATER)
    json_object_set_new(ask->answer, "later", json_real(later));
  if (entry != MV_ENTRY_WAIT)
    answered(ask);
}

static int ask_host(void *owner, const struct mv_vm_event *event, json_t *question,
                    uint64_t ticket, struct mv_error *err) {
  struct mv_worker *worker = owner;
  struct mv_run *run = event->owner;
  const char *op = json_string_value(json_object_get(question, "op"));
  struct mv_ask *ask = mv_ask_new(question);
  if (!ask)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  ask->event = run->event->id;
  ask->token = run->event->token;
  ask->ticket = ticket;
  ask->answered = answered;
  ask->owner = worker;
  worker->asked++;
  if (op && strcmp(op, "place") == 0)
    ask_place(worker, run, ask);
  else
    mv_ask_send(ask, worker->with->journal);
  return 0;
}

/* What the first sender of a duplicate was answered does not go through Lua: it stays as it was. */
static void keep_reply(struct mv_worker *worker, const struct mv_ask *ask) {
  json_t *reply = json_object_get(ask->answer, "reply");
  for (struct mv_run *run = reply ? worker->runs : NULL; run; run = run->next) {
    if (run->event->id == ask->event && run->event->token == ask->token) {
      json_decref(run->reply);
      run->reply = json_incref(reply);
    }
  }
  json_object_del(ask->answer, "reply");
}

/* Takes over the list; without `vm` only frees. */
static void take_answers(struct mv_worker *worker, struct mv_vm *vm, struct mv_node *node) {
  while (node) {
    struct mv_ask *ask = (struct mv_ask *)(void *)node;
    node = node->next;
    worker->asked--;
    keep_reply(worker, ask);
    if (vm)
      mv_vm_answer(vm, ask->ticket, ask->op.op.failed ? NULL : ask->answer, &ask->error);
    mv_ask_free(ask);
  }
}

static int known(void *owner, const char *id, struct mv_error *err) {
  struct mv_worker *worker = owner;
  int64_t now = mv_clock_wall(worker->with->vm.clock);
  return mv_store_known(worker->reader, MV_SOURCE_WEBHOOK, "", id, now, err);
}

/* Each attempt asks anew: an answer to an old message is worse than none. */
static const char *refuse(void *owner, const struct mv_vm_event *event, const json_t *policy) {
  const struct mv_worker *worker = owner;
  const struct mv_run *run = event->owner;
  struct mv_policy read;
  mv_policy_read(&read, policy, NULL); /* it was right when it was registered */
  return mv_policy_expired(&read, run->event, mv_clock_wall(worker->with->vm.clock))
             ? "older than max_age"
             : NULL;
}

static void called(void *owner, const char *action, const char *outcome, bool counts) {
  const struct mv_worker *worker = owner;
  struct mv_metrics *metrics = worker->with->metrics;
  mv_metrics_add(metrics, MV_METRIC_API_CALLS, action, outcome, 1);
  if (counts)
    mv_metrics_add_today(metrics, MV_METRIC_API_QUOTA,
                         mv_clock_wall(worker->with->vm.clock) / 86400000, 1);
}

static void retried(void *owner, const char *action) {
  const struct mv_worker *worker = owner;
  mv_metrics_add(worker->with->metrics, MV_METRIC_API_RETRIES, action, NULL, 1);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static int load_scripts(struct mv_worker *worker, struct mv_vm *vm, struct mv_error *err) {
  for (const char *const *script = worker->with->scripts; *script; script++) {
    if (mv_vm_load(vm, *script, err))
      return -1;
  }
  worker->definitions = mv_vm_definitions(vm);
  return worker->definitions ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

static struct mv_vm *make_vm(struct mv_worker *worker, struct mv_error *err) {
  struct mv_vm_options options = worker->with->vm;
  options.host = true;
  options.owner = worker;
  options.finished = finished;
  options.kv_get = kv_get;
  options.once_get = once_get;
  options.known = known;
  options.ask = ask_host;
  options.policy_check = mv_policy_check;
  options.refuse = refuse;
  options.called = called;
  options.retried = retried;
  worker->reader = mv_journal_reader(worker->with->journal, err);
  struct mv_vm *vm = worker->reader ? mv_vm_new(&options, err) : NULL;
  int failed = vm ? load_scripts(worker, vm, err) : -1;
  if (vm && worker->index == 0 && worker->with->loaded)
    worker->with->loaded(worker->with->owner, mv_vm_modules(vm));
  if (vm && failed) {
    mv_vm_free(vm);
    vm = NULL;
  }
  return vm;
}

static void enter(struct mv_worker *worker, enum phase phase, struct mv_vm *vm) {
  pthread_mutex_lock(&worker->lock);
  worker->phase = phase;
  worker->vm = vm;
  pthread_cond_broadcast(&worker->changed);
  pthread_mutex_unlock(&worker->lock);
}

enum { LINE = 64, FETCHED = 8 * LINE }; /* bytes of a processor's cache, and of a body */

/* The body was written on another core: it is on its way while the events before it run. */
static void fetch_body(const struct mv_event *event) {
  size_t length = event->body_length < FETCHED ? event->body_length : FETCHED;
  for (size_t at = 0; at < length; at += LINE)
    __builtin_prefetch(event->body + at);
}

static void start_run(struct mv_worker *worker, struct mv_vm *vm, struct mv_run *run) {
  struct mv_error err = {0};
  fetch_body(run->event);
  run->started = mv_clock_monotonic(NULL);
  if (atomic_load(&worker->mode) == STOP) {
    mv_run_release(run);
  } else if (mv_vm_start(vm, &run->view, &err)) {
    mv_run_fail(run, err.text);
  } else {
    add_run(worker, run);
  }
}

/* What starts moves in the next step, which then does not wait. */
static void start_delivered(struct mv_worker *worker, struct mv_vm *vm) {
  struct mv_node *node = mv_queue_take(&worker->inbox, 0);
  atomic_store(&worker->computing, node ? mv_clock_monotonic(NULL) : 0);
  while (node) {
    struct mv_run *run = (struct mv_run *)(void *)node;
    node = node->next;
    start_run(worker, vm, run);
  }
}

/* A claim whose run is to be stopped. */
struct cancel {
  struct mv_node node;
  int64_t id, token;
};

static void cancel_run(struct mv_worker *worker, struct mv_vm *vm, const struct cancel *cancel) {
  for (struct mv_run *run = worker->runs; run; run = run->next) {
    if (run->event->id == cancel->id && run->event->token == cancel->token) {
      mv_vm_cancel(vm, cancel->id, "cancelled");
      return;
    }
  }
}

/* Takes over the list; without `vm` only frees. */
static void cancel_runs(struct mv_worker *worker, struct mv_vm *vm, struct mv_node *node) {
  while (node) {
    struct cancel *cancel = (struct cancel *)(void *)node;
    node = node->next;
    if (vm)
      cancel_run(worker, vm, cancel);
    free(cancel);
  }
}

static void publish(struct mv_worker *worker, struct mv_vm *vm) {
  atomic_store(&worker->running, mv_vm_running(vm));
  atomic_store(&worker->memory, mv_vm_memory(vm));
}

/* How long the next step may wait (ms, -1: for ever); -2: there is nothing more to do. */
static int patience(struct mv_worker *worker, struct mv_vm *vm) {
  int mode = atomic_load(&worker->mode);
  if (mode == SERVE)
    return -1;
  if (mv_vm_running(vm) == 0 && mv_queue_length(&worker->inbox) == 0)
    return -2;
  if (mode == DRAIN)
    return -1;
  int64_t left = atomic_load(&worker->deadline) - mv_clock_monotonic(NULL);
  if (left <= 0)
    return -2;
  return left < 60000 ? (int)left : 60000;
}

static void serve(struct mv_worker *worker, struct mv_vm *vm) {
  for (;;) {
    /* taken first, done last: what they mean was delivered before them */
    struct mv_node *cancels = mv_queue_take(&worker->cancels, 0);
    start_delivered(worker, vm);
    cancel_runs(worker, vm, cancels);
    take_answers(worker, vm, mv_queue_take(&worker->answers, 0));
    int wait = patience(worker, vm);
    if (wait == -2)
      return;
    mv_vm_step(vm, wait);
    atomic_store(&worker->computing, 0);
    hand_in_ended(worker);
    publish(worker, vm);
  }
}

/* What was done once by runs that do not get to their end is known all the same. */
static void keep_done_once(struct mv_worker *worker, struct mv_vm *vm) {
  for (struct mv_run *run = worker->runs; run; run = run->next)
    run->effects = mv_vm_kept(vm, run->event->id);
}

/* What did not get to its end goes back; the VM has dropped it. */
static void release_rest(struct mv_worker *worker) {
  struct mv_node *node = mv_queue_take(&worker->inbox, 0);
  while (node) {
    struct mv_run *run = (struct mv_run *)(void *)node;
    node = node->next;
    mv_run_release(run);
  }
  while (worker->runs) {
    struct mv_run *run = worker->runs;
    remove_run(worker, run);
    mv_run_release(run);
  }
}

static void *work(void *owner) {
  struct mv_worker *worker = owner;
  struct mv_vm *vm = make_vm(worker, &worker->error);
  if (vm)
    publish(worker, vm);
  enter(worker, vm ? READY : FAILED, vm);
  if (vm) {
    serve(worker, vm);
    enter(worker, READY, NULL);
    keep_done_once(worker, vm);
    mv_vm_free(vm);
    mv_queue_close(&worker->inbox);
    release_rest(worker);
    while (worker->asked > 0)
      take_answers(worker, NULL, mv_queue_take(&worker->answers, -1));
    atomic_store(&worker->running, 0);
    enter(worker, ENDED, NULL);
  }
  mv_store_close(worker->reader);
  return NULL;
}

/* ---- from other threads --------------------------------------------------------------------- */

struct mv_worker *mv_worker_start(const struct mv_worker_shared *shared, unsigned index,
                                  struct mv_error *err) {
  struct mv_worker *worker = calloc(1, sizeof *worker);
  if (!worker) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  worker->with = shared;
  worker->index = index;
  worker->ended_tail = &worker->ended;
  mv_queue_init(&worker->inbox);
  mv_queue_init(&worker->cancels);
  mv_queue_init(&worker->answers);
  pthread_mutex_init(&worker->lock, NULL);
  pthread_cond_init(&worker->changed, NULL);
  int status = pthread_create(&worker->thread, NULL, work, worker);
  if (status == 0)
    return worker;
  mv_error_set(err, MV_ERROR_SYSTEM, "cannot start a thread: %s", strerror(status));
  pthread_cond_destroy(&worker->changed);
  pthread_mutex_destroy(&worker->lock);
  mv_queue_destroy(&worker->inbox);
  mv_queue_destroy(&worker->cancels);
  mv_queue_destroy(&worker->answers);
  free(worker);
  return NULL;
}

int mv_worker_wait(struct mv_worker *worker, struct mv_error *err) {
  pthread_mutex_lock(&worker->lock);
  while (worker->phase == LOADING)
    pthread_cond_wait(&worker->changed, &worker->lock);
  bool failed = worker->phase == FAILED;
  if (failed && err)
    *err = worker->error;
  pthread_mutex_unlock(&worker->lock);
  return failed ? -1 : 0;
}

json_t *mv_worker_definitions(const struct mv_worker *worker) {
  return worker->definitions;
}

static void wake(struct mv_worker *worker) {
  pthread_mutex_lock(&worker->lock);
  if (worker->vm)
    mv_vm_wakeup(worker->vm);
  pthread_mutex_unlock(&worker->lock);
}

static void deliver(struct mv_worker *worker, struct mv_event *event) {
  struct mv_run *run = mv_run_new(worker->with, worker->index, event);
  if (run && !mv_queue_push(&worker->inbox, &run->node)) {
    mv_run_release(run);
  } else if (!run) {
    mv_log(worker->with->log, MV_LOG_ERROR, NULL, "out of memory: event %lld waits for a restart",
           (long long)event->id);
    mv_event_free(event);
  }
}

/* Wakes it once, when all are there. */
void mv_worker_deliver(struct mv_worker *worker, struct mv_event *events) {
  while (events) {
    struct mv_event *next = (struct mv_event *)events->node.next;
    deliver(worker, events);
    events = next;
  }
  wake(worker);
}

void mv_worker_cancel(struct mv_worker *worker, int64_t id, int64_t token) {
  struct cancel *cancel = calloc(1, sizeof *cancel);
  if (!cancel)
    return; /* it runs to its end and is cancelled all the same */
  *cancel = (struct cancel){.id = id, .token = token};
  mv_queue_push(&worker->cancels, &cancel->node);
  wake(worker);
}

void mv_worker_drain(struct mv_worker *worker) {
  int serving = SERVE;
  atomic_compare_exchange_strong(&worker->mode, &serving, DRAIN);
  wake(worker);
}

void mv_worker_stop(struct mv_worker *worker, int64_t deadline) {
  atomic_store(&worker->deadline, deadline);
  atomic_store(&worker->mode, STOP);
  wake(worker);
}

bool mv_worker_ended(struct mv_worker *worker) {
  pthread_mutex_lock(&worker->lock);
  bool ended = worker->phase == ENDED || worker->phase == FAILED;
  pthread_mutex_unlock(&worker->lock);
  return ended;
}

void mv_worker_free(struct mv_worker *worker) {
  if (!worker)
    return;
  pthread_join(worker->thread, NULL);
  json_decref(worker->definitions);
  cancel_runs(worker, NULL, mv_queue_take(&worker->cancels, 0));
  mv_queue_destroy(&worker->inbox);
  mv_queue_destroy(&worker->cancels);
  mv_queue_destroy(&worker->answers);
  pthread_cond_destroy(&worker->changed);
  pthread_mutex_destroy(&worker->lock);
  free(worker);
}

bool mv_worker_stuck(struct mv_worker *worker, struct mv_vm_stuck *out) {
  pthread_mutex_lock(&worker->lock);
  bool stuck = worker->vm && mv_vm_stuck(worker->vm, out);
  pthread_mutex_unlock(&worker->lock);
  return stuck;
}

bool mv_worker_busy(struct mv_worker *worker) {
  int64_t since = atomic_load(&worker->computing);
  return since && mv_clock_monotonic(NULL) - since >= BUSY_AFTER;
}

size_t mv_worker_running(const struct mv_worker *worker) {
  return atomic_load(&((struct mv_worker *)(uintptr_t)worker)->running);
}

size_t mv_worker_memory(const struct mv_worker *worker) {
  return atomic_load(&((struct mv_worker *)(uintptr_t)worker)->memory);
}
