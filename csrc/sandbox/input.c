#include "sandbox/input.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "net/form.h"
#include "sandbox/universal.h"

static bool is_form(const struct mv_input *input) {
  static const char form[] = "application/x-www-form-urlencoded";
  return input->type && strncasecmp(input->type, form, sizeof form - 1) == 0;
}

/* JSON whatever the Content-Type says; what does not look like it and is announced as a form, is
 * one. */
static json_t *parse_body(const struct mv_input *input, struct mv_error *err) {
  size_t blank = 0;
  while (blank < input->length && strchr(" \t\r\n", input->body[blank]) && input->body[blank]) {
    blank++;
  }
  if (blank == input->length) {
    return json_object();
  }
  char first = input->body[blank];
  if (first != '{' && first != '[' && is_form(input)) {
    return mv_form_fields(input->body, input->length, err);
  }
  json_t *body = mv_json_parse(input->body, input->length, err);
  if (!body) {
    mv_error_prefix(err, "The body is not JSON");
  }
  return body;
}

/* A bare array is the action's items; else an object is needed. NULL and `err`. */
static json_t *named(const struct mv_action *action, json_t *body, struct mv_error *err) {
  if (json_is_array(body) && action->bare_array) {
    return json_pack("{s:o}", action->params[0].name, body);
  }
  if (json_is_object(body)) {
    return body;
  }
  json_decref(body);
  mv_error_set(err, MV_ERROR_USAGE, "The body must be a JSON %s",
               action->bare_array ? "array" : "object");
  return NULL;
}

/* The query's parameters and the body's, which win. */
static json_t *read_both(const struct mv_action *action, const struct mv_input *input,
                         struct mv_error *err) {
  json_t *params = *input->query ? mv_form_fields(input->query, strlen(input->query), err) : NULL;
  if (*input->query && !params) {
    return NULL;
  }
  json_t *body = parse_body(input, err);
  body = body ? named(action, body, err) : NULL;
  if (!params || !body) {
    json_decref(params);
    return body;
  }
  json_object_update(params, body);
  json_decref(body);
  return params;
}

json_t *mv_input_read(const struct mv_action *action, const struct mv_input *input,
                      struct mv_error *err) {
  json_t *params = read_both(action, input, err);
  if (params && action->universal && mv_universal_map(action, params, err)) {
    json_decref(params);
    return NULL;
  }
  return params;
}
