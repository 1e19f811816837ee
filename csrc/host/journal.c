#include "host/journal_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  MAX_BATCH = 1024,
  LONGEST_WAIT = 30000, /* ms: a wall clock may have been set meanwhile */
  RETRY_FIRST = 50,     /* ms after a transaction that failed, doubled each time */
  RETRY_LAST = 1000,
  PRUNE_EVERY = 600000, /* ms between rounds, */
  PRUNE_PAUSE = 20,     /* and between the steps of one */
  PRUNE_ROWS = 500,
  PATIENCE = 2, /* ms that ends of runs wait for others to share their transaction, */
  ENDED_PART = 16, /* as long as they are less than this part of those under way; */
  PATIENCE_BUSY = 5, /* the same while all workers compute, also of events, */
  COMPANY = 16,      /* until there are so many */
  STOP_TRIES = 5, /* for ends of runs that the disk refuses while stopping */
};

/* --- The thread --- */

static int retry_wait(const struct mv_journal *journal) {
  int wait = RETRY_FIRST;
  for (int i = 1; i < journal->failures && wait < RETRY_LAST; i++)
    wait *= 2;
  return wait < RETRY_LAST ? wait : RETRY_LAST;
}

static int until(int64_t at, int64_t now) {
  return at <= now ? 0 : at - now > LONGEST_WAIT ? LONGEST_WAIT : (int)(at - now);
}

static int wait_time(const struct mv_journal *journal) {
  if (journal->failures > 0)
    return retry_wait(journal);
  if (journal->pending.first)
    return 0;
  int due = until(mv_dispatch_next(journal->dispatch), mv_clock_wall(journal->options.clock));
  int prune = until(journal->prune_at, mv_clock_monotonic(journal->options.clock));
  return due < prune ? due : prune;
}

static bool something_due(const struct mv_journal *journal) {
  return mv_dispatch_next(journal->dispatch) <= mv_clock_wall(journal->options.clock);
}

static void prune(struct mv_journal *journal) {
  int64_t now = mv_clock_monotonic(journal->options.clock);
  if (now < journal->prune_at || journal->failures > 0)
    return;
  struct mv_error err;
  int more = mv_store_begin(journal->store, &err);
  if (more == 0) {
    more = mv_store_prune(journal->store, mv_clock_wall(journal->options.clock),
                          &journal->options.limits, PRUNE_ROWS, &err);
    if (more < 0)
      mv_store_rollback(journal->store);
    else if (mv_store_commit(journal->store, &err))
      more = -1;
  }
  if (more < 0)
    mv_log(journal->options.log, MV_LOG_WARN, NULL, "old events could not be pruned: %s", err.text);
  journal->prune_at = now + (more > 0 ? PRUNE_PAUSE : PRUNE_EVERY);
}

static void collect(struct mv_journal *journal, struct mv_node *node) {
  for (struct mv_node *next; node; node = next) {
    next = node->next;
    mv_journal_list_add(&journal->pending, node);
  }
}

static int heaviest(const struct mv_journal *journal) {
  int weight = -1;
  for (const struct mv_node *node = journal->pending.first; node; node = node->next) {
    const struct mv_op *op = (const struct mv_op *)node;
    weight = op->weight > weight ? op->weight : weight;
  }
  return weight;
}

/* Whether workers would miss what takes the places of those that ended. */
static bool is_missed(const struct mv_journal *journal) {
  int64_t states[MV_EVENT_STATES];
  mv_store_depth(journal->store, states);
  return states[MV_EVENT_AVAILABLE] > 0 &&
         journal->pending.count * ENDED_PART >= mv_dispatch_running(journal->dispatch);
}

static bool is_busy(const struct mv_journal *journal) {
  return journal->options.busy && journal->options.busy(journal->options.owner);
}

/* How long what is pending may wait for company, ms since it began to, and what else may then. */
static int patience(const struct mv_journal *journal, int *weight) {
  int own = heaviest(journal);
  bool alone = own < WEIGHT_ACCEPT || (own == WEIGHT_ACCEPT && journal->pending.count < COMPANY);
  if (own < 0 || !alone || is_missed(journal) || atomic_load(&journal->stopping))
    return 0;
  bool busy = is_busy(journal);
  *weight = busy ? WEIGHT_ACCEPT : WEIGHT_QUIET;
  return own > *weight ? 0 : busy ? PATIENCE_BUSY : PATIENCE;
}

/* A sync for one that ended is a sync that the next sender waits for. So where no event waits for
 * its turn, or the workers have plenty, ends of runs wait a moment, and go with the next event. And
 * while all workers compute, which a commit takes time from, an event waits for a few others: none
 * of them would be run sooner. */
static void await_company(struct mv_journal *journal) {
  if (!journal->pending.first || journal->failures > 0)
    return;
  int weight;
  int64_t begun = 0;
  for (int wait; (wait = patience(journal, &weight)) > 0;) {
    int64_t now = mv_clock_monotonic(NULL);
    begun = begun ? begun : now;
    if (now - begun >= wait)
      return;
    size_t count = journal->pending.count;
    size_t enough = weight == WEIGHT_ACCEPT && count < COMPANY ? COMPANY - count : SIZE_MAX;
    mv_queue_rest(&journal->queue, weight, enough, (int)(begun + wait - now));
    collect(journal, mv_queue_take(&journal->queue, 0));
  }
}

static void work(struct mv_journal *journal) {
  await_company(journal);
  while (journal->pending.first || something_due(journal) || mv_journal_turned_back(journal)) {
    size_t limit = journal->options.max_batch;
    /* a disk that just failed is asked once for all that wait, not once a batch */
    struct op_list batch =
        mv_journal_list_cut(&journal->pending, journal->failures > 0 ? SIZE_MAX : limit);
    if (mv_journal_commit(journal, &batch))
      return;
    prune(journal);
    collect(journal, mv_queue_take(&journal->queue, 0));
    await_company(journal);
  }
  prune(journal);
}

/* The end: what the workers left is given back; who still waits is told. */
static void wind_up(struct mv_journal *journal) {
  mv_dispatch_pause(journal->dispatch, true);
  collect(journal,
          mv_queue_take(&journal->queue, 0)); /* came between the last look and the close */
  for (int i = 0; i < STOP_TRIES && journal->pending.first; i++) {
    struct op_list batch = mv_journal_list_cut(&journal->pending, SIZE_MAX);
    if (mv_journal_commit(journal, &batch) && journal->pending.first)
      nanosleep(&(struct timespec){.tv_nsec = RETRY_FIRST * 1000000L}, NULL);
  }
  for (struct mv_node *node = journal->pending.first, *next; node; node = next) {
    next = node->next;
    mv_journal_refuse((struct mv_op *)node);
  }
  mv_journal_list_init(&journal->pending);
  struct mv_error err;
  int failed = mv_store_begin(journal->store, &err);
  if (!failed && mv_store_release_all(journal->store, mv_clock_wall(journal->options.clock), &err)) {
    mv_store_rollback(journal->store);
    failed = -1;
  }
  if (failed || mv_store_commit(journal->store, &err))
    mv_log(journal->options.log, MV_LOG_WARN, NULL,
           "events under way could not be given back: %s; they count as crashed", err.text);
}

static void *run(void *self) {
  struct mv_journal *journal = self;
  for (;;) {
    struct mv_node *node = mv_queue_take(&journal->queue, wait_time(journal));
    collect(journal, node);
    if (!node && atomic_load(&journal->stopping))
      break;
    work(journal);
    if (journal->options.beat)
      journal->options.beat(journal->options.owner, journal);
  }
  wind_up(journal);
  return NULL;
}

/* --- Starting --- */

static int open_store(struct mv_journal *journal, struct mv_error *err) {
  journal->store = mv_store_open(&journal->options.store, err);
  if (!journal->store || mv_store_last_accepted(journal->store, &journal->last_accepted, err) ||
      mv_store_begin(journal->store, err))
    return -1;
  struct mv_store_recovered recovered;
  int64_t now = mv_clock_wall(journal->options.clock);
  int64_t wake_at; /* dispatch looks anyway */
  if (mv_store_recover(journal->store, now, &recovered, err) ||
      mv_store_turn_back(journal->store, now, &wake_at, err)) {
    mv_store_rollback(journal->store);
    return -1;
  }
  if (mv_store_commit(journal->store, err))
    return -1;
  journal->metrics.recovered = recovered.again;
  journal->metrics.poisoned = recovered.dead;
  journal->metrics.cancelled = (uint64_t)recovered.cancelled;
  mv_store_depth(journal->store, journal->metrics.states);
  if (recovered.again > 0 || recovered.dead > 0)
    mv_log(journal->options.log, MV_LOG_WARN, NULL,
           "the last process died with events under way: %lld run again, %lld are dead as poison",
           (long long)recovered.again, (long long)recovered.dead);
  return 0;
}

/* Signals are other threads' business. */
static int start_thread(struct mv_journal *journal, struct mv_error *err) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&journal->thread, NULL, run, journal);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  journal->started = code == 0;
  return code == 0
             ? 0
             : mv_error_set(err, MV_ERROR_SYSTEM, "no thread for the journal: %s", strerror(code));
}

static int start(struct mv_journal *journal, struct mv_error *err) {
  const struct mv_journal_options *options = &journal->options;
  struct mv_dispatch_options dispatch = {.workers = options->workers,
                                         .concurrency = options->concurrency,
                                         .owner = options->owner,
                                         .deliver = options->deliver};
  journal->dispatch = mv_dispatch_new(&dispatch);
  if (!journal->dispatch || mv_queue_init(&journal->queue))
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  journal->queue_ready = true;
  mv_dispatch_pause(journal->dispatch, options->paused);
  return open_store(journal, err) || start_thread(journal, err) ? -1 : 0;
}

struct mv_journal *mv_journal_start(const struct mv_journal_options *options,
                                    struct mv_error *err) {
  struct mv_journal *journal = calloc(1, sizeof *journal);
  if (!journal || pthread_mutex_init(&journal->lock, NULL)) {
    free(journal);
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  journal->options = *options;
  if (journal->options.workers == 0)
    journal->options.workers = 1;
  if (journal->options.concurrency == 0)
    journal->options.concurrency = 256;
  if (journal->options.max_batch == 0)
    journal->options.max_batch = MAX_BATCH;
  journal->random = (uint64_t)mv_clock_wall(NULL) ^ (uint64_t)(uintptr_t)journal;
  journal->prune_at = mv_clock_monotonic(options->clock) + PRUNE_PAUSE;
  if (start(journal, err)) {
    mv_journal_free(journal);
    return NULL;
  }
  return journal;
}

void mv_journal_stop(struct mv_journal *journal) {
  if (!journal->started)
    return;
  mv_queue_close(&journal->queue);
  atomic_store(&journal->stopping, true);
  pthread_join(journal->thread, NULL);
  journal->started = false;
}

void mv_journal_free(struct mv_journal *journal) {
  if (!journal)
    return;
  mv_journal_stop(journal);
  mv_store_close(journal->store);
  mv_dispatch_free(journal->dispatch);
  if (journal->queue_ready)
    mv_queue_destroy(&journal->queue);
  pthread_mutex_destroy(&journal->lock);
  free(journal);
}

/* --- Handing in --- */

static bool is_quiet(const struct mv_finish_op *finish) {
  return !finish->release && finish->verdict == MV_VM_DONE && !finish->reply &&
         json_array_size(finish->effects) == 0 && finish->event->source != MV_SOURCE_HOOK;
}

static int weigh(const struct mv_op *op) {
  if (op->kind == OP_FINISH && is_quiet((const struct mv_finish_op *)op))
    return WEIGHT_QUIET;
  return op->kind == OP_ACCEPT ? WEIGHT_ACCEPT : WEIGHT_OTHER;
}

static void hand_in(struct mv_journal *journal, struct mv_op *op, enum op_kind kind) {
  op->kind = (int)kind;
  op->weight = weigh(op);
  op->error = NULL;
  if (!mv_queue_push_weight(&journal->queue, &op->node, op->weight))
    mv_journal_refuse(op);
}

void mv_journal_accept(struct mv_journal *journal, struct mv_accept_op *op) {
  hand_in(journal, &op->op, OP_ACCEPT);
}

void mv_journal_finish(struct mv_journal *journal, struct mv_finish_op *op) {
  hand_in(journal, &op->op, OP_FINISH);
}

void mv_journal_moment(struct mv_journal *journal, struct mv_moment_op *op) {
  hand_in(journal, &op->op, OP_MOMENT);
}

void mv_journal_call(struct mv_journal *journal, struct mv_call_op *op) {
  hand_in(journal, &op->op, OP_CALL);
}

void mv_journal_tick(struct mv_journal *journal) {
  mv_queue_wake(&journal->queue);
}

/* --- Handing in and waiting --- */

struct waiter {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  bool over;
};

struct waiting_call {
  struct mv_call_op op;
  struct mv_error error;
  struct waiter waiter;
};

struct waiting_accept {
  struct mv_accept_op op;
  struct mv_error error;
  struct waiter waiter;
};

struct waiting_pause {
  struct mv_pause_op op;
  struct waiter waiter;
};

static void waiter_init(struct waiter *waiter) {
  pthread_mutex_init(&waiter->lock, NULL);
  pthread_cond_init(&waiter->cond, NULL);
  waiter->over = false;
}

/* Signals under the lock: the waiter's memory is gone as soon as it is free. */
static void waiter_end(struct waiter *waiter) {
  pthread_mutex_lock(&waiter->lock);
  waiter->over = true;
  pthread_cond_signal(&waiter->cond);
  pthread_mutex_unlock(&waiter->lock);
}

static void waiter_wait(struct waiter *waiter) {
  pthread_mutex_lock(&waiter->lock);
  while (!waiter->over)
    pthread_cond_wait(&waiter->cond, &waiter->lock);
  pthread_mutex_unlock(&waiter->lock);
  pthread_cond_destroy(&waiter->cond);
  pthread_mutex_destroy(&waiter->lock);
}

static void call_done(struct mv_op *op) {
  struct waiting_call *wait = (struct waiting_call *)op;
  if (op->error)
    wait->error = *op->error;
  waiter_end(&wait->waiter);
}

static void accept_done(struct mv_op *op) {
  struct waiting_accept *wait = (struct waiting_accept *)op;
  if (op->error)
    wait->error = *op->error;
  waiter_end(&wait->waiter);
}

static void pause_done(struct mv_op *op) {
  waiter_end(&((struct waiting_pause *)op)->waiter);
}

int mv_journal_call_wait(struct mv_journal *journal,
                         int (*call)(struct mv_store *store, void *context, int64_t now,
                                     int64_t *wake_at, struct mv_error *err),
                         void *context, struct mv_error *err) {
  struct waiting_call wait = {.op = {.call = call, .context = context, .op.done = call_done}};
  waiter_init(&wait.waiter);
  mv_journal_call(journal, &wait.op);
  waiter_wait(&wait.waiter);
  if (!wait.op.op.failed)
    return 0;
  if (err)
    *err = wait.error;
  return -1;
}

int mv_journal_accept_wait(struct mv_journal *journal, struct mv_event *event, int64_t *id,
                           bool *duplicate, struct mv_error *err) {
  struct waiting_accept wait = {.op = {.event = event, .op.done = accept_done}};
  waiter_init(&wait.waiter);
  mv_journal_accept(journal, &wait.op);
  waiter_wait(&wait.waiter);
  json_decref(wait.op.reply);
  mv_event_free(wait.op.event);
  *id = wait.op.id;
  *duplicate = wait.op.duplicate;
  if (!wait.op.op.failed)
    return 0;
  if (err)
    *err = wait.error;
  return -1;
}

void mv_journal_pause(struct mv_journal *journal, bool paused) {
  struct waiting_pause wait = {.op = {.paused = paused, .op.done = pause_done}};
  waiter_init(&wait.waiter);
  hand_in(journal, &wait.op.op, OP_PAUSE);
  waiter_wait(&wait.waiter);
}

struct mv_store *mv_journal_reader(struct mv_journal *journal, struct mv_error *err) {
  return mv_store_reader(journal->store, err);
}

void mv_journal_tell(struct mv_journal *journal, const char *text) {
  mv_store_tell(journal->store, text);
}

int64_t mv_journal_last_accepted(const struct mv_journal *journal) {
  return journal->last_accepted;
}

void mv_journal_metrics(struct mv_journal *journal, struct mv_journal_metrics *out) {
  pthread_mutex_lock(&journal->lock);
  *out = journal->metrics;
  pthread_mutex_unlock(&journal->lock);
  out->waiting = mv_queue_length(&journal->queue);
}
