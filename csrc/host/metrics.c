#include "host/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum shape { COUNTER, GAUGE, HISTOGRAM };

struct row {
  const char *name;
  enum shape shape;
  const char *labels[2]; /* NULL where there is none */
  const char *help;
};

static const struct row rows[MV_METRIC_COUNT] = {
    [MV_METRIC_ACCEPTED] = {"mavilua_events_accepted", COUNTER, {"source", NULL},
                            "Events committed to the journal."},
    [MV_METRIC_DUPLICATES] = {"mavilua_events_duplicate", COUNTER, {"source", NULL},
                              "Events that were there already."},
    [MV_METRIC_REFUSED] = {"mavilua_requests_refused", COUNTER, {"reason", NULL},
                           "Requests that made no event."},
    [MV_METRIC_ACK] = {"mavilua_ack_seconds", HISTOGRAM, {NULL, NULL},
                       "From the whole request to the commit that holds it."},
    [MV_METRIC_RUNS] = {"mavilua_runs", COUNTER, {"handler", "outcome"},
                        "Runs of handlers that ended."},
    [MV_METRIC_RUN_SECONDS] = {"mavilua_run_seconds", HISTOGRAM, {"handler", NULL},
                               "How long runs took."},
    [MV_METRIC_SKIPPED] = {"mavilua_moments_skipped", COUNTER, {"schedule", "reason"},
                           "Planned moments that did not run."},
    [MV_METRIC_RELOADS] = {"mavilua_reloads", COUNTER, {"outcome", NULL}, "Reloads of the scripts."},
    [MV_METRIC_EVENTS] = {"mavilua_events", GAUGE, {"state", NULL}, "Events in the journal by state."},
    [MV_METRIC_OLDEST] = {"mavilua_oldest_waiting_seconds", GAUGE, {NULL, NULL},
                          "Age of the oldest event that waits."},
    [MV_METRIC_RUNNING] = {"mavilua_running", GAUGE, {"worker", NULL}, "Events under way."},
    [MV_METRIC_LUA_BYTES] = {"mavilua_lua_bytes", GAUGE, {"worker", NULL}, "Memory of the Lua state."},
};

static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                0.25,  0.5,    1,     2.5,  5,     10,   60};
enum { BOUNDS = sizeof bounds / sizeof *bounds };

/* One combination of label values of a metric. */
struct series {
  struct series *next;
  char *labels[2];
  double value; /* of a histogram the sum */
  uint64_t count, buckets[BOUNDS];
};

struct mv_metrics {
  pthread_mutex_t lock;
  struct series *first[MV_METRIC_COUNT];
};

struct mv_metrics *mv_metrics_new(void) {
  struct mv_metrics *metrics = calloc(1, sizeof *metrics);
  if (metrics)
    pthread_mutex_init(&metrics->lock, NULL);
  return metrics;
}

static void free_series(struct series *series) {
  while (series) {
    struct series *next = series->next;
    free(series->labels[0]);
    free(series->labels[1]);
    free(series);
    series = next;
  }
}

void mv_metrics_free(struct mv_metrics *metrics) {
  if (!metrics)
    return;
  for (size_t i = 0; i < MV_METRIC_COUNT; i++)
    free_series(metrics->first[i]);
  pthread_mutex_destroy(&metrics->lock);
  free(metrics);
}

static bool same(const char *a, const char *b) {
  return strcmp(a ? a : "", b ? b : "") == 0;
}

/* The series with these labels, made on first use; NULL when memory is out. Under the lock. */
static struct series *find(struct mv_metrics *metrics, enum mv_metric which, const char *a,
                           const char *b) {
  struct series **slot = &metrics->first[which];
  while (*slot && !(same((*slot)->labels[0], a) && same((*slot)->labels[1], b)))
    slot = &(*slot)->next;
  if (!*slot && (*slot = calloc(1, sizeof **slot))) {
    (*slot)->labels[0] = mv_strdup(a);
    (*slot)->labels[1] = mv_strdup(b);
  }
  return *slot;
}

void mv_metrics_add(struct mv_metrics *metrics, enum mv_metric which, const char *a, const char *b,
                    double amount) {
  pthread_mutex_lock(&metrics->lock);
  struct series *series = find(metrics, which, a, b);
  if (series)
    series->value += amount;
  pthread_mutex_unlock(&metrics->lock);
}

void mv_metrics_set(struct mv_metrics *metrics, enum mv_metric which, const char *a, const char *b,
                    double value) {
  pthread_mutex_lock(&metrics->lock);
  struct series *series = find(metrics, which, a, b);
  if (series)
    series->value = value;
  pthread_mutex_unlock(&metrics->lock);
}

void mv_metrics_observe(struct mv_metrics *metrics, enum mv_metric which, const char *a,
                        double seconds) {
  pthread_mutex_lock(&metrics->lock);
  struct series *series = find(metrics, which, a, NULL);
  if (series) {
    series->value += seconds;
    series->count++;
    for (size_t i = 0; i < BOUNDS; i++)
      series->buckets[i] += seconds <= bounds[i];
  }
  pthread_mutex_unlock(&metrics->lock);
}

void mv_metrics_clear(struct mv_metrics *metrics, enum mv_metric which) {
  pthread_mutex_lock(&metrics->lock);
  free_series(metrics->first[which]);
  metrics->first[which] = NULL;
  pthread_mutex_unlock(&metrics->lock);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void put_escaped(struct mv_bytes *out, const char *text) {
  for (; *text; text++) {
    if (*text == '\n') {
      mv_bytes_puts(out, "\\n");
      continue;
    }
    if (*text == '"' || *text == '\\')
      mv_bytes_putc(out, '\\');
    mv_bytes_putc(out, *text);
  }
}

/* {source="webhook",le="0.5"}, or nothing. */
static void put_labels(struct mv_bytes *out, const struct row *row, const struct series *series,
                       const char *le) {
  const char *names[] = {row->labels[0], row->labels[1], le ? "le" : NULL};
  const char *values[] = {series->labels[0], series->labels[1], le};
  char before = '{';
  for (size_t i = 0; i < 3; i++) {
    if (!names[i])
      continue;
    mv_bytes_printf(out, "%c%s=\"", before, names[i]);
    put_escaped(out, values[i] ? values[i] : "");
    mv_bytes_putc(out, '"');
    before = ',';
  }
  if (before == ',')
    mv_bytes_putc(out, '}');
}

static void put_line(struct mv_bytes *out, const struct row *row, const char *suffix,
                     const struct series *series, const char *le, double value) {
  mv_bytes_printf(out, "%s%s", row->name, suffix);
  put_labels(out, row, series, le);
  mv_bytes_printf(out, " %.15g\n", value);
}

static void put_histogram(struct mv_bytes *out, const struct row *row, const struct series *series) {
  char le[32];
  for (size_t i = 0; i < BOUNDS; i++) {
    snprintf(le, sizeof le, "%g", bounds[i]);
    put_line(out, row, "_bucket", series, le, (double)series->buckets[i]);
  }
  put_line(out, row, "_bucket", series, "+Inf", (double)series->count);
  put_line(out, row, "_count", series, NULL, (double)series->count);
  put_line(out, row, "_sum", series, NULL, series->value);
}

static void put_metric(struct mv_bytes *out, const struct row *row, const struct series *series) {
  static const char *const shapes[] = {"counter", "gauge", "histogram"};
  mv_bytes_printf(out, "# TYPE %s %s\n# HELP %s %s\n", row->name, shapes[row->shape], row->name,
                  row->help);
  for (; series; series = series->next) {
    if (row->shape == HISTOGRAM)
      put_histogram(out, row, series);
    else
      put_line(out, row, row->shape == COUNTER ? "_total" : "", series, NULL, series->value);
  }
}

void mv_metrics_write(struct mv_metrics *metrics, struct mv_bytes *out) {
  pthread_mutex_lock(&metrics->lock);
  for (size_t i = 0; i < MV_METRIC_COUNT; i++)
    put_metric(out, &rows[i], metrics->first[i]);
  pthread_mutex_unlock(&metrics->lock);
  mv_bytes_puts(out, "# EOF\n");
}
