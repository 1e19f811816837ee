/* The journal's operations: what each does inside the transaction. */
#include "host/journal_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "host/policy.h"

/* --- Accepting --- */

static void count_accepted(struct mv_journal *journal, const struct mv_store_accepted *accepted,
                           struct mv_event *event) {
  journal->delta.accepted += !accepted->duplicate;
  journal->delta.duplicates += accepted->duplicate;
  mv_dispatch_expect(journal->dispatch, accepted->wake_at);
  if (accepted->claimed)
    mv_dispatch_take(journal->dispatch, event);
}

static int read_answer(struct mv_journal *journal, struct mv_accept_op *accept) {
  char *reply;
  if (mv_store_answer(journal->store, accept->id, &reply, &accept->open, &journal->error))
    return -1;
  accept->reply = reply ? mv_json_parse(reply, strlen(reply), NULL) : NULL;
  free(reply);
  return 0;
}

static int apply_accept(struct mv_journal *journal, struct mv_op *op, int64_t now) {
  struct mv_accept_op *accept = (struct mv_accept_op *)op;
  struct mv_store_accepted accepted;
  bool claim = mv_dispatch_open(journal->dispatch, now);
  if (mv_store_accept(journal->store, accept->event, now, claim, &accepted, &journal->error))
    return -1;
  accept->id = accepted.id;
  accept->duplicate = accepted.duplicate;
  if (accepted.duplicate && accept->event->source == MV_SOURCE_HOOK && read_answer(journal, accept))
    return -1;
  count_accepted(journal, &accepted, accept->event);
  return 0;
}

/* Waiting on disk it needs no memory; running it is dispatch's. */
static void release_event(struct mv_event **event, bool claimed) {
  if (!claimed)
    mv_event_free(*event);
  *event = NULL;
}

static void settle_accept(struct mv_op *op) {
  struct mv_accept_op *accept = (struct mv_accept_op *)op;
  bool claimed = !accept->duplicate && accept->event->state == MV_EVENT_RUNNING;
  release_event(&accept->event, claimed);
}

/* --- Moments --- */

static int apply_moment(struct mv_journal *journal, struct mv_op *op, int64_t now) {
  struct mv_moment_op *moment = (struct mv_moment_op *)op;
  bool claim = mv_dispatch_open(journal->dispatch, now);
  if (mv_store_moment(journal->store, moment->schedule, moment->moment, moment->overlap,
                      moment->skip, moment->event, now, claim, &moment->result, &journal->error))
    return -1;
  const struct mv_moment_result *result = &moment->result;
  journal->delta.moments += !result->exists;
  journal->delta.skipped += result->skipped;
  journal->delta.cancelled += (uint64_t)result->cancelled;
  mv_dispatch_expect(journal->dispatch, result->wake_at);
  if (!result->exists && !result->skipped)
    count_accepted(journal, &result->accepted, moment->event);
  return 0;
}

static void settle_moment(struct mv_op *op) {
  struct mv_moment_op *moment = (struct mv_moment_op *)op;
  release_event(&moment->event, moment->result.accepted.claimed);
}

/* --- Finishing --- */

/* In [0,1); splitmix64. */
static double next_random(struct mv_journal *journal) {
  uint64_t x = journal->random += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return (double)((x ^ x >> 31) >> 11) / 9007199254740992.0;
}

static void decide(struct mv_journal *journal, const struct mv_finish_op *finish,
                   enum mv_vm_verdict verdict, const char *reason, int64_t now,
                   struct mv_outcome *outcome, struct mv_bytes *text) {
  struct mv_policy policy;
  struct mv_error err;
  if (verdict != MV_VM_DONE && mv_policy_read(&policy, finish->policy, &err))
    mv_log(journal->options.log, MV_LOG_WARN, NULL, "handler %s: %s",
           finish->handler ? finish->handler : "(none)", err.text);
  if (verdict == MV_VM_DONE)
    *outcome = (struct mv_outcome){.state = MV_EVENT_DONE};
  else
    mv_policy_decide(&policy, finish->event, verdict, finish->delay, reason, now,
                     next_random(journal), outcome, text);
  outcome->handler = finish->handler;
}

/* What is kept of a reply: nothing of one that is too large. To be freed, or NULL. */
static char *kept_reply(const struct mv_finish_op *finish) {
  bool kept = finish->reply && finish->event->source == MV_SOURCE_HOOK;
  char *text = kept ? mv_json_text(finish->reply) : NULL;
  if (!text || strlen(text) <= MV_JOURNAL_REPLY_LIMIT)
    return text;
  free(text);
  return NULL;
}

static int store_finish(struct mv_journal *journal, struct mv_finish_op *finish,
                        struct mv_outcome *outcome, const json_t *effects, int64_t now,
                        struct mv_store_finished *finished) {
  outcome->claimed = finish->event;
  finish->state = outcome->state;
  finish->due_at = outcome->due_at;
  return mv_store_finish(journal->store, finish->event->id, finish->event->token, outcome, effects,
                         now, finished, &journal->error);
}

/* Effects that cannot be applied make the run a failed one. */
static int fail_effects(struct mv_journal *journal, struct mv_finish_op *finish, int64_t now,
                        struct mv_store_finished *finished) {
  if (journal->error.kind != MV_ERROR_USAGE || mv_store_broken(journal->store))
    return -1;
  struct mv_error why = journal->error;
  struct mv_bytes text = {0};
  struct mv_outcome outcome;
  decide(journal, finish, MV_VM_FAILED, why.text, now, &outcome, &text);
  int failed = store_finish(journal, finish, &outcome, NULL, now, finished);
  mv_bytes_free(&text);
  return failed;
}

static void count_finish(struct mv_journal *journal, const struct mv_finish_op *finish,
                         const struct mv_store_finished *finished) {
  struct mv_journal_metrics *delta = &journal->delta;
  uint64_t *const by_state[MV_EVENT_STATES] = {
      [MV_EVENT_AVAILABLE] = &delta->released, [MV_EVENT_RETRYABLE] = &delta->retried,
      [MV_EVENT_DONE] = &delta->done,          [MV_EVENT_DEAD] = &delta->dead,
      [MV_EVENT_SKIPPED] = &delta->skipped,    [MV_EVENT_CANCELLED] = &delta->cancelled,
  };
  ++*(finished->stale ? &delta->stale : by_state[finish->state]);
  delta->duplicates += !finished->stale && !finish->release && finish->verdict == MV_VM_DUPLICATE;
  delta->jobs += (uint64_t)finished->jobs;
}

static int apply_finish(struct mv_journal *journal, struct mv_op *op, int64_t now) {
  struct mv_finish_op *finish = (struct mv_finish_op *)op;
  struct mv_bytes text = {0};
  struct mv_outcome outcome = {.state = MV_EVENT_AVAILABLE};
  struct mv_store_finished finished;
  if (finish->release)
    outcome.due_at = finish->delay > 0 ? now + (int64_t)(finish->delay * 1000) : 0;
  else
    decide(journal, finish, finish->verdict, finish->reason, now, &outcome, &text);
  char *reply = outcome.state == MV_EVENT_DONE ? kept_reply(finish) : NULL;
  outcome.reply = reply;
  int failed = store_finish(journal, finish, &outcome, finish->effects, now, &finished);
  free(reply);
  mv_bytes_free(&text);
  if (failed && fail_effects(journal, finish, now, &finished))
    return -1;
  finish->stale = finished.stale;
  if (finished.cancelled)
    finish->state = MV_EVENT_CANCELLED;
  count_finish(journal, finish, &finished);
  mv_dispatch_expect(journal->dispatch, finished.wake_at);
  mv_dispatch_ended(journal->dispatch, finish->worker);
  return 0;
}

static void undo_finish(struct mv_journal *journal, struct mv_op *op) {
  mv_dispatch_not_ended(journal->dispatch, ((struct mv_finish_op *)op)->worker);
}

/* --- The rest --- */

static int apply_call(struct mv_journal *journal, struct mv_op *op, int64_t now) {
  struct mv_call_op *call = (struct mv_call_op *)op;
  int64_t wake_at = MV_STORE_NEVER;
  if (call->call(journal->store, call->context, now, &wake_at, &journal->error))
    return -1;
  mv_dispatch_expect(journal->dispatch, wake_at);
  return 0;
}

static int apply_pause(struct mv_journal *journal, struct mv_op *op, int64_t now) {
  (void)now;
  mv_dispatch_pause(journal->dispatch, ((struct mv_pause_op *)op)->paused);
  return 0;
}

static const struct {
  int (*apply)(struct mv_journal *journal, struct mv_op *op, int64_t now);
  void (*settle)(struct mv_op *op);                           /* or NULL */
  void (*undo)(struct mv_journal *journal, struct mv_op *op); /* or NULL */
} kinds[OP_KINDS] = {
    [OP_ACCEPT] = {apply_accept, settle_accept, NULL},
    [OP_FINISH] = {apply_finish, NULL, undo_finish},
    [OP_MOMENT] = {apply_moment, settle_moment, NULL},
    [OP_CALL] = {apply_call, NULL, NULL},
    [OP_PAUSE] = {apply_pause, NULL, NULL},
};

static const struct mv_error no_memory = {MV_ERROR_SYSTEM, "not enough memory"};

void mv_journal_explain(struct mv_op *op, const struct mv_error *err) {
  struct mv_error *copy = malloc(sizeof *copy);
  op->error = &no_memory;
  if (copy) {
    *copy = *err;
    op->error = copy;
  }
}

void mv_journal_forget(const struct mv_error *error) {
  if (error != &no_memory)
    free((struct mv_error *)(uintptr_t)error);
}

void mv_journal_apply(struct mv_journal *journal, struct mv_op *op, int64_t now) {
  journal->error.kind = MV_ERROR_NONE;
  journal->error.text[0] = '\0';
  mv_journal_forget(op->error);
  op->error = NULL;
  op->failed = kinds[op->kind].apply(journal, op, now) != 0;
  if (op->failed || journal->error.kind != MV_ERROR_NONE)
    mv_journal_explain(op, &journal->error);
}

void mv_journal_settle(struct mv_op *op) {
  if (kinds[op->kind].settle && !op->failed)
    kinds[op->kind].settle(op);
}

void mv_journal_undo(struct mv_journal *journal, struct mv_op *op) {
  if (kinds[op->kind].undo && !op->failed)
    kinds[op->kind].undo(journal, op);
}
