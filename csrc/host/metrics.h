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
  MV_METRIC_RUNS,        /* labels: handler, outcome */
  MV_METRIC_RUN_SECONDS, /* label: handler */
  MV_METRIC_SKIPPED,     /* labels: schedule, reason */
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

/* Puts a duration into a histogram. */
void mv_metrics_observe(struct mv_metrics *metrics, enum mv_metric which, const char *a,
                        double seconds);

/* Forgets the series of a gauge, before it is set anew. */
void mv_metrics_clear(struct mv_metrics *metrics, enum mv_metric which);

/* Appends all as OpenMetrics text, with "# EOF". */
void mv_metrics_write(struct mv_metrics *metrics, struct mv_bytes *out);

#endif
