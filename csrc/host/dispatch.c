#include "host/dispatch.h"

#include <stdlib.h>

#include "base/bytes.h"

struct assigned {
  struct mv_event *event;
  unsigned worker;
  bool taken; /* came through mv_dispatch_take: on failure its owner's again */
};

/* What a worker gets of a commit. */
struct parcel {
  struct mv_event *first, *last;
};

struct mv_dispatch {
  struct mv_dispatch_options options;
  unsigned *load;   /* runs on each worker, with those assigned */
  unsigned running; /* their sum */
  unsigned last;    /* worker that got the last event without a key */
  bool paused;
  int64_t next_due; /* nothing in the store can be claimed before */
  int64_t saved;    /* next_due as the last commit left it */
  /* claimed in this transaction; as large as all workers' room */
  struct assigned *assigned;
  unsigned count;
  struct parcel *parcels; /* of each worker; empty but during delivery */
};

static unsigned capacity(const struct mv_dispatch *dispatch) {
  return dispatch->options.workers * dispatch->options.concurrency;
}

struct mv_dispatch *mv_dispatch_new(const struct mv_dispatch_options *options) {
  struct mv_dispatch *dispatch = calloc(1, sizeof *dispatch);
  if (!dispatch)
    return NULL;
  dispatch->options = *options;
  dispatch->next_due = dispatch->saved = 0; /* unknown yet: look */
  dispatch->load = calloc(options->workers, sizeof *dispatch->load);
  dispatch->assigned = calloc(capacity(dispatch), sizeof *dispatch->assigned);
  dispatch->parcels = calloc(options->workers, sizeof *dispatch->parcels);
  if (!dispatch->load || !dispatch->assigned || !dispatch->parcels) {
    mv_dispatch_free(dispatch);
    return NULL;
  }
  return dispatch;
}

void mv_dispatch_free(struct mv_dispatch *dispatch) {
  if (!dispatch)
    return;
  free(dispatch->load);
  free(dispatch->assigned);
  free(dispatch->parcels);
  free(dispatch);
}

/* --- Choosing a worker --- */

static uint32_t hash_key(const char *key) {
  uint32_t hash = mv_hash(key);
  return hash ^ hash >> 15;
}

static unsigned least_loaded(const struct mv_dispatch *dispatch, unsigned from) {
  unsigned best = from % dispatch->options.workers;
  for (unsigned i = 1; i < dispatch->options.workers; i++) {
    unsigned worker = (from + i) % dispatch->options.workers;
    if (dispatch->load[worker] < dispatch->load[best])
      best = worker;
  }
  return best;
}

/* A key prefers its own worker, whose caches know it; order does not depend on that, as only one
 * event of a key runs at a time. */
static unsigned choose(struct mv_dispatch *dispatch, const struct mv_event *event) {
  if (!event->key)
    return dispatch->last = least_loaded(dispatch, dispatch->last + 1);
  unsigned own = hash_key(event->key) % dispatch->options.workers;
  return dispatch->load[own] < dispatch->options.concurrency ? own
                                                             : least_loaded(dispatch, own + 1);
}

static void assign(struct mv_dispatch *dispatch, struct mv_event *event, bool taken) {
  unsigned worker = choose(dispatch, event);
  dispatch->load[worker]++;
  dispatch->running++;
  dispatch->assigned[dispatch->count++] =
      (struct assigned){.event = event, .worker = worker, .taken = taken};
}

/* --- What the journal tells and asks --- */

bool mv_dispatch_open(const struct mv_dispatch *dispatch, int64_t now) {
  return !dispatch->paused && dispatch->running < capacity(dispatch) && dispatch->next_due > now;
}

void mv_dispatch_take(struct mv_dispatch *dispatch, struct mv_event *event) {
  assign(dispatch, event, true);
}

void mv_dispatch_expect(struct mv_dispatch *dispatch, int64_t due_at) {
  if (due_at < dispatch->next_due)
    dispatch->next_due = due_at;
}

void mv_dispatch_ended(struct mv_dispatch *dispatch, unsigned worker) {
  dispatch->load[worker]--;
  dispatch->running--;
}

void mv_dispatch_not_ended(struct mv_dispatch *dispatch, unsigned worker) {
  dispatch->load[worker]++;
  dispatch->running++;
}

int mv_dispatch_claim(struct mv_dispatch *dispatch, struct mv_store *store, int64_t now,
                      struct mv_error *err) {
  unsigned room = capacity(dispatch) - dispatch->running;
  if (dispatch->paused || room == 0 || dispatch->next_due > now)
    return 0;
  struct mv_event *event = NULL;
  int count = mv_store_claim(store, now, (int)room, &event, err);
  if (count < 0)
    return -1;
  while (event) {
    struct mv_event *next = (struct mv_event *)event->node.next;
    assign(dispatch, event, false);
    event = next;
  }
  return mv_store_next_due(store, &dispatch->next_due, err);
}

static void pack(struct parcel *parcel, struct mv_event *event) {
  event->node.next = NULL;
  if (parcel->first)
    parcel->last->node.next = &event->node;
  else
    parcel->first = event;
  parcel->last = event;
}

void mv_dispatch_deliver(struct mv_dispatch *dispatch) {
  for (unsigned i = 0; i < dispatch->count; i++)
    pack(&dispatch->parcels[dispatch->assigned[i].worker], dispatch->assigned[i].event);
  for (unsigned i = 0; dispatch->count > 0 && i < dispatch->options.workers; i++) {
    if (dispatch->parcels[i].first)
      dispatch->options.deliver(dispatch->options.owner, i, dispatch->parcels[i].first);
    dispatch->parcels[i].first = NULL;
  }
  dispatch->count = 0;
  dispatch->saved = dispatch->next_due;
}

void mv_dispatch_abort(struct mv_dispatch *dispatch) {
  for (unsigned i = 0; i < dispatch->count; i++) {
    mv_dispatch_ended(dispatch, dispatch->assigned[i].worker);
    if (!dispatch->assigned[i].taken)
      mv_event_free(dispatch->assigned[i].event);
  }
  dispatch->count = 0;
  /* what the transaction promised has not come; what it claimed is still there */
  dispatch->next_due = dispatch->saved;
}

void mv_dispatch_pause(struct mv_dispatch *dispatch, bool paused) {
  dispatch->paused = paused;
}

int64_t mv_dispatch_next(const struct mv_dispatch *dispatch) {
  if (dispatch->paused || dispatch->running >= capacity(dispatch))
    return MV_STORE_NEVER;
  return dispatch->next_due;
}

unsigned mv_dispatch_running(const struct mv_dispatch *dispatch) {
  return dispatch->running;
}
