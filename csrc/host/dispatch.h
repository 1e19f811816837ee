/* Which worker gets which event, and how many: capacity, order, back-pressure. Belongs to the
 * journal's thread; no locks.
 *
 * Claimed events are held back until the transaction that claimed them is on disk. Events beyond
 * the workers' capacity stay in the store, so memory does not grow with the backlog. */
#ifndef MV_HOST_DISPATCH_H
#define MV_HOST_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct mv_dispatch;

struct mv_dispatch_options {
  unsigned workers;     /* 1 or more */
  unsigned concurrency; /* runs at once on a worker */
  void *owner;
  /* hands events over for good (mv_event_free), all that the worker gets of this commit: a list
   * through `node`, in order; on the journal's thread, after the commit */
  void (*deliver)(void *owner, unsigned worker, struct mv_event *events);
};

struct mv_dispatch *mv_dispatch_new(const struct mv_dispatch_options *options);
void mv_dispatch_free(struct mv_dispatch *dispatch);

/* Whether a new event may start at once: there is room, nothing due waits before it, no pause. */
bool mv_dispatch_open(const struct mv_dispatch *dispatch, int64_t now);

/* Takes an event that the store already marked as running. */
void mv_dispatch_take(struct mv_dispatch *dispatch, struct mv_event *event);

/* An event can be claimed at `due_at` (MV_STORE_NEVER: nothing new). */
void mv_dispatch_expect(struct mv_dispatch *dispatch, int64_t due_at);

/* A run ended on `worker`; and the opposite, when the transaction that said so has failed. */
void mv_dispatch_ended(struct mv_dispatch *dispatch, unsigned worker);
void mv_dispatch_not_ended(struct mv_dispatch *dispatch, unsigned worker);

/* Inside the transaction: claims what is due and fits. 0 or -1. */
int mv_dispatch_claim(struct mv_dispatch *dispatch, struct mv_store *store, int64_t now,
                      struct mv_error *err);

/* After the commit: delivers. After a failed one: takes all back; the events that came through
 * mv_dispatch_take stay their owners'. */
void mv_dispatch_deliver(struct mv_dispatch *dispatch);
void mv_dispatch_abort(struct mv_dispatch *dispatch);

/* While paused nothing is claimed. */
void mv_dispatch_pause(struct mv_dispatch *dispatch, bool paused);

/* When mv_dispatch_claim has something to do by itself; MV_STORE_NEVER while paused or full. */
int64_t mv_dispatch_next(const struct mv_dispatch *dispatch);

unsigned mv_dispatch_running(const struct mv_dispatch *dispatch);

#endif
