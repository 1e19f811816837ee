#include "sandbox/control.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/action.h"
#include "base/bytes.h"
#include "base/json.h"
#include "sandbox/cell.h"
#include "sandbox/control_parts.h"
#include "net/form.h"
#include "net/origin.h"
#include "sandbox/params.h"
#include "sandbox/projects.h"

/* ---- for the routes ---- */

void mv_control_answer(struct mv_control *c, json_t *value) {
  json_decref(c->answer);
  c->answer = value;
  c->status = 200;
}

void mv_control_fail(struct mv_control *c, unsigned status, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  json_t *message = json_string(text);
  if (!message) { /* what was quoted is not UTF-8, or was cut in the middle of a character */
    message = json_string("The request cannot be understood");
  }
  mv_control_answer(c, json_pack("{s:s, s:o}", "status", "fail", "message", message));
  c->status = status;
  c->failed = true;
}

int64_t mv_control_number(const json_t *object, const char *name, int64_t absent) {
  int64_t value = absent;
  mv_params_id_of(json_object_get(object, name), &value);
  return value;
}

int mv_control_whole(struct mv_control *c, const json_t *object, const char *name, int64_t least,
                     int64_t *value) {
  const json_t *given = json_object_get(object, name);
  int64_t number;
  if (!given || json_is_null(given)) {
    return 0;
  }
  if (!mv_params_id_of(given, &number) || number < least) {
    mv_control_fail(c, 400, "%s: takes an integer, %lld or more", name, (long long)least);
    return -1;
  }
  *value = number;
  return 0;
}

int mv_control_seconds(struct mv_control *c, const json_t *object, const char *name, double least,
                       double most, int64_t *ms) {
  json_t *given = json_object_get(object, name);
  if (!given || json_is_null(given)) {
    return 0;
  }
  const char *text = json_string_value(given);
  json_t *number = text ? mv_cell_number(text) : json_incref(given);
  double seconds = json_number_value(number);
  bool good = json_is_number(number) && seconds >= least && seconds <= most;
  json_decref(number);
  if (!good) {
    mv_control_fail(c, 400, "%s: takes seconds from %.0f to %.0f", name, least, most);
    return -1;
  }
  *ms = (int64_t)(seconds * 1000.0 + (seconds < 0 ? -0.5 : 0.5));
  return 1;
}

void mv_control_send(struct mv_call *call, unsigned status, json_t *value) {
  struct mv_bytes body = {0};
  mv_json_write(&body, value);
  json_decref(value);
  mv_call_reply(call, status, NULL, body.data, body.length, NULL);
  mv_bytes_free(&body);
}

/* ---- routes ---- */

static void get_index(struct mv_control *c);

enum {
  ALONE = 1, /* runs without a work: what it needs is no project's, or it begins its own */
  LISTS = 2, /* the body may be a list */
  RAW = 4    /* the body is no JSON: the route reads it from the call */
};

static const struct route {
  const char *method, *path;
  void (*run)(struct mv_control *c);
  const char *doc;
  unsigned flags;
  const char *query; /* names that it takes beside project, with blanks between */
  const char *body;  /* likewise; NULL: the route itself looks at them */
} routes[] = {
    {"GET", "", get_index, "these routes", ALONE, "", NULL},
    {"POST", "messages", mv_control_post_message,
     "a client writes: {client_id or platform_id + group, name, message or event, attachments}; "
     "from: manager, an employee does",
     0, "", "client_id platform_id group group_id name message event attachments from manager"},
    {"GET", "messages", mv_control_get_messages,
     "the conversation, oldest first: ?client_id=&since=; without a client the last message's id",
     0, "client_id since", NULL},
    {"GET", "clients", mv_control_get_client,
     "?client_id=: a client with pause, employee, lists and variables", 0, "client_id", NULL},
    {"POST", "clients", mv_control_post_client,
     "changes one: {client_id, paused, undeliverable, manager}", 0, "",
     "client_id paused undeliverable manager"},
    {"GET", "clock", mv_control_get_clock, "mode and time", ALONE, "", NULL},
    {"POST", "clock", mv_control_post_clock,
     "{mode: virtual, now} or {advance: seconds}: what is due on the way is sent, in order; "
     "{mode: real}",
     ALONE, "", "mode now advance"},
    {"GET", "timeline", mv_control_get_timeline, "what is put off, earliest first", 0, "", NULL},
    {"GET", "journal", mv_control_get_journal,
     "API calls and webhooks: ?since=&kind=api|webhook&action=&client_id=&limit=; &wait=seconds "
     "until there is one",
     ALONE, "since kind action client_id limit wait", NULL},
    {"GET", "idle", mv_control_get_idle, "whether no webhook is under way: ?wait=seconds until so",
     ALONE, "wait", NULL},
    {"GET", "faults", mv_control_get_faults, "faults and how often they hit", ALONE, "", NULL},
    {"POST", "faults", mv_control_post_faults,
     "adds some: [{kind, action, status, body, retry_after, delay_ms, fraction, every, times, "
     "probability, seed}]",
     ALONE | LISTS, "", NULL},
    {"DELETE", "faults", mv_control_delete_faults, "ends them all, or ?id=", ALONE, "id", NULL},
    {"POST", "reset", mv_control_post_reset, "back to the seed it started with", 0, "", NULL},
    {"POST", "seed", mv_control_post_seed, "replaces everything by this seed", 0, "", NULL},
    {"GET", "snapshot", mv_control_get_snapshot, "everything, as an SQLite database", ALONE, "",
     NULL},
    {"PUT", "snapshot", mv_control_put_snapshot, "puts everything back", ALONE | RAW, "", NULL},
    {"GET", "settings", mv_control_get_settings, "settings and what they take", 0, "", NULL},
    {"POST", "settings", mv_control_post_settings, "sets some: {name: value}; null is the default",
     0, "", NULL},
    {"GET", "keys", mv_control_get_keys, "the project's keys and their permissions", 0, "", NULL},
    {"POST", "keys", mv_control_post_keys, "makes one: {permissions: [R, W, X, CR, CW], key}", 0,
     "", "permissions key"},
    {"DELETE", "keys", mv_control_delete_keys, "ends one: ?key=", 0, "key", NULL},
    {"GET", "projects", mv_control_get_projects,
     "the projects; every call here takes ?project=, by default the first", 0, "", NULL},
    {"POST", "projects", mv_control_post_projects, "adds the project that this seed is", 0, "",
     NULL},
    {"DELETE", "projects", mv_control_delete_projects, "ends ?project=", 0, "", NULL},
    {"GET", "funnels", mv_control_get_funnels, "funnels and their states with ids", 0, "", NULL},
    {"GET", "statements", mv_control_get_statements,
     "what was asked of the database: runs, steps, rows walked over, plan; ?reset=1 counts anew", 0,
     "reset", NULL},
    {"GET", "assumptions", mv_control_get_assumptions,
     "what the sandbox does that no document says", ALONE, "", NULL},
};

enum { ROUTES = sizeof routes / sizeof *routes };

static void get_index(struct mv_control *c) {
  json_t *list = json_array();
  for (size_t i = 0; i < ROUTES; i++) {
    char path[64];
    snprintf(path, sizeof path, "/_sandbox/%s", routes[i].path);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "method", routes[i].method, "path",
                                          path, "doc", routes[i].doc));
  }
  mv_control_answer(c, json_pack("{s:o}", "routes", list));
}

/* *path_known: the path is there with another method. */
static const struct route *find_route(const char *method, const char *path, bool *path_known) {
  *path_known = false;
  for (size_t i = 0; i < ROUTES; i++) {
    bool same = strcmp(routes[i].path, path) == 0;
    *path_known = *path_known || same;
    if (same && strcmp(routes[i].method, method) == 0) {
      return &routes[i];
    }
  }
  return NULL;
}

/* ---- one call ---- */

/* The project that is meant: ?project=, else the first. */
static void choose_project(struct mv_control *c) {
  c->work.project =
      c->project
          ? mv_db_integer(c->work.db, 0, "SELECT id FROM projects WHERE id = ?", "i", c->project)
          : mv_projects_first(c->work.db);
  if (c->project && !c->work.project) {
    mv_control_fail(c, 404, "project: there is no project %lld", (long long)c->project);
  }
}

static void run_route(struct mv_control *c, const struct route *route) {
  struct mv_error err;
  if (route->flags & ALONE) {
    route->run(c);
    return;
  }
  mv_work_begin(&c->work, c->sandbox);
  choose_project(c);
  if (!c->failed) {
    route->run(c);
  }
  if (mv_work_end(&c->work, !c->failed, &err) && !c->failed) {
    mv_control_fail(c, 500, "%.400s", err.text);
  }
}

enum { MOST_NAMES = 16 };

/* Whether `object` has no members but `first` and those of `others` (with blanks between). */
static int check_names(struct mv_control *c, const json_t *object, const char *first,
                       const char *others) {
  char text[160];
  const char *names[MOST_NAMES] = {first}, *name;
  char *rest = text;
  size_t count = 1;
  json_t *value;
  snprintf(text, sizeof text, "%s", others);
  for (char *word; count < MOST_NAMES && (word = strsep(&rest, " ")) != NULL;) {
    names[count++] = word;
  }
  json_object_foreach((json_t *)object, name, value) {
    const char *near = mv_nearest(name, names, count);
    if (!near || strcmp(near, name) != 0) {
      mv_control_fail(c, 400, "%.60s: unknown%s%s%s", name, near ? "; did you mean \"" : "",
                      near ? near : "", near ? "\"?" : "; see GET /_sandbox/");
      return -1;
    }
  }
  return 0;
}

/* Query and body as objects; 0, or -1 and the reason in the answer. */
static int read_input(struct mv_control *c, const struct mv_call *call, const struct route *route) {
  struct mv_error err = {0};
  c->query = mv_form_fields(call->query, strlen(call->query), &err);
  if (c->query && call->body_length && !(route->flags & RAW)) {
    c->body = mv_json_parse(call->body, call->body_length, &err);
  } else {
    c->body = json_object();
  }
  if (!c->query || !c->body) {
    mv_control_fail(c, 400, "The %s cannot be read: %.400s", c->query ? "body" : "query", err.text);
    return -1;
  }
  if (!json_is_object(c->body) && !((route->flags & LISTS) && json_is_array(c->body))) {
    mv_control_fail(c, 400, "The body must be a JSON object%s",
                    (route->flags & LISTS) ? " or a list" : "");
    return -1;
  }
  if (check_names(c, c->query, "project", route->query) ||
      (route->body && check_names(c, c->body, "", route->body))) {
    return -1;
  }
  json_t *project = json_object_get(c->query, "project");
  if (project && (!mv_params_id_of(project, &c->project) || c->project <= 0)) {
    mv_control_fail(c, 400, "project: takes the id of a project");
    return -1;
  }
  return 0;
}

void mv_control_handle(struct mv_sandbox *sandbox, struct mv_call *call) {
  struct mv_control c = {.sandbox = sandbox, .call = call};
  bool path_known;
  const char *path = call->path + 9 + (call->path[9] == '/');
  const struct route *route = find_route(call->method, path, &path_known);
  if (mv_origin_is_foreign(call)) {
    mv_control_fail(&c, 403, "Not for web pages: the request's Origin is not the sandbox's own");
  } else if (!route) {
    mv_control_fail(&c, path_known ? 405 : 404,
                    "There is no %.16s /_sandbox/%.100s; see GET /_sandbox/", call->method, path);
  } else if (!read_input(&c, call, route)) {
    run_route(&c, route);
  }
  if (c.call) {
    mv_control_send(c.call, c.status, json_incref(c.answer));
  }
  json_decref(c.query);
  json_decref(c.body);
  json_decref(c.answer);
}
