/* An HTTP answer made into a result or a failure: pure, no I/O. */
#ifndef MV_API_REPLY_H
#define MV_API_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "api/action.h"
#include "base/error.h"

/* Why an action failed, as a user's program sees it. */
struct mv_failure {
  enum mv_error_kind kind;
  long status;        /* HTTP status, 0 when there was none */
  char code[64];      /* the platform's "status" word, e.g. "client_not_found"; "" when none */
  char message[256];  /* the platform's "message", or our words; may hold what the platform echoed:
                         redact the API key before showing it */
  double retry_after; /* seconds the server asked to wait; -1 when it did not */
};

/* Reads an answer. A new reference to the result, or NULL and `failure`.
 * Plain "ok" is {"status":"success","text":"ok"}. A 2xx object whose "status" is a string other
 * than "success" and "ok" is a failure of kind MV_ERROR_API; where the answer is an object of
 * variables ("{}"), only the platform's own words are. What is not JSON is MV_ERROR_DECODE. A
 * status of 400 or more is MV_ERROR_HTTP, whatever the body; a redirect (3xx) too: it is never
 * followed, for the key stands in the URL. `action` may be NULL (unknown action). `retry_after`:
 * the header's text (seconds or a date) or NULL. */
json_t *mv_reply_interpret(const struct mv_action *action, long status, const char *body,
                           size_t length, const char *retry_after, struct mv_failure *failure);

#endif
