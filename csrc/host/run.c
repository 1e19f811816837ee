#include "host/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static struct mv_vm_event view_of(const struct mv_event *event, struct mv_run *owner) {
  return (struct mv_vm_event){
      .id = event->id,
      .attempt = event->attempt,
      .source = mv_event_source_name(event->source),
      .name = event->name ? event->name : "",
      .key = event->key,
      .accepted_at = event->accepted_at,
      .due_at = event->due_at,
      .body = event->body ? event->body : "",
      .body_length = event->body_length,
      .meta = event->meta,
      .owner = owner,
  };
}

struct mv_run *mv_run_new(const struct mv_worker_shared *with, unsigned worker,
                          struct mv_event *event) {
  struct mv_run *run = calloc(1, sizeof *run);
  if (!run)
    return NULL;
  run->with = with;
  run->event = event;
  run->view = view_of(event, run);
  run->op.worker = worker;
  return run;
}

void mv_run_free(struct mv_run *run) {
  if (!run)
    return;
  mv_event_free(run->event);
  json_decref(run->effects);
  json_decref(run->policy);
  json_decref(run->reply);
  free(run->reason);
  free(run->handler);
  free(run);
}

/* ---- after the commit, on the journal's thread ---------------------------------------------- */

static const char *outcome_of(const struct mv_finish_op *op) {
  if (op->stale)
    return "cancelled";
  return mv_event_state_name(op->state);
}

static json_t *log_fields(const struct mv_run *run) {
  json_t *fields = json_object();
  json_object_set_new(fields, "event", json_integer(run->event->id));
  json_object_set_new(fields, "attempt", json_integer(run->event->attempt));
  if (run->handler)
    json_object_set_new(fields, "handler", json_string(run->handler));
  if (run->event->key)
    json_object_set_new(fields, "key", json_string(run->event->key));
  json_object_set_new(fields, "outcome", json_string(outcome_of(&run->op)));
  return fields;
}

static const char *words_of(const struct mv_run *run, bool good) {
  if (run->op.op.error) /* what it left behind could not be stored */
    return run->op.op.error->text;
  if (run->reason)
    return run->reason;
  if (run->op.verdict == MV_VM_RETRY)
    return "the handler asked for another attempt";
  return run->op.verdict == MV_VM_DEAD ? "the handler gave up" : good ? "handled" : "failed";
}

static void log_end(const struct mv_run *run) {
  const struct mv_finish_op *op = &run->op;
  bool good = op->verdict == MV_VM_DUPLICATE || op->state == MV_EVENT_DONE || op->state == MV_EVENT_CANCELLED || op->stale;
  enum mv_log_level level = good ? MV_LOG_DEBUG
                                 : (op->state == MV_EVENT_DEAD ? MV_LOG_ERROR : MV_LOG_WARN);
  if (!mv_log_enabled(run->with->log, level))
    return;
  mv_log(run->with->log, level, log_fields(run), "%s", words_of(run, good));
}

static bool is_over(const struct mv_run *run) {
  return !run->op.stale && run->op.state >= MV_EVENT_DONE;
}

static void count_end(const struct mv_run *run) {
  const char *handler = run->handler ? run->handler : "none";
  struct mv_metrics *metrics = run->with->metrics;
  if (is_over(run))
    mv_metrics_observe(metrics, MV_METRIC_ATTEMPTS, handler, run->event->attempt);
  if (is_over(run) && run->op.state == MV_EVENT_DONE && run->event->source == MV_SOURCE_SCHEDULE)
    mv_metrics_set(metrics, MV_METRIC_SUCCESS, run->event->name, NULL,
                   (double)mv_clock_wall(run->with->vm.clock) / 1000);
  mv_metrics_add(metrics, MV_METRIC_RUNS, handler, outcome_of(&run->op), 1);
  mv_metrics_observe(metrics, MV_METRIC_RUN_SECONDS, handler, run->seconds);
}

/* By what is on disk: what a handler wanted to leave behind may not have been possible. */
static void answer(const struct mv_run *run) {
  bool known = !run->op.op.failed && !run->op.stale;
  struct mv_ending ending = {
      .state = !known                             ? MV_EVENT_AVAILABLE
               : run->op.verdict == MV_VM_DUPLICATE ? MV_EVENT_DONE /* of the other one */
                                                    : run->op.state,
      .reply = run->reply,
      .reason = run->op.verdict == MV_VM_CANCELLED ? run->reason : NULL,
  };
  mv_waiters_finish(run->with->waiters, run->event->id, &ending);
}

static void ended(struct mv_op *op) {
  struct mv_finish_op *finish = (struct mv_finish_op *)(void *)op;
  struct mv_run *run = (struct mv_run *)(void *)((char *)finish - offsetof(struct mv_run, op));
  if (op->failed)
    mv_log(run->with->log, MV_LOG_WARN, NULL,
           "the end of event %lld is not on disk, it will run again: %s",
           (long long)run->event->id, op->error->text);
  else if (!run->op.release) {
    log_end(run);
    count_end(run);
  }
  bool later = run->op.release && run->op.delay > 0; /* its sender goes on waiting */
  if (run->event->source == MV_SOURCE_HOOK && !later)
    answer(run);
  mv_run_free(run);
}

/* ---- on the worker's thread ----------------------------------------------------------------- */

void mv_run_keep(struct mv_run *run, const struct mv_vm_result *result) {
  run->op.verdict = result->verdict;
  run->op.release = result->verdict == MV_VM_LATER;
  run->op.delay = result->delay;
  run->reason = mv_log_clean(run->with->log, result->reason);
  run->handler = mv_strdup(result->handler);
  run->effects = json_incref(result->effects);
  run->policy = json_incref(result->policy);
  if (!run->reply || result->verdict != MV_VM_DUPLICATE) {
    json_decref(run->reply);
    run->reply = json_incref(result->reply);
  }
}

void mv_run_finish(struct mv_run *run) {
  struct mv_finish_op *op = &run->op;
  if (run->started)
    run->seconds = (double)(mv_clock_monotonic(NULL) - run->started) / 1000;
  op->op.done = ended;
  op->event = run->event;
  op->reason = run->reason;
  op->handler = run->handler;
  op->effects = run->effects;
  op->policy = run->policy;
  op->reply = run->reply;
  mv_journal_finish(run->with->journal, op);
}

void mv_run_fail(struct mv_run *run, const char *reason) {
  run->op.verdict = MV_VM_FAILED;
  run->reason = mv_log_clean(run->with->log, reason);
  mv_run_finish(run);
}

void mv_run_release(struct mv_run *run) {
  run->op.release = true;
  mv_run_finish(run);
}
