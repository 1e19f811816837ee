/* The schedules that scripts defined, parsed: a set that is made whole and replaced whole. */
#ifndef MV_HOST_SCHEDULES_H
#define MV_HOST_SCHEDULES_H

#include <jansson.h>
#include <stdint.h>

#include "base/timers.h"
#include "host/plan.h"
#include "host/schedule.h"
#include "store/store.h"

struct mv_schedule_entry {
  struct mv_timer timer; /* first; on the wall clock: when it is to be looked at */
  char *name;
  char *definition; /* kind, expression and zone as one text: whether it changed */
  json_t *source;   /* its member of the definitions */
  struct mv_schedule schedule;
  enum mv_missed missed;
  enum mv_overlap overlap;
  int64_t jitter; /* ms that its events come later, always the same for a name */
  int64_t after;  /* seconds; moments up to here have been planned */
  int64_t next;   /* seconds; INT64_MAX: none */
  int64_t expect; /* ms that it may go without a success; 0: for ever */
  int64_t since;  /* ms; when that time began, if there was no success */
  int64_t look;   /* seconds; when to ask for its last success; INT64_MAX: never */
  bool begun;     /* planned before by this process: a moment that is due now is on time */
};

struct mv_schedules {
  struct mv_schedule_entry *entries;
  size_t count;
  struct mv_timers timers; /* of the entries that have a next moment */
  int64_t planned;         /* seconds; the latest `after` of all */
};

/* Parses "schedules" of mv_vm_definitions. 0, or -1 and `err` (then nothing is to be freed). */
int mv_schedules_read(struct mv_schedules *schedules, json_t *definitions, struct mv_error *err);

/* Looks at each of them alone and at their names, and tells what is wrong with it, and where. */
void mv_schedules_check(json_t *definitions, void (*fault)(void *owner, const char *text),
                        void *owner);

/* The schedule behind an entry's `definition`, as the store keeps it. 0, to be freed with
 * mv_schedule_free, or -1 and `err`. */
int mv_schedules_parse(const char *definition, struct mv_schedule *schedule, struct mv_error *err);
void mv_schedules_free(struct mv_schedules *schedules);

#endif
