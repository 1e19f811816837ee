#include "host/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "net/form.h"
#include "net/origin.h"
#include "net/server.h"

struct mv_admin {
  struct mv_admin_options with;
  struct mv_server *server;
  struct mv_store *reader; /* of the server's one thread */
};

/* ---- answers -------------------------------------------------------------------------------- */

/* Sends and drops `body`. */
static void answer(struct mv_call *call, unsigned status, json_t *body) {
  struct mv_bytes text = {0};
  if (!body || mv_json_write(&text, body) || mv_bytes_putc(&text, '\n'))
    mv_call_reply(call, 500, NULL, "{}", 2, NULL);
  else
    mv_call_reply(call, status, NULL, text.data, text.length, NULL);
  mv_bytes_free(&text);
  json_decref(body);
}

static void answer_error(struct mv_call *call, const struct mv_error *err) {
  unsigned status = 500;
  if (err->kind == MV_ERROR_NOT_FOUND)
    status = 404;
  else if (err->kind == MV_ERROR_USAGE)
    status = 409;
  else if (err->kind == MV_ERROR_BUSY)
    status = 503;
  answer(call, status, json_pack("{s:s}", "error", err->text));
}

static void answer_usage(struct mv_call *call, const char *message) {
  answer(call, 400, json_pack("{s:s}", "error", message));
}

/* ---- events as JSON ------------------------------------------------------------------------- */

static void put_text(json_t *object, const char *name, const char *text) {
  if (!text)
    return;
  json_t *value = json_string(text);
  json_object_set_new(object, name, value ? value : json_string("(not UTF-8)"));
}

static void put_time(json_t *object, const char *name, int64_t ms) {
  char when[32];
  if (ms > 0 && ms < MV_STORE_NEVER)
    json_object_set_new(object, name, json_string(mv_clock_format(ms, when)));
}

/* Text as a string; other bytes in hexadecimal. */
static void put_body(json_t *object, const struct mv_event *event) {
  json_t *text = json_stringn(event->body ? event->body : "", event->body_length);
  struct mv_bytes hex = {0};
  if (text) {
    json_object_set_new(object, "body", text);
    return;
  }
  for (size_t i = 0; event->body && i < event->body_length; i++)
    mv_bytes_printf(&hex, "%02x", (unsigned)(unsigned char)event->body[i]);
  put_text(object, "body_hex", hex.data);
  mv_bytes_free(&hex);
}

static json_t *describe(const struct mv_event *event) {
  json_t *object = json_object();
  json_object_set_new(object, "id", json_integer(event->id));
  put_text(object, "state", mv_event_state_name(event->state));
  put_text(object, "source", mv_event_source_name(event->source));
  put_text(object, "name", event->name);
  put_text(object, "key", event->key);
  put_text(object, "dedupe", event->dedupe);
  json_object_set_new(object, "attempt", json_integer(event->attempt));
  json_object_set_new(object, "crashes", json_integer(event->crashes));
  put_time(object, "accepted_at", event->accepted_at);
  put_time(object, "due_at", event->due_at);
  put_time(object, "started_at", event->started_at);
  put_time(object, "finished_at", event->finished_at);
  put_text(object, "handler", event->handler);
  put_text(object, "reason", event->reason);
  put_text(object, "stopping", event->stop);
  return object;
}

/* ---- what is shown -------------------------------------------------------------------------- */

static void show_health(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  (void)admin;
  (void)argument;
  answer(call, 200, json_pack("{s:s}", "status", "ok"));
}

static void show_ready(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  bool ready = admin->with.ready(admin->with.owner);
  (void)argument;
  answer(call, ready ? 200 : 503, json_pack("{s:b}", "ready", ready));
}

static double age_of_oldest(struct mv_admin *admin) {
  struct mv_store_stats stats;
  if (mv_store_stats(admin->reader, &stats, NULL) || stats.oldest_due == MV_STORE_NEVER)
    return 0;
  int64_t age = mv_clock_wall(admin->with.clock) - stats.oldest_due;
  return age > 0 ? (double)age / 1000 : 0;
}

static void show_metrics(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  static const char type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  struct mv_journal_metrics journal;
  struct mv_bytes text = {0};
  (void)argument;
  mv_journal_metrics(admin->with.journal, &journal);
  for (int i = 0; i < MV_EVENT_STATES; i++)
    mv_metrics_set(admin->with.metrics, MV_METRIC_EVENTS, mv_event_state_name((enum mv_event_state)i),
                   NULL, (double)journal.states[i]);
  mv_metrics_set(admin->with.metrics, MV_METRIC_OLDEST, NULL, NULL, age_of_oldest(admin));
  admin->with.gauges(admin->with.owner);
  mv_metrics_write(admin->with.metrics, &text);
  mv_call_reply(call, text.failed ? 500 : 200, type, text.data ? text.data : "", text.length, NULL);
  mv_bytes_free(&text);
}

/* Running in the store but on no worker: should there ever be one, nobody would finish it. */
static int64_t count_lost(const struct mv_journal_metrics *journal) {
  int64_t lost = journal->states[MV_EVENT_RUNNING] - (int64_t)journal->running;
  return lost > 0 ? lost : 0;
}

/* Nothing runs, and nothing will before the clock goes on or something comes. */
static bool is_idle(const struct mv_admin *admin, const struct mv_journal_metrics *m) {
  return m->running == 0 && m->waiting == 0 && m->next_due > mv_clock_wall(admin->with.clock);
}

static void show_summary(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  struct mv_journal_metrics m;
  json_t *states = json_object();
  (void)argument;
  mv_journal_metrics(admin->with.journal, &m);
  for (int i = 0; i < MV_EVENT_STATES; i++)
    json_object_set_new(states, mv_event_state_name((enum mv_event_state)i),
                        json_integer(m.states[i]));
  json_t *summary =
         json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
                   "accepted", (json_int_t)m.accepted + (json_int_t)m.jobs, "duplicates",
                   (json_int_t)m.duplicates, "refused", (json_int_t)m.refused, "done",
                   (json_int_t)m.done, "retried", (json_int_t)m.retried, "dead",
                   (json_int_t)m.dead, "skipped", (json_int_t)m.skipped, "cancelled",
                   (json_int_t)m.cancelled, "released", (json_int_t)m.released, "recovered",
                   (json_int_t)m.recovered, "waiting",
                   (json_int_t)m.states[MV_EVENT_AVAILABLE] + (json_int_t)m.states[MV_EVENT_RETRYABLE],
                   "running", (json_int_t)m.running, "moments", (json_int_t)m.moments, "lost",
                   (json_int_t)count_lost(&m), "states", states);
  json_object_set_new(summary, "idle", json_boolean(is_idle(admin, &m)));
  put_time(summary, "next_due", m.next_due);
  answer(call, 200, summary);
}

/* A number of the query; -1 when it is none. */
static int64_t number(const char *query, const char *name, int64_t otherwise) {
  char *text = mv_form_value(query, name), *end;
  if (!text)
    return otherwise;
  errno = 0;
  int64_t value = strtoll(text, &end, 10);
  if (errno || !*text || *end || value < 0)
    value = -1;
  free(text);
  return value;
}

struct filter {
  struct mv_store_filter filter;
  char *key, *handler, *name;
};

static const char *read_filter(struct filter *out, const char *query) {
  char *state = mv_form_value(query, "state");
  int64_t limit = number(query, "limit", 50), cursor = number(query, "cursor", 0);
  out->key = mv_form_value(query, "key");
  out->handler = mv_form_value(query, "handler");
  out->name = mv_form_value(query, "name");
  out->filter = (struct mv_store_filter){.state = state ? mv_event_state_of(state) : -1,
                                         .key = out->key,
                                         .handler = out->handler,
                                         .name = out->name,
                                         .cursor = cursor,
                                         .limit = limit > 1000 ? 1000 : (int)limit};
  bool known = !state || out->filter.state >= 0;
  free(state);
  if (!known)
    return "state is available, running, retryable, done, dead, skipped or cancelled";
  return limit < 1 || cursor < 0 ? "limit and cursor are numbers above 0" : NULL;
}

/* Takes the list apart. */
static json_t *describe_all(struct mv_event *list, int64_t *last) {
  json_t *events = json_array();
  while (list) {
    struct mv_event *event = list;
    list = (struct mv_event *)(void *)event->node.next;
    *last = event->id;
    json_array_append_new(events, describe(event));
    mv_event_free(event);
  }
  return events;
}

static void list_events(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  struct filter filter;
  struct mv_error err = {0};
  struct mv_event *list = NULL;
  int64_t last = 0;
  const char *misuse = read_filter(&filter, call->query);
  int count = misuse ? 0 : mv_store_list(admin->reader, &filter.filter, &list, &err);
  (void)argument;
  if (misuse) {
    answer_usage(call, misuse);
  } else if (count < 0) {
    answer_error(call, &err);
  } else {
    json_t *events = describe_all(list, &last);
    json_t *cursor = count == filter.filter.limit ? json_integer(last) : json_null();
    answer(call, 200, json_pack("{s:o, s:o}", "events", events, "cursor", cursor));
  }
  free(filter.key);
  free(filter.handler);
  free(filter.name);
}

static int64_t id_of(const char *argument) {
  int64_t id = 0;
  for (const char *p = argument; *p && *p != '/'; p++) {
    if (*p < '0' || *p > '9' || id > INT64_MAX / 10 - 10)
      return 0;
    id = id * 10 + (*p - '0');
  }
  return id;
}

static void show_event(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  struct mv_error err = {0};
  struct mv_event *event = mv_store_get(admin->reader, id_of(argument), &err);
  if (!event) {
    answer_error(call, &err);
    return;
  }
  json_t *object = describe(event);
  put_body(object, event);
  if (event->meta)
    json_object_set_new(object, "meta", mv_json_parse(event->meta, strlen(event->meta), NULL));
  answer(call, 200, object);
  mv_event_free(event);
}

static void list_schedules(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  struct mv_error err = {0};
  json_t *list = mv_planner_list(admin->with.planner, admin->reader, &err);
  (void)argument;
  if (list)
    answer(call, 200, json_pack("{s:o}", "schedules", list));
  else
    answer_error(call, &err);
}

static json_t *describe_blocked(const struct mv_blocked *blocked) {
  json_t *object = json_object();
  put_text(object, "key", blocked->key);
  json_object_set_new(object, "event", json_integer(blocked->head));
  json_object_set_new(object, "attempt", json_integer(blocked->attempt));
  json_object_set_new(object, "waiting", json_integer(blocked->waiting));
  put_time(object, "next_attempt", blocked->due_at);
  put_text(object, "reason", blocked->reason);
  return object;
}

static void list_blocked(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  struct mv_error err = {0};
  struct mv_blocked *blocked = NULL;
  int count = mv_store_blocked(admin->reader, 1000, &blocked, &err);
  json_t *list = json_array();
  (void)argument;
  for (int i = 0; i < count; i++)
    json_array_append_new(list, describe_blocked(&blocked[i]));
  if (count >= 0) {
    mv_store_blocked_free(blocked, count);
    answer(call, 200, json_pack("{s:o}", "keys", list));
  } else {
    json_decref(list);
    answer_error(call, &err);
  }
}

static void list_handlers(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  (void)argument;
  answer(call, 200, admin->with.definitions(admin->with.owner));
}

/* ---- what is done --------------------------------------------------------------------------- */

struct change {
  int64_t id;
  bool stopping; /* out: it runs, and is to end first */
};

static int replay_in_store(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                           struct mv_error *err) {
  return mv_store_replay(store, ((struct change *)context)->id, now, wake_at, err);
}

static int cancel_in_store(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                           struct mv_error *err) {
  struct change *change = context;
  size_t before, after;
  mv_store_stops(store, &before);
  int failed = mv_store_cancel(store, change->id, "by an operator", now, wake_at, err);
  mv_store_stops(store, &after);
  change->stopping = after > before;
  return failed;
}

static void change(struct mv_admin *admin, struct mv_call *call, int64_t id,
                   int (*how)(struct mv_store *, void *, int64_t, int64_t *, struct mv_error *)) {
  struct mv_error err = {0};
  struct change change = {.id = id};
  if (mv_journal_call_wait(admin->with.journal, how, &change, &err))
    answer_error(call, &err);
  else
    answer(call, 200, json_pack("{s:I, s:b, s:b}", "event", (json_int_t)id, "ok", true, "stopping",
                                change.stopping));
}

static void replay(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  change(admin, call, id_of(argument), replay_in_store);
}

static void cancel(struct mv_admin *admin, struct mv_call *call, const char *argument) {
  change(admin, call, id_of(argument), cancel_in_store);
}

/* ---- routes --------------------------------------------------------------------------------- */

struct action {
  const char *method;
  const char *before, *after; /* of the argument in the path; `after` NULL: there is none */
  bool open;                  /* asks for no token */
  void (*run)(struct mv_admin *admin, struct mv_call *call, const char *argument);
};

static const struct action actions[] = {
    {"GET", "/healthz", NULL, true, show_health},
    {"GET", "/readyz", NULL, true, show_ready},
    {"GET", "/metrics", NULL, false, show_metrics},
    {"GET", "/api/summary", NULL, false, show_summary},
    {"GET", "/api/events", NULL, false, list_events},
    {"GET", "/api/events/", "", false, show_event},
    {"POST", "/api/events/", "/replay", false, replay},
    {"POST", "/api/events/", "/cancel", false, cancel},
    {"GET", "/api/schedules", NULL, false, list_schedules},
    {"GET", "/api/keys/blocked", NULL, false, list_blocked},
    {"GET", "/api/handlers", NULL, false, list_handlers},
};

/* The argument in the path, "" without one, or NULL when the path is another's. */
static const char *match(const struct action *action, const char *path) {
  size_t length = strlen(action->before);
  if (strncmp(path, action->before, length) != 0)
    return NULL;
  path += length;
  if (!action->after)
    return *path ? NULL : "";
  const char *end = path + strcspn(path, "/");
  return end > path && strcmp(end, action->after) == 0 ? path : NULL;
}

/* Without a token the loopback is the guard; but pages in a browser of this machine are behind it,
 * too. They send an Origin with what they change, and come under a name of theirs (DNS rebinding)
 * to read. */
static bool from_a_page(const struct mv_admin *admin, const struct mv_call *call) {
  const char *host = mv_call_header(call, "Host");
  return mv_origin_is_foreign(call) || (!admin->with.token && host && !mv_origin_is_plain(host));
}

static bool has_token(const struct mv_admin *admin, const struct mv_call *call) {
  const char *given = mv_call_header(call, "Authorization");
  return !admin->with.token || (given && strncasecmp(given, "Bearer ", 7) == 0 &&
                                mv_secret_equal(given + 7, admin->with.token));
}

/* Whether the caller may go on; otherwise he is answered. */
static bool let_in(const struct mv_admin *admin, struct mv_call *call) {
  unsigned status = from_a_page(admin, call) ? 403 : has_token(admin, call) ? 0 : 401;
  if (status == 403)
    answer(call, status, json_pack("{s:s}", "error", "not for web pages: the request has the Origin "
                                   "of another place, or names this one by a name that is not "
                                   "localhost or an address"));
  else if (status)
    answer(call, status, json_pack("{s:s}", "error", "needs Authorization: Bearer <admin token>"));
  return status == 0;
}

static void handle(struct mv_call *call, void *owner) {
  struct mv_admin *admin = owner;
  bool head = strcmp(call->method, "HEAD") == 0, other_method = false;
  const char *method = head ? "GET" : call->method;
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
    const char *argument = match(&actions[i], call->path);
    if (!argument)
      continue;
    if (strcmp(method, actions[i].method) != 0) {
      other_method = true;
      continue;
    }
    if (actions[i].open || let_in(admin, call))
      actions[i].run(admin, call, argument);
    return;
  }
  answer(call, other_method ? 405 : 404,
         json_pack("{s:s}", "error", other_method ? "not with this method" : "not found"));
}

static bool on_loopback(const char *listen) {
  return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]:", 6) == 0 ||
         strncmp(listen, "localhost:", 10) == 0;
}

static int start(struct mv_admin *admin, struct mv_error *err) {
  const struct mv_admin_options *with = &admin->with;
  struct mv_server_options options = {.listen = with->listen, .handler = handle, .owner = admin,
                                      .log = with->log, .threads = 1, .connections = 64,
                                      .max_body = 65536};
  if (!with->token && !on_loopback(with->listen))
    return mv_error_set(err, MV_ERROR_USAGE,
                        "the admin listener at %s can be reached by others; set an admin token, or "
                        "listen at 127.0.0.1", with->listen);
  admin->reader = mv_journal_reader(with->journal, err);
  if (admin->reader)
    admin->server = mv_server_start(&options, err);
  return admin->server ? 0 : mv_error_prefix(err, "admin");
}

struct mv_admin *mv_admin_start(const struct mv_admin_options *options, struct mv_error *err) {
  struct mv_admin *admin = calloc(1, sizeof *admin);
  if (!admin) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  admin->with = *options;
  if (start(admin, err) == 0)
    return admin;
  mv_admin_stop(admin);
  return NULL;
}

const char *mv_admin_url(const struct mv_admin *admin) {
  return mv_server_url(admin->server);
}

void mv_admin_stop(struct mv_admin *admin) {
  if (!admin)
    return;
  mv_server_stop(admin->server);
  mv_store_close(admin->reader);
  free(admin);
}
