/* An action and its parameters made into an HTTP request: pure, no I/O. */
#ifndef MV_API_REQUEST_H
#define MV_API_REQUEST_H

#include <jansson.h>

#include "api/action.h"
#include "base/bytes.h"
#include "base/error.h"

struct mv_request {
  enum mv_method method;
  struct mv_bytes target;    /* "get_history?client_id=1": what follows "{base_url}/api/{key}/" */
  struct mv_bytes body;      /* JSON, or empty */
  enum mv_retry_class retry; /* for these parameters */
};

/* Validates and builds. Scalars of a GET go to the query, a POST's parameters to a JSON body; what
 * is null, and optional lists and ids that are empty, are left out; numbers are written out where a
 * string is wanted, booleans become booleans.
 * `action` NULL: `name` is sent percent-encoded with `params` unvalidated, as POST, never repeated
 * (an action the table does not know yet). 0 or -1 and `err`. Free with mv_request_free, also after
 * a failure. */
int mv_request_prepare(const struct mv_action *action, const char *name, const json_t *params,
                       struct mv_request *request, struct mv_error *err);

void mv_request_free(struct mv_request *request);

/* "{base_url}/api/{key}/{target}" appended to `out`; slashes at the end of base_url are dropped,
 * the key is percent-encoded. -1 when base_url does not begin with http:// or https:// and a host,
 * or holds blanks, "?" or "#", or the key is empty or dots; nothing is appended then. */
int mv_request_url(const struct mv_request *request, const char *base_url, const char *api_key,
                   struct mv_bytes *out);

/* Replaces every occurrence of `secret` in `text`, also percent-encoded or cut off by "..." at the
 * end, by "[redacted]". -1 when memory is out; the text is empty then. */
int mv_redact(struct mv_bytes *text, const char *secret);

#endif
