#include "api/request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { SHORTEST_PART = 4 }; /* bytes of a cut secret that still tell something */

static bool is_empty(const json_t *value) {
  return (json_is_string(value) && json_string_length(value) == 0) ||
         (json_is_array(value) && json_array_size(value) == 0) ||
         (json_is_object(value) && json_object_size(value) == 0);
}

/* ---- values as the platform reads them; each a new reference, or NULL when memory is out ---- */

/* A number written out; everything else as it is. */
static json_t *as_text(json_t *value) {
  char *text;
  json_t *out;
  if (!json_is_number(value)) {
    return json_incref(value);
  }
  text = mv_json_scalar_text(value);
  out = json_string(text);
  free(text);
  return out;
}

static json_t *as_boolean(const json_t *value) {
  const char *text = json_string_value(value);
  if (text) {
    return json_boolean(text[0] == '1' || text[0] == 't' || text[0] == 'T');
  }
  return json_boolean(json_is_true(value) || json_integer_value(value) != 0);
}

static json_t *as_texts(const json_t *list) {
  json_t *out = json_array();
  for (size_t i = 0; i < json_array_size(list); i++) {
    json_array_append_new(out, as_text(json_array_get(list, i)));
  }
  return out;
}

static json_t *convert(const struct mv_param *param, json_t *value) {
  switch (param->type) {
  case MV_STRING:
    return as_text(value);
  case MV_BOOLEAN:
    return as_boolean(value);
  case MV_STRING_LIST:
    return as_texts(value);
  default:
    return json_incref(value);
  }
}

/* An optional parameter that says nothing is not sent; an empty text may mean "make it empty". */
static bool is_left_out(const struct mv_param *param, const json_t *value) {
  bool text = param->type == MV_STRING || param->type == MV_SCALAR || param->may_be_empty;
  return json_is_null(value) || (is_empty(value) && !(text && json_is_string(value)));
}

/* The parameters as they are sent, in the caller's order. */
static json_t *convert_all(const struct mv_action *action, const json_t *params) {
  json_t *out = json_object(), *value;
  const char *name;
  json_object_foreach((json_t *)params, name, value) {
    const struct mv_param *param = mv_action_param(action, name);
    if (!param) {
      json_object_set(out, name, value);
    } else if (!is_left_out(param, value)) {
      json_t *sent = convert(param, value);
      if (json_is_false(sent) && action->method == MV_GET && !param->required) {
        json_decref(sent); /* no document says how the platform reads "false" in a query */
      } else {
        json_object_set_new(out, name, sent);
      }
    }
  }
  return out;
}

/* ---- the parts of a request ---- */

static void put_query(struct mv_bytes *target, const json_t *params) {
  const char *name;
  json_t *value;
  char separator = '?';
  json_object_foreach((json_t *)params, name, value) {
    char *text = mv_json_scalar_text(value);
    mv_bytes_putc(target, separator);
    mv_bytes_put_url(target, name, strlen(name));
    mv_bytes_putc(target, '=');
    if (text) {
      mv_bytes_put_url(target, text,
                       json_is_string(value) ? json_string_length(value) : strlen(text));
    } else {
      target->failed = true; /* validation lets only scalars come here */
    }
    free(text);
    separator = '&';
  }
}

static int put_body(struct mv_request *request, const json_t *value, const char *name,
                    struct mv_error *err) {
  if (mv_json_write(&request->body, value)) {
    return mv_error_set(err, MV_ERROR_USAGE,
                        "%s: the parameters cannot be sent: nested deeper than %d levels", name,
                        MV_JSON_DEPTH);
  }
  return 0;
}

/* Dots alone would climb in the path. */
static bool is_segment(const char *text) {
  return text[0] != '\0' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static int prepare_unknown(const char *name, const json_t *params, struct mv_request *request,
                           struct mv_error *err) {
  request->method = MV_POST;
  request->retry = MV_ONCE;
  if (!is_segment(name)) {
    return mv_error_set(err, MV_ERROR_USAGE, "\"%s\" cannot be the name of an action", name);
  }
  if (!json_is_object(params) && !json_is_array(params)) {
    return mv_error_set(err, MV_ERROR_USAGE, "%s: takes a table of parameters", name);
  }
  mv_bytes_put_url(&request->target, name, strlen(name));
  return put_body(request, params, name, err);
}

static const json_t *bare_items(const struct mv_action *action, const json_t *params) {
  return json_is_array(params) ? params : json_object_get(params, action->params[0].name);
}

static int prepare_known(const struct mv_action *action, const json_t *params,
                         struct mv_request *request, struct mv_error *err) {
  json_t *sent;
  int result = 0;
  if (mv_action_validate(action, params, err)) {
    return -1;
  }
  request->method = action->method;
  request->retry = mv_action_retry_class(action, params);
  mv_bytes_puts(&request->target, action->name);
  if (action->bare_array) {
    return put_body(request, bare_items(action, params), action->name, err);
  }
  sent = convert_all(action, params);
  if (action->method == MV_GET) {
    put_query(&request->target, sent);
  } else {
    result = put_body(request, sent, action->name, err);
  }
  json_decref(sent);
  return result;
}

int mv_request_prepare(const struct mv_action *action, const char *name, const json_t *params,
                       struct mv_request *request, struct mv_error *err) {
  memset(request, 0, sizeof *request);
  if (action ? prepare_known(action, params, request, err)
             : prepare_unknown(name, params, request, err)) {
    return -1;
  }
  if (request->target.failed || request->body.failed) {
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: memory is out", action ? action->name : name);
  }
  return 0;
}

void mv_request_free(struct mv_request *request) {
  mv_bytes_free(&request->target);
  mv_bytes_free(&request->body);
}

/* ---- addresses and the key ---- */

/* http or https, and nothing behind the path that would swallow what is appended. */
static bool is_base(const char *url) {
  const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
                     : strncmp(url, "https://", 8) == 0 ? url + 8
                                                        : NULL;
  if (!host || *host == '\0' || *host == '/') {
    return false;
  }
  for (const unsigned char *p = (const unsigned char *)host; *p; p++) {
    if (*p <= ' ' || *p == 0x7F || *p == '?' || *p == '#' || *p == '\\') {
      return false;
    }
  }
  return true;
}

int mv_request_url(const struct mv_request *request, const char *base_url, const char *api_key,
                   struct mv_bytes *out) {
  size_t length = strlen(base_url);
  if (!is_base(base_url) || !is_segment(api_key)) {
    return -1;
  }
  while (base_url[length - 1] == '/') {
    length--;
  }
  mv_bytes_append(out, base_url, length);
  mv_bytes_puts(out, "/api/");
  mv_bytes_put_url(out, api_key, strlen(api_key));
  mv_bytes_putc(out, '/');
  mv_bytes_append(out, request->target.data, request->target.length);
  return out->failed ? -1 : 0;
}

static int replace_all(struct mv_bytes *text, const char *secret, size_t length) {
  struct mv_bytes clean = {0};
  const char *from = text->data, *end = text->data + text->length, *found;
  while ((found = memmem(from, (size_t)(end - from), secret, length))) {
    mv_bytes_append(&clean, from, (size_t)(found - from));
    mv_bytes_puts(&clean, "[redacted]");
    from = found + length;
  }
  if (from == text->data) {
    return 0;
  }
  mv_bytes_append(&clean, from, (size_t)(end - from));
  mv_bytes_free(text); /* also when memory is out: rather no text than the secret */
  *text = clean;
  return clean.failed ? -1 : 0;
}

/* A message that was cut off ("...") in the middle of the secret ends with a part of it. */
static void drop_part(struct mv_bytes *text, const char *secret, size_t length) {
  size_t end = text->length < 3 ? 0 : text->length - 3;
  if (end == 0 || memcmp(text->data + end, "...", 3) != 0) {
    return;
  }
  for (size_t part = length < end ? length : end; part >= SHORTEST_PART; part--) {
    if (memcmp(text->data + end - part, secret, part) == 0) {
      text->length = end - part;
      mv_bytes_puts(text, "[redacted]...");
      return;
    }
  }
}

int mv_redact(struct mv_bytes *text, const char *secret) {
  struct mv_bytes encoded = {0};
  int result = 0;
  if (text->length == 0 || !secret || secret[0] == '\0') {
    return 0;
  }
  mv_bytes_put_url(&encoded, secret, strlen(secret)); /* as it stands in an address */
  if (encoded.failed || replace_all(text, secret, strlen(secret)) ||
      (text->length && replace_all(text, encoded.data, encoded.length))) {
    mv_bytes_clear(text);
    result = -1;
  } else {
    drop_part(text, secret, strlen(secret));
  }
  mv_bytes_free(&encoded);
  return result;
}
