#include "host/operate.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "host/filter.h"
#include "host/why.h"
#include "net/form.h"

#define PAGE 50      /* events of a list */
#define BULK 100     /* events changed at a time */

struct answer {
  const struct mv_operate *operate;
  const struct mv_operate_request *request;
  const char *argument; /* in the path */
  unsigned status;
};

/* ---- answers -------------------------------------------------------------------------------- */

json_t *mv_operate_error(const struct mv_error *err, unsigned *status) {
  static const struct {
    enum mv_error_kind kind;
    unsigned status;
  } statuses[] = {{MV_ERROR_NOT_FOUND, 404}, {MV_ERROR_USAGE, 409}, {MV_ERROR_BUSY, 503},
                  {MV_ERROR_DECODE, 400}};
  *status = 500;
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
    if (statuses[i].kind == err->kind)
      *status = statuses[i].status;
  return json_pack("{s:s}", "error", err->text);
}

static json_t *refuse(struct answer *answer, const struct mv_error *err) {
  return mv_operate_error(err, &answer->status);
}

/* What was asked for makes no sense. */
static json_t *misuse(struct answer *answer, const struct mv_error *err) {
  json_t *body = refuse(answer, err);
  if (err->kind == MV_ERROR_USAGE)
    answer->status = 400;
  return body;
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

static struct mv_event *drop(struct mv_event *event) {
  struct mv_event *next = (struct mv_event *)(void *)event->node.next;
  mv_event_free(event);
  return next;
}

/* ---- what is shown -------------------------------------------------------------------------- */

/* The parameters of the query as a filter; 0, or -1 and the answer. */
static int read_query(struct answer *answer, struct mv_filter *filter, const char *const *known,
                      json_t **problem) {
  struct mv_error err = {0};
  if (mv_filter_query(filter, answer->request->query, known, mv_clock_wall(answer->operate->clock),
                      &err) == 0)
    return 0;
  mv_filter_free(filter);
  *problem = misuse(answer, &err);
  return -1;
}

static json_t *list_events(struct answer *answer) {
  struct mv_filter filter;
  struct mv_error err = {0};
  struct mv_event *event;
  json_t *events, *problem;
  int64_t last = 0;
  if (read_query(answer, &filter, mv_filter_list, &problem))
    return problem;
  if (!filter.store.limit)
    filter.store.limit = PAGE;
  int count = mv_store_list(answer->operate->reader, &filter.store, &event, &err);
  bool more = count == filter.store.limit;
  mv_filter_free(&filter);
  if (count < 0)
    return refuse(answer, &err);
  for (events = json_array(); event; event = drop(event)) {
    last = event->id;
    json_array_append_new(events, describe(event));
  }
  return json_pack("{s:o, s:o}", "events", events, "cursor", more ? json_integer(last) : json_null());
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

static json_t *bad_id(struct answer *answer) {
  struct mv_error err;
  size_t length = strcspn(answer->argument, "/");
  json_t *text = json_stringn(answer->argument, length > 40 ? 40 : length);
  mv_error_set(&err, MV_ERROR_USAGE, "\"%s\" is not an event's id, which is a whole number above 0",
               text ? json_string_value(text) : "(not UTF-8)");
  json_decref(text);
  return misuse(answer, &err);
}

static json_t *show_event(struct answer *answer) {
  struct mv_error err = {0};
  int64_t id = id_of(answer->argument);
  if (id == 0)
    return bad_id(answer);
  struct mv_event *event = mv_store_get(answer->operate->reader, id, &err);
  if (!event)
    return refuse(answer, &err);
  json_t *object = describe(event);
  put_body(object, event);
  if (event->meta)
    json_object_set_new(object, "meta", mv_json_parse(event->meta, strlen(event->meta), NULL));
  mv_event_free(event);
  return object;
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

static json_t *list_blocked(struct answer *answer) {
  struct mv_error err = {0};
  struct mv_blocked *blocked;
  struct mv_filter filter;
  json_t *problem;
  if (read_query(answer, &filter, mv_filter_page, &problem))
    return problem;
  int limit = filter.store.limit ? filter.store.limit : PAGE;
  int64_t after = filter.store.cursor;
  mv_filter_free(&filter);
  int count = mv_store_blocked(answer->operate->reader, after, limit, &blocked, &err);
  if (count < 0)
    return refuse(answer, &err);
  json_t *list = json_array();
  for (int i = 0; i < count; i++)
    json_array_append_new(list, describe_blocked(&blocked[i]));
  json_t *cursor = count == limit ? json_integer(blocked[count - 1].head) : json_null();
  mv_store_blocked_free(blocked, count);
  return json_pack("{s:o, s:o}", "keys", list, "cursor", cursor);
}

static json_t *tell_why(struct answer *answer) {
  const struct mv_operate *operate = answer->operate;
  const char *query = answer->request->query;
  struct mv_error err = {0};
  json_t *fields = mv_form_fields(query, strlen(query), &err), *body = NULL;
  const char *schedule = json_string_value(json_object_get(fields, "schedule"));
  const char *time = json_string_value(json_object_get(fields, "time"));
  if (schedule && time)
    body = mv_why(operate->reader, schedule, time, mv_clock_wall(operate->clock), operate->serving, &err);
  else if (fields)
    mv_error_set(&err, MV_ERROR_USAGE, "needs the parameters schedule and time");
  json_decref(fields);
  return body ? body : misuse(answer, &err);
}

/* ---- what is done --------------------------------------------------------------------------- */

/* How one event is changed, and which of those that were meant can be. */
struct way {
  const char *done;  /* the member that counts */
  unsigned states;   /* that it applies to */
  unsigned otherwise; /* meant when no state is named */
  const char *refusal;
  int (*change)(struct mv_store *store, int64_t id, int64_t now, int64_t *wake_at,
                struct mv_error *err);
};

static int cancel_by_operator(struct mv_store *store, int64_t id, int64_t now, int64_t *wake_at,
                              struct mv_error *err) {
  return mv_store_cancel(store, id, "by an operator", now, wake_at, err);
}

#define FINAL (((1U << MV_EVENT_STATES) - 1) & ~MV_STORE_UNFINISHED)

static const struct way replaying = {"replayed", FINAL, 1U << MV_EVENT_DEAD,
                                     "only what has ended can be replayed: the states done, dead, "
                                     "skipped and cancelled", mv_store_replay};
static const struct way cancelling = {"cancelled", MV_STORE_UNFINISHED, MV_STORE_UNFINISHED,
                                      "only what has not ended can be cancelled: the states "
                                      "available, running and retryable", cancel_by_operator};

struct change {
  const struct way *way;
  struct mv_store_filter *filter; /* NULL: of `id` alone */
  int64_t id;                     /* out: the last one looked at */
  int64_t changed, refused, stopping;
  bool more;
};

static int change_one(struct mv_store *store, struct change *change, int64_t now, int64_t *wake_at,
                      struct mv_error *err) {
  size_t before, after;
  int64_t wake = MV_STORE_NEVER;
  mv_store_stops(store, &before);
  if (change->way->change(store, change->id, now, &wake, err))
    return -1;
  mv_store_stops(store, &after);
  change->changed++;
  change->stopping += after > before;
  if (wake < *wake_at)
    *wake_at = wake;
  return 0;
}

static int change_id(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                     struct mv_error *err) {
  return change_one(store, context, now, wake_at, err);
}

/* What has changed its state since it was listed cannot be: all of it is one transaction. Still each
 * may refuse, and then the others go on. */
static int change_many(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                       struct mv_error *err) {
  struct change *change = context;
  struct mv_event *event;
  int count = mv_store_list(store, change->filter, &event, err), failed = 0;
  change->more = count == change->filter->limit;
  for (; event; event = drop(event)) {
    change->id = event->id;
    if (failed || change_one(store, change, now, wake_at, err) == 0)
      continue;
    change->refused++;
    failed = mv_store_broken(store);
  }
  return count < 0 || failed ? -1 : 0;
}

static json_t *change_by_id(struct answer *answer, const struct way *way) {
  const struct mv_operate *operate = answer->operate;
  struct mv_error err = {0};
  struct change change = {.way = way, .id = id_of(answer->argument)};
  if (change.id == 0)
    return bad_id(answer);
  if (operate->write(operate->owner, change_id, &change, &err))
    return refuse(answer, &err);
  return json_pack("{s:I, s:b, s:b}", "event", (json_int_t)change.id, "ok", true, "stopping",
                   change.stopping > 0);
}

/* "dead", "available,running": as a filter takes them. */
static json_t *names_of(unsigned states) {
  struct mv_bytes text = {0};
  for (int i = 0; i < MV_EVENT_STATES; i++)
    if (states & 1U << i)
      mv_bytes_printf(&text, "%s%s", text.length ? "," : "", mv_event_state_name((enum mv_event_state)i));
  json_t *names = json_string(text.data ? text.data : "");
  mv_bytes_free(&text);
  return names;
}

static json_t *count_only(struct answer *answer, const struct mv_store_filter *filter) {
  struct mv_store_matches matches;
  struct mv_error err = {0};
  if (mv_store_count_matches(answer->operate->reader, filter, &matches, &err))
    return refuse(answer, &err);
  return json_pack("{s:I, s:I, s:I, s:o}", "matched", (json_int_t)matches.count, "first",
                   (json_int_t)matches.first, "last", (json_int_t)matches.last, "state",
                   names_of(filter->states));
}

static json_t *change_filtered(struct answer *answer, const struct way *way,
                               struct mv_filter *filter) {
  const struct mv_operate *operate = answer->operate;
  struct mv_error err = {0};
  struct change change = {.way = way, .filter = &filter->store};
  if (!filter->store.states)
    filter->store.states = way->otherwise;
  if (filter->store.states & ~way->states) {
    mv_error_set(&err, MV_ERROR_USAGE, "%s", way->refusal);
    return misuse(answer, &err);
  }
  if (filter->dry_run)
    return count_only(answer, &filter->store);
  filter->store.oldest_first = true; /* so that events of a key come in their order */
  if (!filter->store.limit)
    filter->store.limit = BULK;
  if (operate->write(operate->owner, change_many, &change, &err))
    return refuse(answer, &err);
  return json_pack("{s:I, s:I, s:I, s:o}", way->done, (json_int_t)change.changed, "refused",
                   (json_int_t)change.refused, "stopping", (json_int_t)change.stopping, "cursor",
                   change.more ? json_integer(change.id) : json_null());
}

/* The body that says which; forgotten, or put into the query, all would be meant. NULL on error. */
static json_t *read_choice(const struct mv_operate_request *request, struct mv_error *err) {
  json_t *fields = NULL;
  if (*request->query || !request->length)
    mv_error_set(err, MV_ERROR_USAGE, "say in the body, as a JSON object, which events are meant, such as "
                 "{\"key\": \"25554\"}; {} is all%s", *request->query ? "; there are no parameters" : "");
  else if (!(fields = mv_json_parse(request->body, request->length, err)))
    mv_error_prefix(err, "the body");
  return fields;
}

static json_t *change_by_filter(struct answer *answer, const struct way *way) {
  struct mv_error err = {0};
  struct mv_filter filter = {0};
  json_t *fields = read_choice(answer->request, &err);
  if (!fields)
    return misuse(answer, &err);
  bool good = mv_filter_read(&filter, fields, mv_filter_bulk, mv_clock_wall(answer->operate->clock),
                             &err) == 0;
  json_t *body = good ? change_filtered(answer, way, &filter) : misuse(answer, &err);
  mv_filter_free(&filter);
  return body;
}

static json_t *replay(struct answer *answer) {
  return change_by_id(answer, &replaying);
}

static json_t *cancel(struct answer *answer) {
  return change_by_id(answer, &cancelling);
}

static json_t *replay_many(struct answer *answer) {
  return change_by_filter(answer, &replaying);
}

static json_t *cancel_many(struct answer *answer) {
  return change_by_filter(answer, &cancelling);
}

/* ---- routes --------------------------------------------------------------------------------- */

struct route {
  const char *method;
  const char *before, *after; /* of the argument in the path; `after` NULL: there is none */
  json_t *(*run)(struct answer *answer);
};

static const struct route routes[] = {
    {"GET", "/api/events", NULL, list_events},
    {"POST", "/api/events/replay", NULL, replay_many},
    {"POST", "/api/events/cancel", NULL, cancel_many},
    {"GET", "/api/events/", "", show_event},
    {"POST", "/api/events/", "/replay", replay},
    {"POST", "/api/events/", "/cancel", cancel},
    {"GET", "/api/keys/blocked", NULL, list_blocked},
    {"GET", "/api/why", NULL, tell_why},
};
#define ROUTES (sizeof routes / sizeof *routes)

/* The argument in the path, "" without one, or NULL when the path is another's. */
static const char *match(const struct route *route, const char *path) {
  size_t length = strlen(route->before);
  if (strncmp(path, route->before, length) != 0)
    return NULL;
  path += length;
  if (!route->after)
    return *path ? NULL : "";
  const char *end = path + strcspn(path, "/");
  return end > path && strcmp(end, route->after) == 0 ? path : NULL;
}

bool mv_operate_knows(const char *path) {
  for (size_t i = 0; i < ROUTES; i++)
    if (match(&routes[i], path))
      return true;
  return false;
}

json_t *mv_operate(const struct mv_operate *operate, const struct mv_operate_request *request,
                   unsigned *status) {
  struct answer answer = {.operate = operate, .request = request, .status = 200};
  bool known = false;
  for (size_t i = 0; i < ROUTES; i++) {
    answer.argument = match(&routes[i], request->path);
    if (answer.argument && strcmp(request->method, routes[i].method) == 0) {
      json_t *body = routes[i].run(&answer);
      *status = answer.status;
      /* cppcheck-suppress returnDanglingLifetime ; it is a new object */
      return body;
    }
    known |= answer.argument != NULL;
  }
  *status = known ? 405 : 404;
  return json_pack("{s:s}", "error", known ? "not with this method" : "not found");
}
