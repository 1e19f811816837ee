#include "host/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum shape { COUNTER, GAUGE, HISTOGRAM };

struct row {
  const char *name; /* ends in the unit, if there is one */
  enum shape shape;
  const char *labels[2]; /* NULL where there is none */
  const char *help;
  const char *unit;     /* "seconds", "bytes", or NULL */
  const double *bounds; /* of a histogram, BOUNDS of them */
};

enum { BOUNDS = 14 };

static const double seconds[BOUNDS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                       0.25,  0.5,    1,     2.5,  5,     10,   60};
static const double numbers[BOUNDS] = {1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 512, 1024};

static const struct row rows[MV_METRIC_COUNT] = {
    [MV_METRIC_ACCEPTED] = {"mavilua_events_accepted", COUNTER, {"source", NULL},
                            "Events committed to the journal.", NULL, NULL},
    [MV_METRIC_DUPLICATES] = {"mavilua_events_duplicate", COUNTER, {"source", NULL},
                              "Events that were there already.", NULL, NULL},
    [MV_METRIC_REFUSED] = {"mavilua_requests_refused", COUNTER, {"reason", NULL},
                           "Requests that made no event.", NULL, NULL},
    [MV_METRIC_ACK] = {"mavilua_ack_seconds", HISTOGRAM, {NULL, NULL},
                       "From the whole request to the commit that holds it.", "seconds", seconds},
    [MV_METRIC_COMMIT] = {"mavilua_commit_seconds", HISTOGRAM, {NULL, NULL},
                          "Transactions of the journal, until they were on disk.", "seconds",
                          seconds},
    [MV_METRIC_BATCH] = {"mavilua_commit_operations", HISTOGRAM, {NULL, NULL},
                         "Operations in a transaction of the journal.", NULL, numbers},
    [MV_METRIC_RUNS] = {"mavilua_runs", COUNTER, {"handler", "outcome"},
                        "Runs of handlers that ended.", NULL, NULL},
    [MV_METRIC_RUN_SECONDS] = {"mavilua_run_seconds", HISTOGRAM, {"handler", NULL},
                               "How long runs took.", "seconds", seconds},
    [MV_METRIC_STUCK] = {"mavilua_runs_stuck", COUNTER, {"handler", NULL},
                         "Runs over their limit that cannot be stopped.", NULL, NULL},
    [MV_METRIC_ATTEMPTS] = {"mavilua_event_attempts", HISTOGRAM, {"handler", NULL},
                            "Attempts that events took until they were over.", NULL, numbers},
    [MV_METRIC_SKIPPED] = {"mavilua_moments_skipped", COUNTER, {"schedule", "reason"},
                           "Planned moments that did not run.", NULL, NULL},
    [MV_METRIC_LATE] = {"mavilua_schedules_late", COUNTER, {"schedule", NULL},
                        "Lapses: a schedule had not succeeded for as long as it expects.", NULL, NULL},
    [MV_METRIC_SUCCESS] = {"mavilua_schedule_success_timestamp_seconds", GAUGE, {"schedule", NULL},
                           "When a schedule last succeeded, since the start of the host.", "seconds",
                           NULL},
    [MV_METRIC_API_CALLS] = {"mavilua_api_calls", COUNTER, {"action", "outcome"},
                             "Calls of the platform, each attempt.", NULL, NULL},
    [MV_METRIC_API_RETRIES] = {"mavilua_api_retries", COUNTER, {"action", NULL},
                               "Calls of the platform that were repeated.", NULL, NULL},
    [MV_METRIC_API_QUOTA] = {"mavilua_api_quota_used", GAUGE, {NULL, NULL},
                             "Calls of this UTC day that count against the daily quota, since the "
                             "start of the host.", NULL, NULL},
    [MV_METRIC_RELOADS] = {"mavilua_reloads", COUNTER, {"outcome", NULL}, "Reloads of the scripts.", NULL, NULL},
    [MV_METRIC_EVENTS] = {"mavilua_events", GAUGE, {"state", NULL}, "Events in the journal by state.", NULL, NULL},
    [MV_METRIC_OLDEST] = {"mavilua_oldest_waiting_seconds", GAUGE, {NULL, NULL},
                          "Age of the oldest event that waits.", "seconds", NULL},
    [MV_METRIC_RUNNING] = {"mavilua_running", GAUGE, {"worker", NULL}, "Events under way.", NULL, NULL},
    [MV_METRIC_LUA_BYTES] = {"mavilua_lua_bytes", GAUGE, {"worker", NULL}, "Memory of the Lua state.",
                             "bytes", NULL},
};

enum { CHAINS = 64 }; /* a metric has a series for each schedule, of which there may be thousands */

/* One combination of label values of a metric. */
struct series {
  struct series *next, *chain;
  char *labels[2];
  double value; /* of a histogram the sum */
  int64_t day;  /* of mv_metrics_add_today */
  uint64_t count, buckets[BOUNDS]; /* in each what is over the bound before and not over its own */
};

struct mv_metrics {
  pthread_mutex_t lock;
  struct table {
    struct series *first, *last; /* in order of their first use */
    struct series *chains[CHAINS];
    struct series *recent; /* found last: as a rule it is wanted again */
  } tables[MV_METRIC_COUNT];
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
    free_series(metrics->tables[i].first);
  pthread_mutex_destroy(&metrics->lock);
  free(metrics);
}

static bool same(const char *a, const char *b) {
  return a == b || strcmp(a ? a : "", b ? b : "") == 0;
}

static bool has_labels(const struct series *series, const char *a, const char *b) {
  return same(series->labels[0], a) && same(series->labels[1], b);
}

/* FNV-1a. */
static size_t chain_of(const char *a, const char *b) {
  uint32_t hash = 2166136261;
  for (; a && *a; a++)
    hash = (hash ^ (unsigned char)*a) * 16777619;
  for (; b && *b; b++)
    hash = (hash ^ (unsigned char)*b) * 16777619;
  return hash % CHAINS;
}

/* The series with these labels, made on first use; NULL when memory is out. Under the lock. */
static struct series *find(struct mv_metrics *metrics, enum mv_metric which, const char *a,
                           const char *b) {
  struct table *table = &metrics->tables[which];
  if (table->recent && has_labels(table->recent, a, b))
    return table->recent;
  struct series **slot = &table->chains[chain_of(a, b)];
  while (*slot && !has_labels(*slot, a, b))
    slot = &(*slot)->chain;
  if (!*slot && (*slot = calloc(1, sizeof **slot))) {
    (*slot)->labels[0] = mv_strdup(a);
    (*slot)->labels[1] = mv_strdup(b);
    *(table->last ? &table->last->next : &table->first) = *slot;
    table->last = *slot;
  }
  return table->recent = *slot;
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
                        double value) {
  pthread_mutex_lock(&metrics->lock);
  struct series *series = find(metrics, which, a, NULL);
  if (series) {
    series->value += value;
    series->count++;
    size_t i = 0;
    while (i < BOUNDS && value > rows[which].bounds[i])
      i++;
    if (i < BOUNDS)
      series->buckets[i]++;
  }
  pthread_mutex_unlock(&metrics->lock);
}

void mv_metrics_add_today(struct mv_metrics *metrics, enum mv_metric which, int64_t day,
                          double amount) {
  pthread_mutex_lock(&metrics->lock);
  struct series *series = find(metrics, which, NULL, NULL);
  if (series) {
    series->value = series->day == day ? series->value + amount : amount;
    series->day = day;
  }
  pthread_mutex_unlock(&metrics->lock);
}

void mv_metrics_clear(struct mv_metrics *metrics, enum mv_metric which) {
  pthread_mutex_lock(&metrics->lock);
  free_series(metrics->tables[which].first);
  metrics->tables[which] = (struct table){.first = NULL};
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
  uint64_t sum = 0;
  for (size_t i = 0; i < BOUNDS; i++) {
    sum += series->buckets[i];
    snprintf(le, sizeof le, "%g", row->bounds[i]);
    if (!strchr(le, '.'))
      strcat(le, ".0"); /* as the standard wants it */
    put_line(out, row, "_bucket", series, le, (double)sum);
  }
  put_line(out, row, "_bucket", series, "+Inf", (double)series->count);
  put_line(out, row, "_count", series, NULL, (double)series->count);
  put_line(out, row, "_sum", series, NULL, series->value);
}

static void put_metric(struct mv_bytes *out, const struct row *row, const struct series *series) {
  static const char *const shapes[] = {"counter", "gauge", "histogram"};
  mv_bytes_printf(out, "# TYPE %s %s\n", row->name, shapes[row->shape]);
  if (row->unit)
    mv_bytes_printf(out, "# UNIT %s %s\n", row->name, row->unit);
  mv_bytes_printf(out, "# HELP %s %s\n", row->name, row->help);
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
    put_metric(out, &rows[i], metrics->tables[i].first);
  pthread_mutex_unlock(&metrics->lock);
  mv_bytes_puts(out, "# EOF\n");
}
