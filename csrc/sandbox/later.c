#include "sandbox/later.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"

struct mv_later {
  pthread_t thread;
  struct mv_queue inbox;
  atomic_long watching; /* jobs with `ready` that are posted and not yet run */
  /* the thread's own */
  struct mv_timers timers;
  struct mv_later_job *watchers;
};

static int64_t now_ms(void) {
  return mv_clock_monotonic(NULL);
}

static void unlink_watcher(struct mv_later_job *job) {
  if (job->slot) {
    *job->slot = job->next;
    if (job->next) {
      job->next->slot = job->slot;
    }
    job->slot = NULL;
  }
}

static void carry_out(struct mv_later *later, struct mv_later_job *job) {
  mv_timers_remove(&later->timers, &job->timer);
  unlink_watcher(job);
  if (job->ready) {
    atomic_fetch_sub(&later->watching, 1);
  }
  job->run(job);
}

static void link_watcher(struct mv_later *later, struct mv_later_job *job) {
  job->next = later->watchers;
  job->slot = &later->watchers;
  if (job->next) {
    job->next->slot = &job->next;
  }
  later->watchers = job;
}

static void accept_job(struct mv_later *later, struct mv_later_job *job) {
  if (mv_timers_add(&later->timers, &job->timer, job->timer.due)) {
    carry_out(later, job);
  } else if (job->ready) {
    link_watcher(later, job);
  }
}

static void take_in(struct mv_later *later, int wait_ms) {
  struct mv_node *node = mv_queue_take(&later->inbox, wait_ms);
  while (node) {
    struct mv_node *next = node->next;
    accept_job(later, (struct mv_later_job *)node);
    node = next;
  }
}

static void run_ready(struct mv_later *later) {
  struct mv_later_job *job = later->watchers;
  while (job) {
    struct mv_later_job *next = job->next;
    if (job->ready(job)) {
      carry_out(later, job);
    }
    job = next;
  }
}

static struct mv_later_job *job_of(struct mv_timer *timer) {
  return (struct mv_later_job *)((char *)timer - offsetof(struct mv_later_job, timer));
}

static void run_due(struct mv_later *later, int64_t now) {
  struct mv_timer *timer;
  while ((timer = mv_timers_take(&later->timers, now)) != NULL) {
    carry_out(later, job_of(timer));
  }
}

static bool is_closed(struct mv_later *later) {
  pthread_mutex_lock(&later->inbox.lock);
  bool closed = later->inbox.closed;
  pthread_mutex_unlock(&later->inbox.lock);
  return closed;
}

static void *run(void *argument) {
  struct mv_later *later = argument;
  while (!is_closed(later)) {
    take_in(later, mv_timers_wait(&later->timers, now_ms()));
    run_ready(later);
    run_due(later, now_ms());
  }
  take_in(later, 0);
  run_due(later, INT64_MAX);
  return NULL;
}

struct mv_later *mv_later_start(struct mv_error *err) {
  struct mv_later *later = calloc(1, sizeof *later);
  if (!later || mv_queue_init(&later->inbox)) {
    free(later);
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  if (pthread_create(&later->thread, NULL, run, later)) {
    mv_queue_destroy(&later->inbox);
    free(later);
    mv_error_set(err, MV_ERROR_SYSTEM, "cannot start a thread for what waits");
    return NULL;
  }
  return later;
}

int mv_later_post(struct mv_later *later, struct mv_later_job *job) {
  job->timer = (struct mv_timer){.due = now_ms() + job->delay};
  job->slot = NULL;
  if (job->ready) {
    atomic_fetch_add(&later->watching, 1);
  }
  if (mv_queue_push(&later->inbox, &job->node)) {
    return 0;
  }
  if (job->ready) {
    atomic_fetch_sub(&later->watching, 1);
  }
  return -1;
}

void mv_later_poke(struct mv_later *later) {
  if (atomic_load(&later->watching) > 0) {
    mv_queue_wake(&later->inbox);
  }
}

void mv_later_close(struct mv_later *later) {
  if (later) {
    mv_queue_close(&later->inbox);
    pthread_join(later->thread, NULL);
  }
}

void mv_later_free(struct mv_later *later) {
  if (later) {
    mv_timers_free(&later->timers);
    mv_queue_destroy(&later->inbox);
    free(later);
  }
}
