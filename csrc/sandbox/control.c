#include "sandbox/control.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/bytes.h"
#include "base/json.h"
#include "sandbox/assumptions.h"
#include "sandbox/channels.h"
#include "sandbox/clients.h"
#include "sandbox/fields.h"
#include "sandbox/inside.h"
#include "sandbox/messages.h"
#include "sandbox/orders.h"
#include "sandbox/params.h"
#include "sandbox/seed.h"
#include "sandbox/settings.h"
#include "sandbox/work.h"

/* One control call; a route fills status and answer, or text. */
struct control {
  struct mv_sandbox *sandbox;
  struct mv_work work;
  json_t *query, *body; /* objects */
  unsigned status;
  json_t *answer;
  bool failed;
};

static void answer(struct control *c, json_t *value) {
  json_decref(c->answer);
  c->answer = value;
  c->status = 200;
}

static void fail(struct control *c, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct control *c, unsigned status, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  answer(c, json_pack("{s:s, s:s}", "status", "fail", "message", text));
  c->status = status;
  c->failed = true;
}

/* The number that a member of query or body is, or `absent`. */
static int64_t number(const json_t *object, const char *name, int64_t absent) {
  int64_t value = absent;
  mv_params_id_of(json_object_get(object, name), &value);
  return value;
}

/* ---- messages ---- */

/* The client of platform_id and group (or group_id; without one the project's first channel):
 * found, or made, as when somebody writes for the first time. 0 when it was answered. */
static int64_t by_platform(struct control *c, const char *platform_id) {
  json_t *given = json_object_get(c->body, "group");
  given = given ? given : json_object_get(c->body, "group_id");
  char *wanted = given ? mv_json_scalar_text(given) : NULL;
  char *group;
  int type = mv_channels_find(&c->work, wanted, &group);
  char *kept = type >= 0 ? mv_clients_platform_id(type, platform_id) : NULL;
  int64_t client = 0;
  if (kept && group) {
    client = mv_clients_at(&c->work, type, group, kept);
    if (!client) {
      client = mv_clients_add(&c->work, type, group, kept,
                              json_string_value(json_object_get(c->body, "name")));
    }
  } else {
    fail(c, 400, "group: there is no channel with this group; see connected_channels");
  }
  free(wanted);
  free(group);
  free(kept);
  return client;
}

static int64_t writer(struct control *c) {
  int64_t id = number(c->body, "client_id", 0);
  json_t *platform_id = json_object_get(c->body, "platform_id");
  char *text = platform_id ? mv_json_scalar_text(platform_id) : NULL;
  if (json_object_get(c->body, "client_id")) {
    if (!mv_clients_exists(&c->work, id)) {
      fail(c, 404, "client_id: there is no such client");
      id = 0;
    }
  } else if (text && *text) {
    id = by_platform(c, text);
  } else {
    fail(c, 400, "client_id, or platform_id and group, required");
  }
  free(text);
  return id;
}

/* An array of URLs or of {attachment_url, attachment_type}; nothing is NULL. -1: it is neither. */
static int read_attachments(struct control *c, json_t **attachments) {
  *attachments = json_object_get(c->body, "attachments");
  if (!*attachments || json_is_null(*attachments) ||
      (json_is_array(*attachments) && !json_array_size(*attachments))) {
    *attachments = NULL;
    return 0;
  }
  bool good = json_is_array(*attachments);
  for (size_t i = 0; good && i < json_array_size(*attachments); i++) {
    json_t *one = json_array_get(*attachments, i);
    good = json_is_string(one) || json_is_string(json_object_get(one, "attachment_url"));
  }
  if (!good) {
    fail(c, 400, "attachments: takes an array of URLs or of {attachment_url, attachment_type}");
  }
  return good ? 0 : -1;
}

static void post_message(struct control *c) {
  json_t *message = json_object_get(c->body, "message");
  json_t *attachments;
  if (read_attachments(c, &attachments)) {
    return;
  }
  const char *text = json_string_value(message);
  if (message && !json_is_null(message) && (!text || strlen(text) != json_string_length(message))) {
    fail(c, 400, "message: takes a text (without NUL)");
    return;
  }
  if (!text && !attachments) {
    fail(c, 400, "message or attachments required");
    return;
  }
  int64_t client = writer(c);
  if (client) {
    int64_t id = mv_messages_receive(&c->work, client, MV_FROM_NORMAL, text, attachments);
    answer(c,
           json_pack("{s:I, s:I}", "message_id", (json_int_t)id, "client_id", (json_int_t)client));
  }
}

static void get_messages(struct control *c) {
  int64_t client;
  if (!mv_params_id_of(json_object_get(c->query, "client_id"), &client)) {
    fail(c, 400, "client_id required");
    return;
  }
  if (!mv_clients_exists(&c->work, client)) {
    fail(c, 404, "client_id: there is no such client");
    return;
  }
  answer(c, json_pack("{s:o}", "messages",
                      mv_messages_conversation(&c->work, client, number(c->query, "since", 0))));
}

/* ---- state ---- */

static void post_reset(struct control *c) {
  struct mv_error err;
  if (mv_seed_reset(&c->work, &err)) {
    fail(c, 500, "%.400s", err.text);
    return;
  }
  answer(c, json_pack("{s:s}", "status", "success"));
}

static void post_seed(struct control *c) {
  struct mv_error err;
  if (mv_seed_load(&c->work, c->body, &err)) {
    fail(c, err.kind == MV_ERROR_USAGE ? 400 : 500, "%.400s", err.text);
    return;
  }
  answer(c, json_pack("{s:s}", "status", "success"));
}

static void get_settings(struct control *c) {
  answer(c, json_pack("{s:o, s:o}", "settings", mv_settings_all(&c->work), "takes",
                      mv_settings_describe()));
}

static void post_settings(struct control *c) {
  struct mv_error err;
  if (mv_settings_set(&c->work, c->body, &err)) {
    fail(c, err.kind == MV_ERROR_USAGE ? 400 : 500, "%.400s", err.text);
    return;
  }
  answer(c, json_pack("{s:o}", "settings", mv_settings_all(&c->work)));
}

static void get_funnels(struct control *c) {
  answer(c, json_pack("{s:o}", "funnels", mv_orders_funnels(&c->work)));
}

static void get_assumptions(struct control *c) {
  answer(c, json_pack("{s:o}", "assumptions", mv_assumptions_describe()));
}

/* ---- routes ---- */

static void get_index(struct control *c);

static const struct route {
  const char *method, *path;
  void (*run)(struct control *c);
  const char *doc;
} routes[] = {
    {"GET", "", get_index, "these routes"},
    {"POST", "messages", post_message,
     "a client writes: {client_id or platform_id + group, name, message, attachments}"},
    {"GET", "messages", get_messages, "the conversation, oldest first: ?client_id=&since="},
    {"POST", "reset", post_reset, "back to the seed it started with"},
    {"POST", "seed", post_seed, "replaces everything by this seed"},
    {"GET", "settings", get_settings, "settings and what they take"},
    {"POST", "settings", post_settings, "sets some: {name: value}; null is the default"},
    {"GET", "funnels", get_funnels, "funnels and their states with ids"},
    {"GET", "assumptions", get_assumptions, "what the sandbox does that no document says"},
    {"GET", "journal", NULL, "API calls and webhooks: ?since=&kind=api|webhook&limit="},
};

enum { ROUTES = sizeof routes / sizeof *routes };

static void get_index(struct control *c) {
  json_t *list = json_array();
  for (size_t i = 0; i < ROUTES; i++) {
    char path[64];
    snprintf(path, sizeof path, "/_sandbox/%s", routes[i].path);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "method", routes[i].method, "path",
                                          path, "doc", routes[i].doc));
  }
  answer(c, json_pack("{s:o}", "routes", list));
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

static void reply(struct mv_call *call, unsigned status, const json_t *value) {
  struct mv_bytes body = {0};
  mv_json_write(&body, value);
  mv_call_reply(call, status, NULL, body.data, body.length, NULL);
  mv_bytes_free(&body);
}

/* Needs no work: what is read is no project's table. */
static void reply_journal(struct mv_sandbox *sandbox, struct mv_call *call, const json_t *query) {
  size_t length;
  int64_t limit = number(query, "limit", 1000);
  const char *kind = json_string_value(json_object_get(query, "kind"));
  char *text = mv_record_read(sandbox->record, number(query, "since", 0), limit < 1 ? 1 : limit,
                              kind, &length);
  mv_call_reply(call, text ? 200 : 500, NULL, text ? text : "", text ? length : 0, NULL);
  free(text);
}

static int64_t first_project(struct mv_work *work) {
  return mv_db_integer(work->db, 0, "SELECT min(id) FROM projects", "");
}

static void run_route(struct control *c, const struct route *route) {
  struct mv_error err;
  mv_work_begin(&c->work, c->sandbox);
  c->work.project = first_project(&c->work);
  route->run(c);
  if (mv_work_end(&c->work, !c->failed, &err) && !c->failed) {
    fail(c, 500, "%.400s", err.text);
  }
}

/* Query and body as objects; 0, or -1 and the reason in the answer. */
static int read_input(struct control *c, const struct mv_call *call) {
  struct mv_error err = {0};
  c->query = mv_fields_parse(call->query, strlen(call->query), &err);
  if (c->query && call->body_length) {
    c->body = mv_json_parse(call->body, call->body_length, &err);
  } else {
    c->body = json_object();
  }
  if (!c->query || !c->body) {
    fail(c, 400, "The %s cannot be read: %.400s", c->query ? "body" : "query", err.text);
    return -1;
  }
  if (!json_is_object(c->body)) {
    fail(c, 400, "The body must be a JSON object");
    return -1;
  }
  return 0;
}

void mv_control_handle(struct mv_sandbox *sandbox, struct mv_call *call) {
  struct control c = {.sandbox = sandbox};
  bool path_known;
  const char *path = call->path + 9 + (call->path[9] == '/');
  const struct route *route = find_route(call->method, path, &path_known);
  if (!route) {
    fail(&c, path_known ? 405 : 404, "There is no %.16s /_sandbox/%.100s; see GET /_sandbox/",
         call->method, path);
  } else if (!read_input(&c, call)) {
    if (!route->run) {
      reply_journal(sandbox, call, c.query);
      json_decref(c.query);
      json_decref(c.body);
      return;
    }
    run_route(&c, route);
  }
  reply(call, c.status, c.answer);
  json_decref(c.query);
  json_decref(c.body);
  json_decref(c.answer);
}
