/* Queries, forms and webhooks from outside. The bytes up to the first line end are a name. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "host/request.h"
#include "net/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_query(const char *query, const char *name) {
  char *rest = mv_form_without(query, name);
  assert(rest && strlen(rest) <= strlen(query));
  char *value = mv_form_value(query, name), *gone = mv_form_value(rest, name);
  assert(!gone && (!value || strlen(value) <= strlen(query)));
  free(value);
  free(rest);
}

static void fuzz_body(const char *body, size_t length) {
  struct mv_error err = {0};
  struct mv_call call = {.method = "POST", .path = "/webhook/x", .query = "", .peer = "",
                         .body = body, .body_length = length};
  struct mv_event *event = mv_request_webhook(&call, &err);
  assert(event ? event->body_length == length : err.kind != MV_ERROR_NONE);
  mv_event_free(event);
  json_decref(mv_form_parse(body, length));
  json_t *fields = mv_form_fields(body, length, &err);
  struct mv_bytes text = {0};
  assert(fields ? mv_json_write(&text, fields) == 0 : err.kind != MV_ERROR_NONE);
  mv_bytes_free(&text);
  json_decref(fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  memcpy(text, data, size);
  text[size] = 0;
  char *line = memchr(text, '\n', size);
  fuzz_body(line ? line + 1 : text, line ? size - (size_t)(line + 1 - text) : size);
  if (line) {
    *line = 0;
    fuzz_query(line + 1, text);
  }
  free(text);
  return 0;
}
