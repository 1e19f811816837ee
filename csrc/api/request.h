/* An action and its parameters made into an HTTP request: pure, no I/O. */
#ifndef MV_API_REQUEST_H
#define MV_API_REQUEST_H

#include <jansson.h>

#include "api/action.h"
#include "base/bytes.h"
#include "base/error.h"

struct mv_request {
  enum mv_method method;
  struct mv_bytes target;   /* "get_history?client_id=1": what follows "{base_url}/api/{key}/" */
  struct mv_bytes body;     /* JSON, or empty */
  enum mv_retry_class retry; /* for these parameters */
};

/* Validates and builds. Scalars of a GET go to the query, a POST's parameters to a JSON body.
 * `action` NULL: `name` is sent as it is, unvalidated, as POST, never repeated (an action the table
 * does not know yet). 0 or -1 and `err`. Free with mv_request_free, also after a failure. */
int mv_request_prepare(const struct mv_action *action, const char *name, const json_t *params,
                       struct mv_request *request, struct mv_error *err);

void mv_request_free(struct mv_request *request);

/* "{base_url}/api/{key}/{target}" appended to `out`; slashes at the end of base_url are dropped. */
int mv_request_url(const struct mv_request *request, const char *base_url, const char *api_key,
                   struct mv_bytes *out);

/* Replaces every occurrence of `secret` in `text` by "[redacted]", in place of the buffer's content. */
int mv_redact(struct mv_bytes *text, const char *secret);

#endif
