#include "api/reply.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/text.h"
#include "base/clock.h"
#include "base/json.h"

/* Seconds from the header: a number of them, or a date; -1 when it is neither. */
static double retry_after_seconds(const char *text) {
  char *end;
  double seconds;
  if (!text) {
    return -1;
  }
  text += strspn(text, " \t");
  if (isdigit((unsigned char)*text)) {
    seconds = strtod(text, &end);
    end += strspn(end, " \t\r\n");
    if (*end == '\0') {
      return seconds;
    }
  }
  time_t date = curl_getdate(text, NULL);
  if (date == (time_t)-1) {
    return -1;
  }
  seconds = (double)date - (double)mv_clock_wall(NULL) / 1000;
  return seconds > 0 ? seconds : 0;
}

static void set_message(struct mv_failure *failure, const char *text) {
  mv_text_line(failure->message, sizeof failure->message, text, strlen(text));
}

static json_t *fail(struct mv_failure *failure, enum mv_error_kind kind) {
  failure->kind = kind;
  return NULL;
}

/* The platform's word and its message, as far as there are any. */
static void read_words(const json_t *body, struct mv_failure *failure) {
  const json_t *code = json_object_get(body, "status"), *message = json_object_get(body, "message");
  if (json_is_string(code)) {
    mv_text_line(failure->code, sizeof failure->code, json_string_value(code),
                 json_string_length(code));
  }
  if (json_is_string(message)) {
    mv_text_line(failure->message, sizeof failure->message, json_string_value(message),
                 json_string_length(message));
  }
}

static const char *status_words(long status) {
  static const struct {
    long status;
    const char *words;
  } known[] = {
      {400, "the server does not understand the request"},
      {401, "the server does not accept the API key"},
      {403, "the API key does not allow this action"},
      {404, "there is no such client, thing or action"},
      {408, "the server waited too long for the request"},
      {413, "the request is too large"},
      {429, "too many requests"},
      {500, "the server failed"},
      {501, "the server cannot do this"},
      {502, "the server behind the gateway failed"},
      {503, "the server is overloaded or down"},
      {504, "the server behind the gateway did not answer in time"},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].status == status) {
      return known[i].words;
    }
  }
  return status < 400 ? "a redirect, which is not followed because the address holds the API key"
                      : "the server refused";
}

static json_t *fail_http(const char *body, size_t length, struct mv_failure *failure) {
  json_t *value = mv_json_parse(body, length, NULL);
  if (failure->status >= 400) {
    read_words(value, failure);
  }
  json_decref(value);
  if (failure->message[0] == '\0') {
    set_message(failure, status_words(failure->status));
  }
  return fail(failure, MV_ERROR_HTTP);
}

/* Whether the text is "ok", also in quotation marks. */
static bool is_ok(const char *text, size_t length) {
  if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
    text++;
    length -= 2;
  }
  return length == 2 && strncasecmp(text, "ok", 2) == 0;
}

static json_t *success(const char *text, struct mv_failure *failure) {
  json_t *value = json_pack("{ss ss}", "status", "success", "text", text);
  if (!value) {
    set_message(failure, "memory is out");
    return fail(failure, MV_ERROR_SYSTEM);
  }
  return value;
}

/* In an answer whose members are the user's own variables, "status" may be one of them: there only
 * the platform's own words, and nothing beside them, are a refusal. */
static bool is_refusal(const struct mv_action *action, const json_t *body) {
  const char *status = json_string_value(json_object_get(body, "status"));
  if (!status || strcmp(status, "success") == 0 || strcasecmp(status, "ok") == 0) {
    return false;
  }
  if (action && strcmp(action->answer, "{}") == 0) {
    size_t own = 1 + (json_object_get(body, "message") != NULL);
    return json_object_size(body) == own &&
           (strcmp(status, "fail") == 0 || strcmp(status, "client_not_found") == 0);
  }
  return true;
}

static json_t *refuse(const json_t *body, struct mv_failure *failure) {
  read_words(body, failure);
  if (failure->message[0] == '\0') {
    char text[sizeof failure->message];
    snprintf(text, sizeof text, "the platform answered \"%s\"", failure->code);
    set_message(failure, text);
  }
  return fail(failure, MV_ERROR_API);
}

/* The body is not quoted: a page of a proxy may hold the address, and the address holds the key. */
static json_t *fail_decode(const char *body, size_t length, const struct mv_error *err,
                           struct mv_failure *failure) {
  char text[sizeof err->text + 64];
  if (length == 0) {
    set_message(failure, "the answer is empty");
  } else if (body[0] == '<') {
    set_message(failure, "the answer is a page (HTML), not JSON");
  } else {
    snprintf(text, sizeof text, "the answer is not JSON: %s", err->text);
    set_message(failure, text);
  }
  return fail(failure, MV_ERROR_DECODE);
}

static void trim(const char **text, size_t *length) {
  while (*length && isspace((unsigned char)(*text)[0])) {
    (*text)++;
    (*length)--;
  }
  while (*length && isspace((unsigned char)(*text)[*length - 1])) {
    (*length)--;
  }
}

json_t *mv_reply_interpret(const struct mv_action *action, long status, const char *body,
                           size_t length, const char *retry_after, struct mv_failure *failure) {
  struct mv_error err = {.kind = MV_ERROR_NONE};
  json_t *value;
  memset(failure, 0, sizeof *failure);
  failure->status = status;
  failure->retry_after = retry_after_seconds(retry_after);
  if (!body) {
    body = "";
    length = 0;
  }
  trim(&body, &length);
  if (status < 200 || status >= 300) {
    return fail_http(body, length, failure);
  }
  if (is_ok(body, length)) {
    return success("ok", failure);
  }
  /* Nothing to say is as good as "ok", where "ok" is all that would be said. */
  if (length == 0 && (!action || strcmp(action->answer, "ok") == 0)) {
    return success("", failure);
  }
  value = mv_json_parse(body, length, &err);
  if (!value) {
    return fail_decode(body, length, &err, failure);
  }
  if (action && !json_is_object(value) && !json_is_array(value)) {
    json_decref(value);
    set_message(failure, "the answer is neither an object nor an array");
    return fail(failure, MV_ERROR_DECODE);
  }
  if (is_refusal(action, value)) {
    refuse(value, failure);
    json_decref(value);
    return NULL;
  }
  return value;
}
