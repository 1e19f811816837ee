#include "host/waiters.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"

/* Their number is bounded by the listener's connections and each waits equally long, so a list in
 * the order of deadlines is enough; the hash keeps finding an event cheap. */
enum { SLOTS = 256 };

struct waiter {
  struct waiter *next;            /* in its slot */
  struct waiter *younger, *older; /* by deadline */
  int64_t event, deadline;        /* ms, monotonic */
  struct mv_call *call;
};

struct mv_waiters {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t thread;
  bool closing;
  int patience;
  struct waiter *slots[SLOTS];
  struct waiter *oldest, *youngest;
};

/* ---- answers -------------------------------------------------------------------------------- */

/* {"accepted":true,"event":7}, and what became of it if that is not plain. */
static void accepted(struct mv_call *call, unsigned status, int64_t event, const char *became,
                     const char *reason) {
  json_t *body = json_pack("{s:b, s:I}", "accepted", 1, "event", (json_int_t)event);
  if (became)
    json_object_set_new(body, became, json_true());
  if (reason)
    json_object_set_new(body, "reason", json_string(reason));
  char *text = body ? mv_json_text(body) : NULL;
  mv_call_reply(call, status, NULL, text ? text : "{}", text ? strlen(text) : 2, NULL);
  free(text);
  json_decref(body);
}

/* What the sender is told of an event without a reply. Why it died is for the log. */
static void tell(struct mv_call *call, int64_t event, const struct mv_ending *ending) {
  switch (ending->state) {
  case MV_EVENT_DONE:
    accepted(call, 200, event, NULL, NULL);
    break;
  case MV_EVENT_CANCELLED:
    accepted(call, 200, event, "cancelled", ending->reason);
    break;
  case MV_EVENT_DEAD:
  case MV_EVENT_SKIPPED:
    accepted(call, 500, event, mv_event_state_name(ending->state), NULL);
    break;
  default:
    accepted(call, 202, event, NULL, NULL);
  }
}

static bool plain(const char *text) {
  return text[strcspn(text, "\r\n")] == 0;
}

/* The reply's headers as lines; its Content-Type is taken out into *type. */
static void put_headers(struct mv_bytes *lines, json_t *headers, const char **type) {
  const char *name;
  json_t *value;
  json_object_foreach(headers, name, value) {
    char *text = mv_json_scalar_text(value);
    if (strcasecmp(name, "content-type") == 0 && json_is_string(value))
      *type = json_string_value(value);
    else if (text && plain(text) && plain(name) && !strchr(name, ':'))
      mv_bytes_printf(lines, "%s%s: %s", lines->length ? "\n" : "", name, text);
    free(text);
  }
}

void mv_waiters_reply(struct mv_call *call, json_t *reply) {
  json_t *status = json_object_get(reply, "status"), *json = json_object_get(reply, "json");
  json_t *body = json_object_get(reply, "body");
  const char *type = json ? NULL : "text/plain; charset=utf-8";
  struct mv_bytes lines = {0}, text = {0};
  json_int_t code = json_is_integer(status) ? json_integer_value(status) : 200;
  put_headers(&lines, json_object_get(reply, "headers"), &type);
  if (json)
    mv_json_write(&text, json);
  else if (json_is_string(body))
    mv_bytes_append(&text, json_string_value(body), json_string_length(body));
  mv_call_reply(call, code >= 200 && code <= 599 ? (unsigned)code : 500, type,
                text.data ? text.data : "", text.length, lines.data);
  mv_bytes_free(&lines);
  mv_bytes_free(&text);
}

/* ---- the list ------------------------------------------------------------------------------- */

static struct waiter **slot_of(struct mv_waiters *waiters, int64_t event) {
  return &waiters->slots[(uint64_t)event % SLOTS];
}

static void link_in(struct mv_waiters *waiters, struct waiter *waiter) {
  struct waiter **slot = slot_of(waiters, waiter->event);
  waiter->next = *slot;
  *slot = waiter;
  waiter->older = waiters->youngest;
  if (waiters->youngest)
    waiters->youngest->younger = waiter;
  else
    waiters->oldest = waiter;
  waiters->youngest = waiter;
}

static void unlink_it(struct mv_waiters *waiters, struct waiter *waiter) {
  struct waiter **slot = slot_of(waiters, waiter->event);
  while (*slot != waiter)
    slot = &(*slot)->next;
  *slot = waiter->next;
  *(waiter->older ? &waiter->older->younger : &waiters->oldest) = waiter->younger;
  *(waiter->younger ? &waiter->younger->older : &waiters->youngest) = waiter->older;
}

/* Takes the oldest one out if its time is up, or always with `all`. */
static struct waiter *take_oldest(struct mv_waiters *waiters, bool all) {
  struct waiter *oldest = waiters->oldest;
  if (!oldest || (!all && oldest->deadline > mv_clock_monotonic(NULL)))
    return NULL;
  unlink_it(waiters, oldest);
  return oldest;
}

static void give_up(struct waiter *waiter) {
  accepted(waiter->call, 202, waiter->event, NULL, NULL);
  free(waiter);
}

static void sleep_until_change(struct mv_waiters *waiters) {
  if (!waiters->oldest) {
    pthread_cond_wait(&waiters->changed, &waiters->lock);
    return;
  }
  struct timespec until = {.tv_sec = waiters->oldest->deadline / 1000,
                           .tv_nsec = waiters->oldest->deadline % 1000 * 1000000};
  pthread_cond_timedwait(&waiters->changed, &waiters->lock, &until);
}

static void *watch(void *owner) {
  struct mv_waiters *waiters = owner;
  pthread_mutex_lock(&waiters->lock);
  while (!waiters->closing) {
    struct waiter *late = take_oldest(waiters, false);
    if (!late) {
      sleep_until_change(waiters);
      continue;
    }
    pthread_mutex_unlock(&waiters->lock);
    give_up(late);
    pthread_mutex_lock(&waiters->lock);
  }
  pthread_mutex_unlock(&waiters->lock);
  return NULL;
}

struct mv_waiters *mv_waiters_new(int patience_ms) {
  struct mv_waiters *waiters = calloc(1, sizeof *waiters);
  pthread_condattr_t monotonic;
  if (!waiters)
    return NULL;
  waiters->patience = patience_ms;
  pthread_mutex_init(&waiters->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&waiters->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  if (pthread_create(&waiters->thread, NULL, watch, waiters) == 0)
    return waiters;
  pthread_cond_destroy(&waiters->changed);
  pthread_mutex_destroy(&waiters->lock);
  free(waiters);
  return NULL;
}

void mv_waiters_flush(struct mv_waiters *waiters) {
  for (;;) {
    pthread_mutex_lock(&waiters->lock);
    struct waiter *waiter = take_oldest(waiters, true);
    pthread_mutex_unlock(&waiters->lock);
    if (!waiter)
      return;
    give_up(waiter);
  }
}

void mv_waiters_free(struct mv_waiters *waiters) {
  if (!waiters)
    return;
  pthread_mutex_lock(&waiters->lock);
  waiters->closing = true;
  pthread_cond_broadcast(&waiters->changed);
  pthread_mutex_unlock(&waiters->lock);
  pthread_join(waiters->thread, NULL);
  mv_waiters_flush(waiters);
  pthread_cond_destroy(&waiters->changed);
  pthread_mutex_destroy(&waiters->lock);
  free(waiters);
}

void mv_waiters_add(struct mv_waiters *waiters, int64_t event, struct mv_call *call) {
  struct waiter *waiter = calloc(1, sizeof *waiter);
  if (!waiter) {
    accepted(call, 202, event, NULL, NULL);
    return;
  }
  *waiter = (struct waiter){.event = event, .call = call,
                            .deadline = mv_clock_monotonic(NULL) + waiters->patience};
  pthread_mutex_lock(&waiters->lock);
  bool first = !waiters->oldest;
  link_in(waiters, waiter);
  if (first)
    pthread_cond_broadcast(&waiters->changed);
  pthread_mutex_unlock(&waiters->lock);
}

static struct waiter *take(struct mv_waiters *waiters, int64_t event) {
  pthread_mutex_lock(&waiters->lock);
  struct waiter *waiter = *slot_of(waiters, event);
  while (waiter && waiter->event != event)
    waiter = waiter->next;
  if (waiter)
    unlink_it(waiters, waiter);
  pthread_mutex_unlock(&waiters->lock);
  return waiter;
}

void mv_waiters_finish(struct mv_waiters *waiters, int64_t event, const struct mv_ending *ending) {
  for (struct waiter *waiter; (waiter = take(waiters, event));) {
    if (ending->state == MV_EVENT_DONE && json_is_object(ending->reply))
      mv_waiters_reply(waiter->call, ending->reply);
    else
      tell(waiter->call, event, ending);
    free(waiter);
  }
}
