/* The group commit: one transaction of many operations. */
#include "host/journal_internal.h"

#include <time.h>

/* --- Lists --- */

void mv_journal_list_init(struct op_list *list) {
  *list = (struct op_list){.first = NULL};
}

void mv_journal_list_add(struct op_list *list, struct mv_node *node) {
  node->next = NULL;
  *(list->first ? list->last : &list->first) = node;
  list->last = &node->next;
  list->count++;
}

void mv_journal_list_prepend(struct op_list *list, struct op_list *front) {
  if (!front->first)
    return;
  *front->last = list->first;
  if (!list->first)
    list->last = front->last;
  list->first = front->first;
  list->count += front->count;
  mv_journal_list_init(front);
}

struct op_list mv_journal_list_cut(struct op_list *list, size_t limit) {
  struct op_list cut;
  mv_journal_list_init(&cut);
  while (list->first && cut.count < limit) {
    struct mv_node *node = list->first;
    list->first = node->next;
    list->count--;
    mv_journal_list_add(&cut, node);
  }
  return cut;
}

/* --- The transaction --- */

static int apply(struct mv_journal *journal, struct mv_op *op, int64_t now, struct mv_error *err) {
  mv_journal_apply(journal, op, now);
  if (!mv_store_broken(journal->store))
    return 0;
  *err = journal->error;
  return -1;
}

static struct mv_op *next_accept(struct mv_node **node) {
  struct mv_op *op = NULL;
  while (*node && !op) {
    op = ((struct mv_op *)*node)->kind == OP_ACCEPT ? (struct mv_op *)*node : NULL;
    *node = (*node)->next;
  }
  return op;
}

/* What is accepted comes last, so that it comes in one piece: the lines and workers that ends of
 * runs make free are free by then, and nothing else takes an id in between. */
static int accept_all(struct mv_journal *journal, struct op_list *batch, int64_t now,
                      struct mv_error *err) {
  struct mv_op *ops[MV_STORE_FORESEEN];
  struct mv_event *events[MV_STORE_FORESEEN];
  struct mv_node *node = batch->first;
  for (size_t count = MV_STORE_FORESEEN; count == MV_STORE_FORESEEN;) {
    for (count = 0; count < MV_STORE_FORESEEN && (ops[count] = next_accept(&node)); count++)
      events[count] = ((struct mv_accept_op *)ops[count])->event;
    if (mv_store_foresee(journal->store, events, count, now, err))
      return -1;
    for (size_t i = 0; i < count; i++)
      if (apply(journal, ops[i], now, err))
        return -1;
  }
  return 0;
}

static int apply_all(struct mv_journal *journal, struct op_list *batch, int64_t now,
                     struct mv_error *err) {
  for (struct mv_node *node = batch->first; node; node = node->next) {
    struct mv_op *op = (struct mv_op *)node;
    if (op->kind != OP_ACCEPT && apply(journal, op, now, err))
      return -1;
  }
  if (accept_all(journal, batch, now, err))
    return -1;
  return mv_dispatch_claim(journal->dispatch, journal->store, now, err);
}

enum { TURN_MS = 1000 }; /* steps back of less than this delay what waits by no more than that */

bool mv_journal_turned_back(const struct mv_journal *journal) {
  return journal->wall - mv_clock_wall(journal->options.clock) > TURN_MS;
}

/* What waits for a while must not wait for the clock to come back to where it was. */
static int turn_back(struct mv_journal *journal, int64_t now, struct mv_error *err) {
  int64_t wake_at = MV_STORE_NEVER;
  if (journal->wall - now <= TURN_MS)
    return 0;
  if (mv_store_turn_back(journal->store, now, &wake_at, err))
    return -1;
  mv_dispatch_expect(journal->dispatch, wake_at);
  return 0;
}

static int transact(struct mv_journal *journal, struct op_list *batch, struct mv_error *err) {
  /* what was not reached must not look applied to mv_journal_undo */
  for (struct mv_node *node = batch->first; node; node = node->next)
    ((struct mv_op *)node)->failed = true;
  journal->delta = (struct mv_journal_metrics){0};
  if (mv_store_begin(journal->store, err))
    return -1;
  int64_t now = mv_clock_wall(journal->options.clock);
  if (turn_back(journal, now, err) || apply_all(journal, batch, now, err)) {
    mv_store_rollback(journal->store);
    return -1;
  }
  if (mv_store_commit(journal->store, err))
    return -1;
  journal->wall = now;
  return 0;
}

/* --- Afterwards --- */

static uint64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void observe(struct mv_metrics *metrics, size_t operations, uint64_t took_us) {
  if (!metrics)
    return;
  mv_metrics_observe(metrics, MV_METRIC_COMMIT, NULL, (double)took_us / 1000000);
  mv_metrics_observe(metrics, MV_METRIC_BATCH, NULL, (double)operations);
}

static void publish(struct mv_journal *journal, size_t operations, uint64_t took_us) {
  struct mv_journal_metrics *total = &journal->metrics, *delta = &journal->delta;
  const struct {
    uint64_t *total, add;
  } sums[] = {
      {&total->accepted, delta->accepted},   {&total->duplicates, delta->duplicates},
      {&total->done, delta->done},           {&total->retried, delta->retried},
      {&total->dead, delta->dead},           {&total->skipped, delta->skipped},
      {&total->cancelled, delta->cancelled}, {&total->released, delta->released},
      {&total->stale, delta->stale},         {&total->jobs, delta->jobs},
      {&total->moments, delta->moments},     {&total->commits, 1},
      {&total->operations, operations},      {&total->commit_us, took_us},
  };
  observe(journal->options.metrics, operations, took_us);
  pthread_mutex_lock(&journal->lock);
  for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
    *sums[i].total += sums[i].add;
  if (operations > total->largest_batch)
    total->largest_batch = operations;
  if (took_us > total->commit_us_max)
    total->commit_us_max = took_us;
  total->running = mv_dispatch_running(journal->dispatch);
  total->next_due = mv_dispatch_next(journal->dispatch);
  mv_store_depth(journal->store, total->states);
  pthread_mutex_unlock(&journal->lock);
}

/* After the deliveries: what came in this very transaction may be among them. */
static void stop_runs(struct mv_journal *journal) {
  size_t count;
  const struct mv_stop *stops = mv_store_stops(journal->store, &count);
  for (size_t i = 0; i < count && journal->options.stop; i++)
    journal->options.stop(journal->options.owner, stops[i].id, stops[i].token);
}

static void tell(struct mv_op *op) {
  const struct mv_error *error = op->error;
  if (op->done)
    op->done(op);
  mv_journal_forget(error);
}

/* Senders are answered before their events run; who waits for a pause is told after all deliveries.
 * `done` may give the operation's memory away: the next is read before. */
static void acknowledge(struct mv_journal *journal, struct op_list *batch) {
  struct op_list pauses;
  mv_journal_list_init(&pauses);
  for (struct mv_node *node = batch->first, *next; node; node = next) {
    struct mv_op *op = (struct mv_op *)node;
    next = node->next;
    mv_journal_settle(op);
    if (op->kind == OP_PAUSE)
      mv_journal_list_add(&pauses, node);
    else
      tell(op);
  }
  mv_dispatch_deliver(journal->dispatch);
  stop_runs(journal);
  for (struct mv_node *node = pauses.first, *next; node; node = next) {
    next = node->next;
    tell((struct mv_op *)node);
  }
}

/* An end of a run must not be lost: it is kept. All others are told; their callers try again. */
static void fail_all(struct mv_journal *journal, struct op_list *batch,
                     const struct mv_error *err) {
  struct op_list kept;
  uint64_t refused = 0;
  mv_journal_list_init(&kept);
  mv_dispatch_abort(journal->dispatch);
  for (struct mv_node *node = batch->first, *next; node; node = next) {
    struct mv_op *op = (struct mv_op *)node;
    next = node->next;
    mv_journal_undo(journal, op);
    mv_journal_forget(op->error);
    op->error = NULL;
    if (op->kind == OP_FINISH) {
      mv_journal_list_add(&kept, node);
      continue;
    }
    if (op->kind == OP_PAUSE)
      mv_dispatch_pause(journal->dispatch, ((struct mv_pause_op *)op)->paused);
    refused += op->kind == OP_ACCEPT;
    op->failed = true;
    mv_journal_explain(op, err);
    tell(op);
  }
  mv_journal_list_prepend(&journal->pending, &kept);
  pthread_mutex_lock(&journal->lock);
  journal->metrics.refused += refused;
  journal->metrics.failed_commits++;
  pthread_mutex_unlock(&journal->lock);
}

int mv_journal_commit(struct mv_journal *journal, struct op_list *batch) {
  struct mv_error err = {0};
  size_t count = batch->count;
  uint64_t begun = now_us();
  if (transact(journal, batch, &err)) {
    if (journal->failures++ == 0)
      mv_log(journal->options.log, MV_LOG_ERROR, NULL,
             "nothing can be stored: %s; senders get errors until that is over", err.text);
    fail_all(journal, batch, &err);
    return -1;
  }
  if (journal->failures > 0)
    mv_log(journal->options.log, MV_LOG_INFO, NULL, "storing works again after %d failures",
           journal->failures);
  journal->failures = 0;
  publish(journal, count, now_us() - begun);
  acknowledge(journal, batch);
  return 0;
}

void mv_journal_refuse(struct mv_op *op) {
  struct mv_error err;
  op->failed = true;
  mv_error_set(&err, MV_ERROR_BUSY, "the host is stopping; send again later");
  mv_journal_explain(op, &err);
  tell(op);
}
