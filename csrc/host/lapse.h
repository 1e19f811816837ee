/* Schedules that have not succeeded for as long as they expect: each lapse is reported once, to the
 * log, the metrics, and as an event for host.on_dead. */
#ifndef MV_HOST_LAPSE_H
#define MV_HOST_LAPSE_H

#include "base/log.h"
#include "host/journal.h"
#include "host/metrics.h"
#include "host/schedules.h"

struct mv_lapses {
  struct mv_journal *journal;
  struct mv_metrics *metrics;
  struct mv_log *log;
};

/* Inside a transaction, after a load: sets when the entry is to be looked at first. `row` is the
 * store's; `now` in ms. 0, or -1 and `err`. */
int mv_lapse_watch(struct mv_store *store, struct mv_schedule_entry *entry,
                   const struct mv_schedule_row *row, int64_t now, struct mv_error *err);

/* Asks the store for the entry's last success and reports a lapse. When to look again: seconds, as
 * `now`. Waits for a commit; not from the journal's thread. */
int64_t mv_lapse_look(const struct mv_lapses *lapses, const struct mv_schedule_entry *entry,
                      int64_t now);

#endif
