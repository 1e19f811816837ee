#include "host/request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/json_scan.h"
#include "base/sha256.h"
#include "net/form.h"

#define HEADERS_LIMIT 8192 /* bytes of headers that are kept with a hook's event */

static int out_of_memory(struct mv_error *err) {
  return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

static struct mv_event *make(const struct mv_call *call, enum mv_event_source source,
                             const char *name, struct mv_error *err) {
  struct mv_event *event = mv_event_new();
  if (event) {
    event->source = source;
    event->name = mv_strdup(name);
    event->body = mv_memdup(call->body, call->body_length);
    event->body_length = call->body_length;
  }
  if (event && event->name && event->body)
    return event;
  mv_event_free(event);
  out_of_memory(err);
  return NULL;
}

/* Two texts that differ behind a NUL only would be taken for one, and the second for a duplicate. */
static bool has_nul(const json_t *value) {
  return json_is_string(value) && strlen(json_string_value(value)) != json_string_length(value);
}

/* The scalar at a path as text; NULL for null, arrays, objects, "", and what holds a NUL. */
static char *text_at(json_t *value, const char *path) {
  json_t *found = value && path ? mv_json_at(value, path) : NULL;
  char *text = found && !has_nul(found) ? mv_json_scalar_text(found) : NULL;
  if (text && !*text) {
    free(text);
    return NULL;
  }
  return text;
}

/* What the scan does not take: other JSON, and what is none. */
static struct mv_event *read_webhook(const struct mv_call *call, struct mv_error *err) {
  json_t *body = mv_json_parse_lenient(call->body, call->body_length, err);
  struct mv_event *event = NULL;
  if (body && !json_is_object(body))
    mv_error_set(err, MV_ERROR_DECODE, "expected a JSON object at line 1, column 1");
  else if (body)
    event = make(call, MV_SOURCE_WEBHOOK, "", err);
  if (event) {
    event->key = text_at(body, "client.id");
    event->dedupe = text_at(body, "id");
  }
  json_decref(body);
  return event;
}

/* Puts a text behind an event, with a NUL behind it. */
static char *put(char **at, const char *text, size_t length) {
  char *copy = *at;
  memcpy(copy, text, length);
  copy[length] = 0;
  *at += length + 1;
  return copy;
}

struct mv_event *mv_request_webhook(const struct mv_call *call, struct mv_error *err) {
  struct mv_json_wanted wanted[] = {{.outer = "client", .name = "id"}, {.name = "id"}};
  if (!mv_json_find(call->body, call->body_length, wanted, 2))
    return read_webhook(call, err);
  size_t texts = call->body_length + wanted[0].length + wanted[1].length + 4; /* and "" */
  struct mv_event *event = mv_event_roomy(texts);
  if (!event) {
    out_of_memory(err);
    return NULL;
  }
  char *at = (char *)(event + 1);
  event->source = MV_SOURCE_WEBHOOK;
  event->name = put(&at, "", 0);
  event->key = wanted[0].length ? put(&at, wanted[0].text, wanted[0].length) : NULL;
  event->dedupe = wanted[1].length ? put(&at, wanted[1].text, wanted[1].length) : NULL;
  event->body = put(&at, call->body, call->body_length);
  event->body_length = call->body_length;
  return event;
}

/* ---- custom hooks --------------------------------------------------------------------------- */

static bool is_form(const struct mv_call *call) {
  static const char form[] = "application/x-www-form-urlencoded";
  const char *type = mv_call_header(call, "Content-Type");
  return type && strncasecmp(type, form, sizeof form - 1) == 0;
}

/* JSON whatever the Content-Type says, as many senders have it wrong; else a form. */
static json_t *parse_body(const struct mv_call *call) {
  json_t *body = mv_json_parse_lenient(call->body, call->body_length, NULL);
  return body || !is_form(call) ? body : mv_form_parse(call->body, call->body_length);
}

/* The value of a path in the body, else in the query. */
static char *find(json_t *body, json_t *query, const char *path) {
  char *text = text_at(body, path);
  return text ? text : text_at(query, path);
}

static char *digest_of(const struct mv_call *call) {
  char digest[65];
  mv_sha256_hex(call->body, call->body_length, digest);
  return strdup(digest);
}

/* What a Standard Webhook names itself by, if the hook does not say otherwise. */
static char *own_id(const struct mv_call *call, const struct mv_route *route) {
  bool standard = route->signature.kind == MV_SIGNATURE_STANDARD;
  return standard ? mv_strdup(mv_call_header(call, "webhook-id")) : NULL;
}

static void read_paths(struct mv_event *event, const struct mv_call *call,
                       const struct mv_route *route) {
  if (!route->dedupe)
    event->dedupe = own_id(call, route);
  if (!route->key && !route->dedupe)
    return;
  json_t *query = mv_form_parse(call->query, strlen(call->query));
  json_t *body = parse_body(call);
  event->key = find(body, query, route->key);
  if (route->dedupe)
    event->dedupe = strcmp(route->dedupe, "body") == 0 ? digest_of(call)
                                                       : find(body, query, route->dedupe);
  json_decref(body);
  json_decref(query);
}

/* Headers that tell the handler nothing, or carry what nobody is to keep. */
static bool is_dropped(const char *name) {
  static const char *const dropped[] = {"authorization", "proxy-authorization", "cookie",
                                        "x-secret", "connection", "content-length", "keep-alive",
                                        "transfer-encoding", "expect", "host", "te", "upgrade"};
  for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
    if (strcasecmp(name, dropped[i]) == 0)
      return true;
  }
  return false;
}

struct headers {
  json_t *object;
  const char *secret; /* a header that holds it is dropped */
  size_t size;
};

static void keep_header(void *owner, const char *name, const char *value) {
  struct headers *headers = owner;
  char lower[64];
  size_t length = strlen(name);
  if (length >= sizeof lower || is_dropped(name) ||
      (headers->secret && *headers->secret && strstr(value, headers->secret)))
    return;
  headers->size += length + strlen(value);
  if (headers->size > HEADERS_LIMIT)
    return;
  for (size_t i = 0; i <= length; i++)
    lower[i] = (char)tolower((unsigned char)name[i]);
  json_object_set_new(headers->object, lower, json_string(value)); /* not UTF-8: left out */
}

static json_t *headers_of(const struct mv_call *call, const char *secret) {
  struct headers headers = {json_object(), secret, 0};
  mv_call_headers(call, keep_header, &headers);
  return headers.object;
}

/* Text from outside that may not be UTF-8: then "". */
static json_t *safe_string(const char *text) {
  json_t *string = json_string(text ? text : "");
  return string ? string : json_string("");
}

static char *meta_of(const struct mv_call *call, const struct mv_route *route) {
  char *query = mv_form_without(call->query, "secret");
  const char *type = mv_call_header(call, "Content-Type");
  struct mv_bytes path = {0};
  mv_bytes_printf(&path, "/hook/%s", route->name);
  json_t *meta = json_object();
  json_object_set_new(meta, "method", safe_string(call->method));
  json_object_set_new(meta, "path", safe_string(path.data));
  json_object_set_new(meta, "query", safe_string(query));
  json_object_set_new(meta, "content_type", safe_string(type));
  json_object_set_new(meta, "peer", safe_string(call->peer));
  json_object_set_new(meta, "headers", headers_of(call, route->secret));
  char *text = meta ? mv_json_text(meta) : NULL;
  json_decref(meta);
  mv_bytes_free(&path);
  free(query);
  return text;
}

struct mv_event *mv_request_hook(const struct mv_call *call, const struct mv_route *route,
                                 struct mv_error *err) {
  struct mv_event *event = make(call, MV_SOURCE_HOOK, route->name, err);
  if (!event)
    return NULL;
  read_paths(event, call, route);
  event->meta = meta_of(call, route);
  if (event->meta)
    return event;
  mv_event_free(event);
  out_of_memory(err);
  return NULL;
}
