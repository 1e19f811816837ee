/* What an operator sees and does of what is in a store: requests and their JSON answers. Behind the
 * admin's listener, and over the database file when no host runs.
 *
 *   GET  /api/events  /api/events/{id}  /api/keys/blocked  /api/why?schedule=&time=
 *   POST /api/events/{id}/replay  /api/events/{id}/cancel  /api/events/replay  /api/events/cancel */
#ifndef MV_HOST_OPERATE_H
#define MV_HOST_OPERATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

struct mv_operate {
  struct mv_store *reader; /* of the calling thread */
  const struct mv_clock *clock;
  bool serving; /* a host runs */
  void *owner;  /* handed to `write` */
  /* does `call` in a transaction of the one writer, and commits; see mv_journal_call_wait */
  int (*write)(void *owner,
               int (*call)(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                           struct mv_error *err),
               void *context, struct mv_error *err);
};

struct mv_operate_request {
  const char *method, *path;
  const char *query; /* raw, "" when none */
  const char *body;
  size_t length;
};

/* Whether the path is one of the above. */
bool mv_operate_knows(const char *path);

/* The answer (new reference; NULL when memory is out) and its HTTP status. What is wrong is in its
 * member "error". */
json_t *mv_operate(const struct mv_operate *operate, const struct mv_operate_request *request,
                   unsigned *status);

/* For others who answer such requests: {"error": text}, and the status that fits the error's kind. */
json_t *mv_operate_error(const struct mv_error *err, unsigned *status);

#endif
