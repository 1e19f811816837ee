/* What becomes of a run that did not end well: attempts, backoff, age. Pure. */
#ifndef MV_HOST_POLICY_H
#define MV_HOST_POLICY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "lua/vm.h"
#include "store/store.h"

struct mv_policy {
  int attempts;            /* 8 */
  int64_t max_age;         /* ms from acceptance, or from the planned time if that is later; 0: none */
  enum mv_on_fail on_fail; /* block */
  int64_t base, cap;       /* ms: 1 s and 1 h */
};

/* The default, changed by the members attempts (1 to 1000), max_age (seconds, or a duration such as
 * "10m") and on_fail ("block", "park", "skip") of `json` (NULL: none); timeout (a week at most) is
 * checked. Unknown ones are left alone. 0, or -1 and `err` (the rest is filled all the same). This
 * is the one place that knows the ranges. */
int mv_policy_read(struct mv_policy *policy, const json_t *json, struct mv_error *err);

/* The same for a script VM (policy_check): only whether it is right. */
int mv_policy_check(void *owner, const json_t *json, struct mv_error *err);

/* Whether an event is too old to be run (again) at `at`. */
bool mv_policy_expired(const struct mv_policy *policy, const struct mv_event *event, int64_t at);

/* ms until the attempt after `attempt`; `random` in [0,1) spreads it by a quarter either way. */
int64_t mv_policy_backoff(const struct mv_policy *policy, int attempt, double random);

/* What a verdict makes of the event. `delay` seconds for MV_VM_RETRY. outcome->reason may point
 * into `text`, which the caller frees after use. */
void mv_policy_decide(const struct mv_policy *policy, const struct mv_event *event,
                      enum mv_vm_verdict verdict, double delay, const char *reason, int64_t now,
                      double random, struct mv_outcome *outcome, struct mv_bytes *text);

#endif
