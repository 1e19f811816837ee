/* Counters, histograms and gauges of one host, told as OpenMetrics text. One table (metrics.c) has
 * a row for each; labels are never a client's. Any thread may write. */
#ifndef MV_HOST_METRICS_H
#define MV_HOST_METRICS_H

#include <stdint.h>

#include "base/bytes.h"

enum mv_metric {
  MV_METRIC_ACCEPTED,    /* label: source */
  MV_METRIC_DUPLICATES,  /* label: source */
  MV_METRIC_REFUSED,     /* label: reason */
  MV_METRIC_ACK,         /* seconds from the request's end to the commit's */
  MV_METRIC_COMMIT,      /* seconds of a transaction, with its fsync */
  MV_METRIC_BATCH,       /* operations in a transaction */
  MV_METRIC_RUNS,        /* labels: handler, outcome */
  MV_METRIC_RUN_SECONDS, /* label: handler */
  MV_METRIC_STUCK,       /* label: handler */
  MV_METRIC_ATTEMPTS,    /* label: handler; of events that are over */
  MV_METRIC_SKIPPED,     /* labels: schedule, reason */
  MV_METRIC_LATE,        /* label: schedule */
  MV_METRIC_SUCCESS,     /* gauge; label: schedule; unix seconds */
  MV_METRIC_API_CALLS,   /* labels: action, outcome */
  MV_METRIC_API_RETRIES, /* label: action */
  MV_METRIC_API_QUOTA,   /* gauge; calls of this UTC day that count */
  MV_METRIC_RELOADS,     /* label: outcome */
  MV_METRIC_EVENTS,      /* gauge; label: state */
  MV_METRIC_OLDEST,      /* gauge; seconds */
  MV_METRIC_RUNNING,     /* gauge; label: worker */
  MV_METRIC_LUA_BYTES,   /* gauge; label: worker */
  MV_METRIC_COUNT,
};

struct mv_metrics;

struct mv_metrics *mv_metrics_new(void);
void mv_metrics_free(struct mv_metrics *metrics);

/* Adds to a counter. `a` and `b`: values of the row's labels, NULL where it has none. */
void mv_metrics_add(struct mv_metrics *metrics, enum mv_metric which, const char *a, const char *b,
                    double amount);

/* Sets a gauge. */
void mv_metrics_set(struct mv_metrics *metrics, enum mv_metric which, const char *a, const char *b,
                    double value);

/* Puts a duration in seconds, or a number, into a histogram. */
void mv_metrics_observe(struct mv_metrics *metrics, enum mv_metric which, const char *a,
                        double value);

/* Adds to a gauge without labels that begins anew with each `day` (any number that goes on). */
void mv_metrics_add_today(struct mv_metrics *metrics, enum mv_metric which, int64_t day,
                          double amount);

/* Forgets the series of a gauge, before it is set anew. */
void mv_metrics_clear(struct mv_metrics *metrics, enum mv_metric which);

/* Appends all as OpenMetrics text, with "# EOF". */
void mv_metrics_write(struct mv_metrics *metrics, struct mv_bytes *out);

#endif
