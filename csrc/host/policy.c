#include "host/policy.h"

#include <string.h>

#include "host/schedule.h"

static const struct mv_policy standard = {
    .attempts = 8, .max_age = 0, .on_fail = MV_ON_FAIL_BLOCK, .base = 1000, .cap = INT64_C(3600000)};

/* --- Reading --- */

/* In seconds. */
#define LONGEST_AGE 3155760000.0 /* a hundred years */
#define LONGEST_RUN 604800.0     /* a week */

static int read_attempts(struct mv_policy *policy, const json_t *value, struct mv_error *err) {
  double attempts = json_number_value(value);
  if (!(attempts >= 1 && attempts <= 1000) || attempts != (double)(int)attempts)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "option 'attempts' must be a whole number from 1 to 1000, not %.14g",
                        attempts);
  policy->attempts = (int)attempts;
  return 0;
}

/* ms of a number of seconds or a duration, above 0 and up to `longest`; -1. */
static int64_t read_span(const json_t *value, const char *name, double longest, const char *words,
                         struct mv_error *err) {
  struct mv_error ignored;
  double ms = json_is_string(value) ? (double)mv_duration_parse(json_string_value(value), &ignored)
                                    : json_number_value(value) * 1000;
  if (ms > 0 && ms <= longest * 1000)
    return ms < 1 ? 1 : (int64_t)ms;
  return mv_error_set(err, MV_ERROR_USAGE,
                      "option '%s' must be above 0 and at most %s: a number of seconds, or a "
                      "duration such as \"10m\"",
                      name, words);
}

/* The workers' limiter keeps it; here it is only checked. */
static int read_concurrency(struct mv_policy *policy, const json_t *value, struct mv_error *err) {
  double limit = json_number_value(value);
  (void)policy;
  if (limit >= 1 && limit <= 65536 && limit == (double)(int)limit)
    return 0;
  return mv_error_set(err, MV_ERROR_USAGE,
                      "option 'concurrency' must be a whole number from 1 to 65536, not %.14g", limit);
}

static int read_max_age(struct mv_policy *policy, const json_t *value, struct mv_error *err) {
  int64_t age = read_span(value, "max_age", LONGEST_AGE, "a hundred years", err);
  policy->max_age = age < 0 ? policy->max_age : age;
  return age < 0 ? -1 : 0;
}

/* The VM keeps it; here it is only checked. */
static int read_timeout(struct mv_policy *policy, const json_t *value, struct mv_error *err) {
  (void)policy;
  return read_span(value, "timeout", LONGEST_RUN, "a week", err) < 0 ? -1 : 0;
}

static int read_on_fail(struct mv_policy *policy, const json_t *value, struct mv_error *err) {
  static const char *const names[] = {"block", "park", "skip"};
  const char *name = json_string_value(value);
  for (int i = 0; name && i < 3; i++) {
    if (strcmp(names[i], name) == 0) {
      policy->on_fail = (enum mv_on_fail)i;
      return 0;
    }
  }
  return mv_error_set(err, MV_ERROR_USAGE, "option 'on_fail' must be \"block\", \"park\" or \"skip\"");
}

static const struct {
  const char *name;
  int (*read)(struct mv_policy *policy, const json_t *value, struct mv_error *err);
} members[] = {{"attempts", read_attempts},
               {"max_age", read_max_age},
               {"timeout", read_timeout},
               {"concurrency", read_concurrency},
               {"on_fail", read_on_fail}};

int mv_policy_read(struct mv_policy *policy, const json_t *json, struct mv_error *err) {
  *policy = standard;
  int failed = 0;
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    const json_t *value = json_object_get(json, members[i].name);
    if (value && !json_is_null(value) && members[i].read(policy, value, failed ? NULL : err))
      failed = -1;
  }
  return failed;
}

int mv_policy_check(void *owner, const json_t *json, struct mv_error *err) {
  struct mv_policy ignored;
  (void)owner;
  return mv_policy_read(&ignored, json, err);
}

/* --- Deciding --- */

bool mv_policy_expired(const struct mv_policy *policy, const struct mv_event *event, int64_t at) {
  int64_t born = event->planned_at > event->accepted_at ? event->planned_at : event->accepted_at;
  if (event->source == MV_SOURCE_WEBHOOK && event->planned_at > 0)
    born = event->planned_at; /* of a message that came late: when it was written */
  return policy->max_age > 0 && at - born > policy->max_age;
}

int64_t mv_policy_backoff(const struct mv_policy *policy, int attempt, double random) {
  int64_t delay = policy->base;
  for (int i = 1; i < attempt && delay < policy->cap; i++)
    delay *= 2;
  if (delay > policy->cap)
    delay = policy->cap;
  return (int64_t)((double)delay * (0.75 + 0.5 * random));
}

static const char *or_none(const char *reason) {
  return reason && *reason ? reason : "no reason given";
}

static void dead(struct mv_outcome *outcome, struct mv_bytes *text, const char *why,
                 const char *reason) {
  mv_bytes_printf(text, "%s: %s", why, or_none(reason));
  outcome->state = MV_EVENT_DEAD;
  outcome->reason = text->failed ? reason : text->data;
}

static void decide_retry(const struct mv_policy *policy, const struct mv_event *event,
                         int64_t due_at, struct mv_outcome *outcome, struct mv_bytes *text) {
  if (event->attempt >= policy->attempts)
    dead(outcome, text, "attempts exhausted", outcome->reason);
  else if (mv_policy_expired(policy, event, due_at))
    dead(outcome, text, "older than max_age", outcome->reason);
  else {
    outcome->state = MV_EVENT_RETRYABLE;
    outcome->due_at = due_at;
  }
}

void mv_policy_decide(const struct mv_policy *policy, const struct mv_event *event,
                      enum mv_vm_verdict verdict, double delay, const char *reason, int64_t now,
                      double random, struct mv_outcome *outcome, struct mv_bytes *text) {
  *outcome = (struct mv_outcome){.on_fail = policy->on_fail, .reason = reason};
  switch (verdict) {
  case MV_VM_DONE:
    outcome->state = MV_EVENT_DONE;
    break;
  case MV_VM_DEAD:
    outcome->state = MV_EVENT_DEAD;
    break;
  case MV_VM_CANCELLED:
    outcome->state = MV_EVENT_CANCELLED;
    break;
  case MV_VM_DUPLICATE:
    outcome->state = MV_EVENT_SKIPPED;
    break;
  case MV_VM_LATER: /* not an end: it is released */
    outcome->state = MV_EVENT_AVAILABLE;
    break;
  case MV_VM_RETRY: {
    double seconds = delay >= 0 && delay < 1e9 ? delay : delay >= 1e9 ? 1e9 : 0;
    decide_retry(policy, event, now + (int64_t)(seconds * 1000), outcome, text);
    break;
  }
  case MV_VM_FAILED:
    if (policy->on_fail == MV_ON_FAIL_SKIP)
      outcome->state = MV_EVENT_SKIPPED;
    else
      decide_retry(policy, event, now + mv_policy_backoff(policy, event->attempt, random), outcome,
                   text);
    break;
  }
}
