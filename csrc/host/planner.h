/* The planner: one thread that sleeps until the next moment of any schedule and hands it to the
 * journal, where it gets its row and, if it is to run, its event. */
#ifndef MV_HOST_PLANNER_H
#define MV_HOST_PLANNER_H

#include <jansson.h>

#include "base/clock.h"
#include "host/journal.h"
#include "host/metrics.h"

struct mv_planner;

struct mv_planner_options {
  struct mv_journal *journal;
  struct mv_metrics *metrics;
  struct mv_log *log;
  const struct mv_clock *clock; /* NULL: the machine's */
  bool clock_told;              /* mv_planner_tick follows each leap of the clock */
  /* called every few seconds, on the planner's thread: it is the one that always wakes; or NULL */
  void (*look)(void *owner);
  void *owner;
};

/* Checks the "schedules" of mv_vm_definitions. 0, or -1 and `err`, which names the schedule's place
 * in its script. */
int mv_planner_check(json_t *definitions, struct mv_error *err);

/* Starts the thread, with no schedules. NULL and `err`. */
struct mv_planner *mv_planner_start(const struct mv_planner_options *options, struct mv_error *err);

/* From now on these schedules: what was missed since their last planned moment is made up for or
 * skipped as each says; a new schedule begins now. 0, or -1 and `err`; the old ones then stay. */
int mv_planner_load(struct mv_planner *planner, json_t *definitions, struct mv_error *err);

/* Up to `count` schedules from number `from` on, of *all, with their next 5 and, from `reader`, last 5
 * moments, as a JSON array. New reference, or NULL and `err`. */
json_t *mv_planner_list(struct mv_planner *planner, struct mv_store *reader, size_t from, size_t count,
                        size_t *all, struct mv_error *err);

/* The clock has leapt: what is due by now is with the journal when this returns. Any thread. */
void mv_planner_tick(struct mv_planner *planner);

/* Ends the thread; before mv_journal_stop. */
void mv_planner_stop(struct mv_planner *planner);

/* After mv_journal_free, whose thread may still hold moments until then. */
void mv_planner_free(struct mv_planner *planner);

#endif
