#include "host/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "host/request.h"

struct mv_intake {
  struct mv_intake_options with;
  pthread_mutex_t lock; /* guards `routes`, for as long as it takes to take a reference */
  struct mv_routes *routes;
  struct mv_reply *success; /* to webhooks */
};

/* An event on its way to the disk, and the connection that waits for it. */
struct accept {
  struct mv_accept_op op; /* first */
  struct mv_intake *intake;
  struct mv_call *call;
  enum mv_event_source source;
  int64_t began; /* ms, monotonic */
};

struct mv_intake *mv_intake_new(const struct mv_intake_options *options) {
  struct mv_intake *intake = calloc(1, sizeof *intake);
  if (!intake)
    return NULL;
  static const char success[] = "{\"status\":\"success\"}";
  intake->success = mv_reply_new(200, NULL, success, sizeof success - 1);
  if (!intake->success) {
    free(intake);
    return NULL;
  }
  intake->with = *options;
  pthread_mutex_init(&intake->lock, NULL);
  return intake;
}

void mv_intake_free(struct mv_intake *intake) {
  if (!intake)
    return;
  mv_routes_release(intake->routes);
  mv_reply_free(intake->success);
  pthread_mutex_destroy(&intake->lock);
  free(intake);
}

void mv_intake_route(struct mv_intake *intake, struct mv_routes *routes) {
  pthread_mutex_lock(&intake->lock);
  struct mv_routes *old = intake->routes;
  intake->routes = routes;
  pthread_mutex_unlock(&intake->lock);
  mv_routes_release(old);
}

static struct mv_routes *routes_of(struct mv_intake *intake) {
  pthread_mutex_lock(&intake->lock);
  struct mv_routes *routes = intake->routes ? mv_routes_retain(intake->routes) : NULL;
  pthread_mutex_unlock(&intake->lock);
  return routes;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void refuse(struct mv_intake *intake, struct mv_call *call, unsigned status,
                   const char *reason, const char *message, const char *headers) {
  json_t *body = json_pack("{s:s, s:s}", "status", "fail", "message", message);
  char *text = body ? mv_json_text(body) : NULL;
  json_decref(body);
  mv_metrics_add(intake->with.metrics, MV_METRIC_REFUSED, reason, NULL, 1);
  mv_call_reply(call, status, NULL, text ? text : "", text ? strlen(text) : 0, headers);
  free(text);
}

void mv_intake_refused(void *owner, unsigned status) {
  struct mv_intake *intake = owner;
  static const struct {
    unsigned status;
    const char *reason;
  } reasons[] = {{0, "connections"}, {400, "malformed"}, {408, "too_slow"}, {413, "too_large"}};
  const char *reason = "unavailable";
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
    if (reasons[i].status == status)
      reason = reasons[i].reason;
  }
  mv_metrics_add(intake->with.metrics, MV_METRIC_REFUSED, reason, NULL, 1);
}

/* The platform sends nothing twice. */
static void lost(struct mv_intake *intake) {
  mv_gap_open(intake->with.gap, mv_clock_wall(intake->with.clock), "refused");
}

/* Whether path or secret is wrong is not to be told apart. */
static void not_found(struct mv_intake *intake, struct mv_call *call) {
  refuse(intake, call, 404, "not_found", "not found", NULL);
}

static void refuse_error(struct mv_intake *intake, struct mv_call *call,
                         const struct mv_error *err) {
  char message[sizeof err->text + 64];
  if (err->kind == MV_ERROR_DECODE) {
    snprintf(message, sizeof message, "the body is not a webhook: %s", err->text);
    refuse(intake, call, 400, "malformed", message, NULL);
  } else {
    refuse(intake, call, 503, "unavailable", "not stored; try again", "Retry-After: 1");
  }
}

static void acknowledge(const struct accept *accept) {
  char body[96];
  if (accept->source == MV_SOURCE_WEBHOOK) {
    mv_call_reply_with(accept->call, accept->intake->success);
    return;
  }
  int length = snprintf(body, sizeof body, "{\"accepted\":true,\"event\":%" PRId64 ",\"duplicate\":true}",
                        accept->op.id);
  mv_call_reply(accept->call, 200, NULL, body, (size_t)length, NULL);
}

/* `began`: when it came (ms, monotonic). */
static void count(const struct mv_intake *intake, enum mv_event_source source, bool duplicate,
                  int64_t began) {
  struct mv_metrics *metrics = intake->with.metrics;
  double seconds = (double)(mv_clock_monotonic(NULL) - began) / 1000;
  mv_metrics_observe(metrics, MV_METRIC_ACK, NULL, seconds);
  mv_metrics_add(metrics, duplicate ? MV_METRIC_DUPLICATES : MV_METRIC_ACCEPTED,
                 mv_event_source_name(source), NULL, 1);
}

/* On the journal's thread: the event is on disk, or is not. */
static void accepted(struct mv_op *op) {
  struct accept *accept = (struct accept *)(void *)op;
  struct mv_intake *intake = accept->intake;
  if (op->failed) {
    /* the journal tells once; a line for each would fill the disk that is full already */
    mv_log(intake->with.log, MV_LOG_DEBUG, NULL, "a request was refused, it cannot be stored: %s",
           op->error->text);
    if (accept->source == MV_SOURCE_WEBHOOK)
      lost(intake);
    refuse(intake, accept->call, 503, "unavailable", "not stored; try again", "Retry-After: 1");
  } else {
    count(intake, accept->source, accept->op.duplicate, accept->began);
    if (accept->op.reply)
      mv_waiters_reply(accept->call, accept->op.reply);
    else if (accept->source == MV_SOURCE_HOOK && (!accept->op.duplicate || accept->op.open))
      mv_waiters_add(intake->with.waiters, accept->op.id, accept->call);
    else
      acknowledge(accept);
  }
  json_decref(accept->op.reply);
  mv_event_free(accept->op.event);
  free(accept);
}

static void hand_in(struct mv_intake *intake, struct mv_call *call, struct mv_event *event) {
  struct accept *accept = calloc(1, sizeof *accept);
  if (!accept) {
    if (event->source == MV_SOURCE_WEBHOOK)
      lost(intake);
    mv_event_free(event);
    refuse(intake, call, 503, "unavailable", "out of memory", "Retry-After: 1");
    return;
  }
  accept->op.op.done = accepted;
  accept->op.event = event;
  accept->intake = intake;
  accept->call = call;
  accept->source = event->source;
  accept->began = mv_clock_monotonic(NULL);
  mv_call_defer(call);
  mv_journal_accept(intake->with.journal, &accept->op);
}

/* ---- requests ------------------------------------------------------------------------------- */

static bool is_method(const struct mv_call *call, const char *a, const char *b) {
  return strcmp(call->method, a) == 0 || strcmp(call->method, b) == 0;
}

static void take(struct mv_intake *intake, struct mv_call *call, struct mv_event *event,
                 const struct mv_error *err) {
  if (event)
    hand_in(intake, call, event);
  else
    refuse_error(intake, call, err);
}

static void take_webhook(struct mv_intake *intake, struct mv_call *call) {
  struct mv_error err = {0};
  if (is_method(call, "POST", "POST"))
    take(intake, call, mv_request_webhook(call, &err), &err);
  else
    refuse(intake, call, 405, "method", "a webhook is a POST", "Allow: POST");
}

static void take_hook(struct mv_intake *intake, struct mv_call *call, const struct mv_route *route) {
  struct mv_error err = {0};
  if (is_method(call, "POST", "GET"))
    take(intake, call, mv_request_hook(call, route, &err), &err);
  else
    refuse(intake, call, 405, "method", "a hook takes GET and POST", "Allow: GET, POST");
}

void mv_intake_handle(struct mv_call *call, void *owner) {
  struct mv_intake *intake = owner;
  struct mv_routes *routes = routes_of(intake);
  const struct mv_route *hook = NULL;
  int64_t now = mv_clock_wall(intake->with.clock);
  if (routes && mv_routes_is_webhook(routes, call))
    take_webhook(intake, call);
  else if (routes && (hook = mv_routes_hook(routes, call, now)))
    take_hook(intake, call, hook);
  else
    not_found(intake, call);
  mv_routes_release(routes);
}

/* ---- events of the program itself ----------------------------------------------------------- */

/* What is posted, as the request that it stands for. NULL and `err`. */
static struct mv_event *make_posted(struct mv_intake *intake, const char *hook,
                                    const struct mv_call *call, struct mv_error *err) {
  struct mv_routes *routes = routes_of(intake);
  const struct mv_route *route = routes && hook ? mv_routes_named(routes, hook) : NULL;
  struct mv_event *event = NULL;
  if (!hook)
    event = mv_request_webhook(call, err);
  else if (route)
    event = mv_request_hook(call, route, err);
  else
    mv_error_set(err, MV_ERROR_NOT_FOUND, "the scripts register no hook \"%.80s\"; host.hook does that", hook);
  mv_routes_release(routes);
  return event;
}

int mv_intake_post(struct mv_intake *intake, const char *hook, const void *body, size_t length,
                   int64_t *id, struct mv_error *err) {
  const struct mv_call call = {.method = "POST", .path = "", .query = "", .peer = "",
                               .body = length ? body : "", .body_length = length};
  int64_t began = mv_clock_monotonic(NULL);
  bool duplicate;
  struct mv_event *event = make_posted(intake, hook, &call, err);
  if (!event && err->kind == MV_ERROR_DECODE)
    return mv_error_prefix(err, "the body is not a webhook");
  if (!event)
    return -1;
  enum mv_event_source source = event->source;
  if (mv_journal_accept_wait(intake->with.journal, event, id, &duplicate, err))
    return -1;
  count(intake, source, duplicate, began);
  return 0;
}
