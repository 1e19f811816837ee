/* Hook calls that wait for their handler's reply: whichever comes first, the run's end or the time,
 * answers. */
#ifndef MV_HOST_WAITERS_H
#define MV_HOST_WAITERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/server.h"
#include "store/event.h"

struct mv_waiters;

/* `patience_ms`: how long a call waits. NULL when memory or threads are out. */
struct mv_waiters *mv_waiters_new(int patience_ms);

/* Answers all that wait with 202, and frees. */
void mv_waiters_free(struct mv_waiters *waiters);

/* A deferred call waits for the first attempt of this event. */
void mv_waiters_add(struct mv_waiters *waiters, int64_t event, struct mv_call *call);

/* How the run of an event ended. */
struct mv_ending {
  enum mv_event_state state; /* what became of the event; one that is not final is told as accepted */
  json_t *reply;             /* of DONE: what the handler returned, {status, headers, json|body}; NULL: nothing */
  const char *reason;        /* of CANCELLED: the handler's; or NULL */
};

/* A run of the event ended: answers all who wait for it. */
void mv_waiters_finish(struct mv_waiters *waiters, int64_t event, const struct mv_ending *ending);

/* Answers a deferred call as a handler returned it: {status, headers, json|body}. */
void mv_waiters_reply(struct mv_call *call, json_t *reply);

/* Answers all that wait with 202 now: the host stops. */
void mv_waiters_flush(struct mv_waiters *waiters);

#endif
