#include "host/planner.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "host/lapse.h"
#include "host/schedules.h"

#define NAP_MS 2000      /* at least so often the wall clock is looked at: it may have jumped */
#define TEST_NAP_MS 10   /* with a clock of the caller's, which cannot wake us */
#define RETRY_MS 1000    /* until a moment that could not be stored is tried again */
#define JUMP_MS 2000     /* a difference between the clocks that is no drift */
#define GRACE 5          /* seconds a moment may be old and still count as on time */
#define SHOWN 5          /* moments listed before and after now */

struct mv_planner {
  struct mv_planner_options with;
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t changed;
  struct mv_schedules schedules;
  int64_t wall, monotonic; /* ms; when the clocks were compared last */
  bool closing;
  struct mv_queue failed; /* moments to be handed in again; has its own lock */
};

/* ---- moments on their way to the journal ---------------------------------------------------- */

struct moment {
  struct mv_moment_op op; /* first */
  struct mv_planner *planner;
  char *schedule;
  const char *skip; /* constant */
};

static void moment_free(struct moment *moment) {
  mv_event_free(moment->op.event);
  free(moment->schedule);
  free(moment);
}

static void note_skipped(const struct moment *moment, const char *reason) {
  struct mv_planner *planner = moment->planner;
  char when[32];
  mv_metrics_add(planner->with.metrics, MV_METRIC_SKIPPED, moment->schedule, reason, 1);
  mv_log(planner->with.log, MV_LOG_INFO, NULL, "schedule %s: the moment %s is skipped: %s",
         moment->schedule, mv_clock_format(moment->op.moment, when), reason);
}

/* On the journal's thread. */
static void stored(struct mv_op *op) {
  struct moment *moment = (struct moment *)(void *)op;
  const struct mv_moment_result *result = &moment->op.result;
  if (op->failed) {
    mv_log(moment->planner->with.log, MV_LOG_WARN, NULL, "schedule %s: a moment is not stored yet: %s",
           moment->schedule, op->error->text);
    if (mv_queue_push(&moment->planner->failed, &op->node))
      return;
  } else if (result->skipped) {
    note_skipped(moment, moment->skip ? moment->skip : "overlap");
  }
  moment_free(moment);
}

/* A moment that runs gets an event; in a line of its own kind unless runs may overlap. */
static struct mv_event *event_for(const struct mv_schedule_entry *entry, int64_t moment) {
  bool lined = entry->overlap != MV_OVERLAP_ALLOW;
  struct mv_bytes key = {0}, body = {0};
  struct mv_event *event = mv_event_new();
  if (!event)
    return NULL;
  mv_bytes_printf(&key, "schedule:%s", entry->name);
  mv_bytes_printf(&body, "{\"moment\":%" PRId64 "}", moment);
  event->source = MV_SOURCE_SCHEDULE;
  event->name = mv_strdup(entry->name);
  event->key = lined ? mv_bytes_steal(&key, NULL) : NULL;
  event->due_at = moment * 1000 + entry->jitter;
  event->body = mv_bytes_steal(&body, &event->body_length);
  mv_bytes_free(&key);
  if (event->name && event->body && (event->key || !lined))
    return event;
  mv_event_free(event);
  return NULL;
}

static struct moment *moment_new(struct mv_planner *planner, const struct mv_schedule_entry *entry,
                                 const struct mv_plan_item *item, enum mv_overlap overlap) {
  struct moment *moment = calloc(1, sizeof *moment);
  if (!moment)
    return NULL;
  moment->planner = planner;
  moment->schedule = mv_strdup(entry->name);
  moment->skip = item->skip;
  moment->op.op.done = stored;
  moment->op.schedule = moment->schedule;
  moment->op.moment = item->moment * 1000;
  moment->op.overlap = overlap;
  moment->op.skip = item->skip;
  moment->op.event = item->skip ? NULL : event_for(entry, item->moment);
  if (moment->schedule && (item->skip || moment->op.event))
    return moment;
  moment_free(moment);
  return NULL;
}

/* What could not be handed in for want of memory is planned again: `after` stays before it. */
static int64_t hand_in(struct mv_planner *planner, const struct mv_schedule_entry *entry,
                       const struct mv_plan *plan, int64_t now) {
  /* what is made up for waits for each other instead of skipping each other */
  bool late = plan->count && plan->items[0].late && entry->overlap == MV_OVERLAP_SKIP;
  for (size_t i = 0; i < plan->count; i++) {
    struct moment *moment = moment_new(planner, entry, &plan->items[i],
                                       late ? MV_OVERLAP_QUEUE : entry->overlap);
    if (!moment)
      return plan->items[i].moment - 1;
    mv_journal_moment(planner->with.journal, &moment->op);
  }
  return now;
}

static void hand_in_failed(struct mv_planner *planner) {
  struct mv_node *node = mv_queue_take(&planner->failed, 0);
  while (node) {
    struct moment *moment = (struct moment *)(void *)node;
    node = node->next;
    mv_journal_moment(planner->with.journal, &moment->op);
  }
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* It is looked at again when its next moment is due, or its success is missed; cannot fail where
 * the heap has held it before. */
static int arm(struct mv_schedules *schedules, struct mv_schedule_entry *entry) {
  int64_t due = entry->next < entry->look ? entry->next : entry->look;
  if (!entry->begun)
    due = 0;
  mv_timers_remove(&schedules->timers, &entry->timer);
  return due > INT64_MAX / 1000 ? 0 : mv_timers_add(&schedules->timers, &entry->timer, due * 1000);
}

static void advance(struct mv_planner *planner, struct mv_schedule_entry *entry, int64_t now) {
  struct mv_plan plan;
  mv_plan_due(&entry->schedule, entry->after, now, entry->missed, entry->begun ? GRACE : 0, &plan);
  entry->begun = true;
  if (plan.cut)
    mv_log(planner->with.log, MV_LOG_WARN, NULL,
           "schedule %s: more than %d moments were missed; only the last ones are told",
           entry->name, MV_PLAN_MOST);
  entry->after = hand_in(planner, entry, &plan, now);
  if (entry->after > planner->schedules.planned)
    planner->schedules.planned = entry->after;
  entry->next = mv_schedule_next(&entry->schedule, entry->after, NULL);
}

/* A clock set back makes moments come again: they are planned anew, and the store, which knows each
 * moment once, keeps them from running twice. */
static void turn_back(struct mv_planner *planner, int64_t now) {
  struct mv_schedules *schedules = &planner->schedules;
  if (schedules->planned <= now)
    return;
  schedules->planned = now;
  for (size_t i = 0; i < schedules->count; i++) {
    struct mv_schedule_entry *entry = &schedules->entries[i];
    if (entry->after > now) {
      entry->after = now;
      entry->next = mv_schedule_next(&entry->schedule, now, NULL);
      arm(schedules, entry);
    }
  }
}

static void compare_clocks(struct mv_planner *planner, int64_t wall) {
  int64_t monotonic = mv_clock_monotonic(planner->with.clock);
  int64_t jump = (wall - planner->wall) - (monotonic - planner->monotonic);
  bool jumped = jump > JUMP_MS || jump < -JUMP_MS;
  planner->wall = wall;
  planner->monotonic = monotonic;
  if (!jumped || planner->with.clock_told)
    return;
  mv_log(planner->with.log, MV_LOG_WARN, NULL, "the wall clock jumped by %.3f seconds",
         (double)jump / 1000);
  mv_journal_tick(planner->with.journal);
}

/* How long until something may be due: ms. */
static int64_t patience(const struct mv_planner *planner, int64_t wall) {
  bool own_clock = planner->with.clock && planner->with.clock != &mv_clock_system &&
                   !planner->with.clock_told;
  int64_t most = own_clock ? TEST_NAP_MS : NAP_MS;
  int left = mv_timers_wait(&planner->schedules.timers, wall);
  if (left == 0)
    return RETRY_MS; /* what was due could not be handed in */
  if (left < 0)
    return NAP_MS;
  return left < most ? left : most;
}

/* Plans what is due; how long there is nothing to do then. */
static int64_t plan_due(struct mv_planner *planner) {
  int64_t wall = mv_clock_wall(planner->with.clock), now = wall / 1000;
  struct mv_schedules *schedules = &planner->schedules;
  const struct mv_lapses lapses = {planner->with.journal, planner->with.metrics, planner->with.log};
  compare_clocks(planner, wall);
  turn_back(planner, now);
  for (size_t left = schedules->timers.count; left > 0; left--) {
    struct mv_timer *timer = mv_timers_take(&schedules->timers, now * 1000);
    struct mv_schedule_entry *entry = (struct mv_schedule_entry *)(void *)timer;
    if (!entry)
      break;
    if (entry->next <= now || !entry->begun)
      advance(planner, entry, now);
    if (entry->look <= now)
      entry->look = mv_lapse_look(&lapses, entry, now);
    arm(schedules, entry);
  }
  return mv_queue_length(&planner->failed) ? RETRY_MS : patience(planner, wall);
}

static void nap(struct mv_planner *planner, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t ns = until.tv_nsec + ms % 1000 * 1000000 + 1000; /* not a hair too early */
  until.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
  until.tv_nsec = (long)(ns % 1000000000);
  pthread_cond_timedwait(&planner->changed, &planner->lock, &until);
}

static void *run(void *owner) {
  struct mv_planner *planner = owner;
  pthread_mutex_lock(&planner->lock);
  while (!planner->closing) {
    nap(planner, plan_due(planner));
    hand_in_failed(planner);
    if (planner->with.look)
      planner->with.look(planner->with.owner);
  }
  pthread_mutex_unlock(&planner->lock);
  return NULL;
}

/* ---- from other threads --------------------------------------------------------------------- */

int mv_planner_check(json_t *definitions, struct mv_error *err) {
  struct mv_schedules schedules;
  if (mv_schedules_read(&schedules, definitions, err))
    return -1;
  mv_schedules_free(&schedules);
  return 0;
}

struct mv_planner *mv_planner_start(const struct mv_planner_options *options,
                                    struct mv_error *err) {
  struct mv_planner *planner = calloc(1, sizeof *planner);
  pthread_condattr_t monotonic;
  if (!planner) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  planner->with = *options;
  planner->wall = mv_clock_wall(options->clock);
  planner->monotonic = mv_clock_monotonic(options->clock);
  mv_queue_init(&planner->failed);
  pthread_mutex_init(&planner->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&planner->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  int status = pthread_create(&planner->thread, NULL, run, planner);
  if (status == 0)
    return planner;
  planner->closing = true;
  planner->thread = pthread_self();
  mv_planner_free(planner);
  mv_error_set(err, MV_ERROR_SYSTEM, "cannot start a thread: %s", strerror(status));
  return NULL;
}

/* Inside a transaction: where each schedule stands. A new one, or one with other moments than before,
 * begins now. */
static int note_schedules(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                          struct mv_error *err) {
  struct mv_schedules *schedules = context;
  (void)wake_at;
  for (size_t i = 0; i < schedules->count; i++) {
    struct mv_schedule_entry *entry = &schedules->entries[i];
    struct mv_schedule_row row = {0};
    if (mv_store_schedule(store, entry->name, entry->definition, now, &row, err))
      return -1;
    int64_t last = row.last_moment > row.first_seen ? row.last_moment : row.first_seen;
    entry->after = (row.changed ? now : last) / 1000;
    entry->next = mv_schedule_next(&entry->schedule, entry->after, NULL);
    if (entry->after > schedules->planned)
      schedules->planned = entry->after;
    if (mv_lapse_watch(store, entry, &row, now, err))
      return -1;
    if (arm(schedules, entry))
      return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  }
  return 0;
}

int mv_planner_load(struct mv_planner *planner, json_t *definitions, struct mv_error *err) {
  struct mv_schedules fresh, old;
  if (mv_schedules_read(&fresh, definitions, err))
    return -1;
  pthread_mutex_lock(&planner->lock); /* nothing is planned in between */
  int failed = mv_journal_call_wait(planner->with.journal, note_schedules, &fresh, err);
  if (!failed) {
    old = planner->schedules;
    planner->schedules = fresh;
    fresh = old;
    pthread_cond_broadcast(&planner->changed);
  }
  pthread_mutex_unlock(&planner->lock);
  mv_schedules_free(&fresh);
  return failed;
}

/* ---- for the admin -------------------------------------------------------------------------- */

static json_t *time_text(int64_t ms) {
  char when[32];
  return json_string(mv_clock_format(ms, when));
}

static json_t *list_next(const struct mv_schedule_entry *entry) {
  json_t *list = json_array();
  int64_t moment = entry->next;
  for (int i = 0; i < SHOWN && moment < INT64_MAX; i++) {
    json_array_append_new(list, time_text(moment * 1000));
    moment = mv_schedule_next(&entry->schedule, moment, NULL);
  }
  return list;
}

static json_t *describe_moment(const struct mv_moment *moment) {
  json_t *object = json_object();
  json_object_set_new(object, "moment", time_text(moment->moment));
  json_object_set_new(object, "state", json_string(mv_event_state_name(moment->state)));
  if (moment->event)
    json_object_set_new(object, "event", json_integer(moment->event));
  if (moment->reason)
    json_object_set_new(object, "reason", json_string(moment->reason));
  return object;
}

static int put_last(json_t *object, const char *name, struct mv_store *reader,
                    struct mv_error *err) {
  struct mv_moment *moments = NULL;
  int count = mv_store_moments(reader, name, SHOWN, &moments, err);
  if (count < 0)
    return -1;
  json_t *list = json_array();
  for (int i = 0; i < count; i++)
    json_array_append_new(list, describe_moment(&moments[i]));
  mv_store_moments_free(moments, count);
  json_object_set_new(object, "last", list);
  return 0;
}

json_t *mv_planner_list(struct mv_planner *planner, struct mv_store *reader, size_t from, size_t count,
                        size_t *all, struct mv_error *err) {
  json_t *list = json_array(), *object;
  size_t index;
  pthread_mutex_lock(&planner->lock);
  *all = planner->schedules.count;
  for (size_t i = from; i < *all && i - from < count; i++) {
    const struct mv_schedule_entry *entry = &planner->schedules.entries[i];
    object = json_deep_copy(entry->source);
    json_object_set_new(object, "next", list_next(entry));
    json_array_append_new(list, object);
  }
  pthread_mutex_unlock(&planner->lock);
  json_array_foreach(list, index, object) {
    if (put_last(object, json_string_value(json_object_get(object, "name")), reader, err)) {
      json_decref(list);
      return NULL;
    }
  }
  return list;
}

/* ---- the end -------------------------------------------------------------------------------- */

void mv_planner_tick(struct mv_planner *planner) {
  pthread_mutex_lock(&planner->lock);
  plan_due(planner);
  pthread_cond_signal(&planner->changed);
  pthread_mutex_unlock(&planner->lock);
}

void mv_planner_stop(struct mv_planner *planner) {
  if (!planner || planner->closing)
    return;
  pthread_mutex_lock(&planner->lock);
  planner->closing = true;
  pthread_cond_broadcast(&planner->changed);
  pthread_mutex_unlock(&planner->lock);
  pthread_join(planner->thread, NULL);
  mv_queue_close(&planner->failed); /* what fails from now on is planned anew at the next start */
}

void mv_planner_free(struct mv_planner *planner) {
  if (!planner)
    return;
  mv_planner_stop(planner);
  struct mv_node *node = mv_queue_take(&planner->failed, 0);
  while (node) {
    struct moment *moment = (struct moment *)(void *)node;
    node = node->next;
    moment_free(moment);
  }
  mv_schedules_free(&planner->schedules);
  mv_queue_destroy(&planner->failed);
  pthread_cond_destroy(&planner->changed);
  pthread_mutex_destroy(&planner->lock);
  free(planner);
}
