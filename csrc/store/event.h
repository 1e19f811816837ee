/* An event: the unit that is accepted, ordered, run and finished, whatever it came from. */
#ifndef MV_STORE_EVENT_H
#define MV_STORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/queue.h"

enum mv_event_state {
  MV_EVENT_AVAILABLE, /* waiting; due when due_at has passed */
  MV_EVENT_RUNNING,   /* a worker has it, under a fencing token */
  MV_EVENT_RETRYABLE, /* failed, waits for its next attempt */
  /* the states below are final: order matters, "unfinished" is state < MV_EVENT_DONE */
  MV_EVENT_DONE,      /* handled */
  MV_EVENT_DEAD,      /* gave up: attempts or age exhausted, or quarantined; kept for replay */
  MV_EVENT_SKIPPED,   /* will not run; the reason says why */
  MV_EVENT_CANCELLED, /* by an operator or by the handler */
  MV_EVENT_STATES,    /* how many there are */
};

enum mv_event_source {
  MV_SOURCE_WEBHOOK,
  MV_SOURCE_HOOK,
  MV_SOURCE_SCHEDULE,
  MV_SOURCE_JOB,
  MV_SOURCE_REPORT, /* of an event that went dead, or a schedule that is late */
  MV_EVENT_SOURCES, /* how many there are */
};

/* Times are milliseconds since 1970; 0: not yet. Strings are owned by the event. */
struct mv_event {
  struct mv_node node; /* for whoever holds the event at the moment */
  int64_t id;          /* in order of acceptance */
  enum mv_event_state state;
  enum mv_event_source source;
  char *name;   /* hook, schedule, job or kind of report; "" for platform webhooks */
  char *key;    /* ordering key; NULL: none */
  char *dedupe; /* unique within source and name for the dedupe window; NULL: not deduplicated */
  int64_t accepted_at, started_at, finished_at;
  int64_t due_at;     /* when it may run (again); retries move it */
  int64_t planned_at; /* due_at as it was accepted or replayed: a schedule's moment, a job's time */
  bool elapsed;  /* in, for mv_store_accept: due_at is so long after it, not a moment of the calendar */
  int attempt;   /* runs begun so far */
  int crashes;   /* processes that died while it ran */
  int64_t token; /* fencing: the claim that may finish it */
  char *body;    /* raw bytes */
  size_t body_length;
  char *meta;    /* JSON object or NULL */
  char *handler; /* who ran it last, or NULL */
  char *reason;  /* why it failed, was skipped or died; NULL */
  char *stop;    /* running, but to be cancelled for this reason; NULL */
  size_t behind; /* bytes behind it in its own block, where texts of it may lie */
};

const char *mv_event_state_name(enum mv_event_state state);
const char *mv_event_source_name(enum mv_event_source source);

/* The state of a name, or -1. */
int mv_event_state_of(const char *name);

/* A zeroed event on the heap, or NULL; and its end. */
struct mv_event *mv_event_new(void);
/* The same with room behind it: texts that are put there go with the event. */
struct mv_event *mv_event_roomy(size_t behind);
void mv_event_free(struct mv_event *event);

#endif
