#include "host/policy.h"

#include <string.h>

#include "host/schedule.h"

static const struct mv_policy standard = {
    .attempts = 8, .max_age = 0, .on_fail = MV_ON_FAIL_BLOCK, .base = 1000, .cap = INT64_C(3600000)};

/* --- Reading --- */

static int read_attempts(struct mv_policy *policy, const json_t *value, struct mv_error *err) {
  if (!json_is_number(value) || json_number_value(value) < 1 || json_number_value(value) > 1000)
    return mv_error_set(err, MV_ERROR_USAGE, "attempts must be a number from 1 to 1000");
  policy->attempts = (int)json_number_value(value);
  return 0;
}

static int read_max_age(struct mv_policy *policy, const json_t *value, struct mv_error *err) {
  if (json_is_string(value)) {
    int64_t age = mv_duration_parse(json_string_value(value), err);
    if (age < 0)
      return mv_error_prefix(err, "max_age");
    policy->max_age = age;
    return 0;
  }
  double seconds = json_number_value(value);
  if (!json_is_number(value) || !(seconds >= 0) || seconds > 1e11)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "max_age must be a number of seconds or a duration such as \"10m\"");
  policy->max_age = (int64_t)(seconds * 1000);
  return 0;
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
  return mv_error_set(err, MV_ERROR_USAGE, "on_fail must be \"block\", \"park\" or \"skip\"");
}

static const struct {
  const char *name;
  int (*read)(struct mv_policy *policy, const json_t *value, struct mv_error *err);
} members[] = {{"attempts", read_attempts}, {"max_age", read_max_age}, {"on_fail", read_on_fail}};

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

/* --- Deciding --- */

bool mv_policy_expired(const struct mv_policy *policy, const struct mv_event *event, int64_t at) {
  int64_t born = event->planned_at > event->accepted_at ? event->planned_at : event->accepted_at;
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
