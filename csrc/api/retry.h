/* Whether and when a failed call is repeated: pure decisions; waiting is the runtime's. */
#ifndef MV_API_RETRY_H
#define MV_API_RETRY_H

#include <stdbool.h>

#include "api/action.h"
#include "base/error.h"

/* Whether a failure of this kind and HTTP status may be followed by another attempt. Safe and
 * idempotent: after network failures, timeouts, unreadable answers, 408, 429 and 5xx but 501 and
 * 505; never for a certificate, which no waiting mends. Once: if nothing was sent, and after 429, which says that nothing was done. `sent`: some
 * byte of the request may have reached the other side. */
bool mv_retry_allowed(enum mv_retry_class retry, enum mv_error_kind kind, long status, bool sent);

/* Whether this failure leaves open if the action was done: the kind told is then
 * MV_ERROR_AMBIGUOUS. */
bool mv_retry_ambiguous(enum mv_retry_class retry, enum mv_error_kind kind, long status, bool sent);

/* Seconds before attempt `attempt` + 1 (attempts count from 1): exponential from 0.5, capped at 30,
 * with full jitter from `random` in [0,1); never less than `retry_after` (if >= 0, itself capped at
 * 300). */
double mv_retry_delay(int attempt, double retry_after, double random);

#endif
