/* What is read from a request before it becomes an event: ordering key, what makes it unique, and
 * for custom hooks the description that the handler gets. */
#ifndef MV_HOST_REQUEST_H
#define MV_HOST_REQUEST_H

#include "base/error.h"
#include "host/routes.h"
#include "store/event.h"

/* A platform webhook as an event: key client.id, dedupe id, the body byte for byte. NULL and `err`:
 * MV_ERROR_DECODE with line and column when the body is no JSON object, MV_ERROR_SYSTEM when memory
 * is out. */
struct mv_event *mv_request_webhook(const struct mv_call *call, struct mv_error *err);

/* A custom hook's request as an event, with method, path, query, headers and content type in its
 * meta, and the secret nowhere. Any body is taken. NULL and `err` when memory is out. */
struct mv_event *mv_request_hook(const struct mv_call *call, const struct mv_route *route,
                                 struct mv_error *err);

#endif
