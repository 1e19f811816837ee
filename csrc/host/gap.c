#include "host/gap.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"

enum {
  RETRY_MS = 1000, /* between two tries to store the jobs */
  CALM_MS = 2000,  /* refusals that are closer together are one gap */
};

struct mv_gap {
  struct mv_log *log;
  const struct mv_clock *clock;
  pthread_mutex_t lock; /* guards what follows */
  json_t *jobs;         /* names */
  int64_t since;        /* ms; 0: there is no gap */
  const char *why;
  int under_way;        /* jobs with the journal */
  int64_t next_try;     /* ms, monotonic */
};

/* A job on its way to the disk. */
struct gap_job {
  struct mv_accept_op op; /* first */
  struct mv_gap *gap;
  int64_t since;
  const char *why;
};

struct mv_gap *mv_gap_new(struct mv_log *log, const struct mv_clock *clock) {
  struct mv_gap *gap = calloc(1, sizeof *gap);
  if (!gap || !(gap->jobs = json_array())) {
    free(gap);
    return NULL;
  }
  gap->log = log;
  gap->clock = clock;
  pthread_mutex_init(&gap->lock, NULL);
  return gap;
}

void mv_gap_free(struct mv_gap *gap) {
  if (!gap)
    return;
  json_decref(gap->jobs);
  pthread_mutex_destroy(&gap->lock);
  free(gap);
}

void mv_gap_load(struct mv_gap *gap, const json_t *definitions) {
  json_t *names = json_array(), *job;
  size_t index;
  json_array_foreach(json_object_get(definitions, "jobs"), index, job)
    if (json_is_true(json_object_get(job, "automatic")))
      json_array_append(names, json_object_get(job, "name"));
  pthread_mutex_lock(&gap->lock);
  json_t *old = gap->jobs;
  gap->jobs = names;
  pthread_mutex_unlock(&gap->lock);
  json_decref(old);
}

void mv_gap_open(struct mv_gap *gap, int64_t since, const char *why) {
  pthread_mutex_lock(&gap->lock);
  if (gap->since == 0 || since < gap->since) {
    gap->since = since;
    gap->why = why;
  }
  pthread_mutex_unlock(&gap->lock);
}

/* On the journal's thread. */
static void stored(struct mv_op *op) {
  struct gap_job *job = (struct gap_job *)(void *)op;
  struct mv_gap *gap = job->gap;
  if (op->failed)
    mv_gap_open(gap, job->since, job->why);
  pthread_mutex_lock(&gap->lock);
  gap->under_way--;
  pthread_mutex_unlock(&gap->lock);
  mv_event_free(job->op.event);
  free(job);
}

/* What is lost while refusals come and go is one job's: it begins when these seconds are over, and all
 * that end in them have its id. */
static void gather(struct mv_event *event, int64_t now) {
  struct mv_bytes id = {0};
  mv_bytes_printf(&id, "refused:%" PRId64, now / CALM_MS);
  event->dedupe = mv_bytes_steal(&id, NULL);
  event->due_at = (now / CALM_MS + 1) * CALM_MS;
}

static struct mv_event *job_event(const char *name, const struct gap_job *job, int64_t now) {
  struct mv_event *event = mv_event_new();
  struct mv_bytes body = {0};
  if (!event)
    return NULL;
  mv_bytes_printf(&body, "{\"since\":%.3f,\"why\":\"%s\"}", (double)job->since / 1000, job->why);
  event->source = MV_SOURCE_JOB;
  event->name = mv_strdup(name);
  event->key = mv_strdup(name);
  event->body = mv_bytes_steal(&body, &event->body_length);
  if (strcmp(job->why, "refused") == 0)
    gather(event, now);
  if (event->name && event->key && event->body)
    return event;
  mv_event_free(event);
  return NULL;
}

static void hand_in(struct mv_gap *gap, struct mv_journal *journal, const char *name, int64_t since,
                    const char *why) {
  struct gap_job *job = calloc(1, sizeof *job);
  if (job) {
    job->op.op.done = stored;
    job->gap = gap;
    job->since = since;
    job->why = why;
    job->op.event = job_event(name, job, mv_clock_wall(gap->clock));
  }
  if (!job || !job->op.event) {
    free(job);
    mv_gap_open(gap, since, why);
    return;
  }
  pthread_mutex_lock(&gap->lock);
  gap->under_way++;
  pthread_mutex_unlock(&gap->lock);
  mv_journal_accept(journal, &job->op);
}

/* Takes the gap, if it is time to. New reference: the jobs to start, or NULL. */
static json_t *take(struct mv_gap *gap, int64_t *since, const char **why) {
  json_t *jobs = NULL;
  int64_t now = mv_clock_monotonic(NULL);
  pthread_mutex_lock(&gap->lock);
  if (gap->since > 0 && gap->under_way == 0 && now >= gap->next_try) {
    jobs = json_incref(gap->jobs);
    *since = gap->since;
    *why = gap->why;
    gap->since = 0;
    gap->next_try = now + RETRY_MS;
  }
  pthread_mutex_unlock(&gap->lock);
  return jobs;
}

void mv_gap_beat(struct mv_gap *gap, struct mv_journal *journal) {
  int64_t since = 0;
  const char *why = NULL;
  json_t *jobs = take(gap, &since, &why), *name;
  size_t index;
  json_array_foreach(jobs, index, name)
    hand_in(gap, journal, json_string_value(name), since, why);
  json_decref(jobs);
}
