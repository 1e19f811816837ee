#include "api/reply.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "test/check.h"

static struct mv_failure failure;

static json_t *interpret(const char *action, long status, const char *body) {
  const struct mv_action *row = action ? mv_action_find(action, strlen(action)) : NULL;
  return mv_reply_interpret(row, status, body, strlen(body), NULL, &failure);
}

static void good(const char *action, const char *body, const char *expected) {
  json_t *value = interpret(action, 200, body);
  char *text = value ? mv_json_text(value) : NULL;
  CHECK(text && strcmp(text, expected) == 0);
  CHECK(failure.kind == MV_ERROR_NONE);
  free(text);
  json_decref(value);
}

static void bad(const char *action, long status, const char *body, enum mv_error_kind kind,
                const char *code, const char *message) {
  json_t *value = interpret(action, status, body);
  CHECK(value == NULL);
  CHECK(failure.kind == kind);
  CHECK(failure.status == status);
  CHECK(strcmp(failure.code, code) == 0);
  CHECK(strcmp(failure.message, message) == 0);
  if (strcmp(failure.message, message) != 0) {
    fprintf(stderr, "  got: %s\n", failure.message);
  }
  json_decref(value);
}

static void successes(void) {
  good("message", "ok", "{\"status\":\"success\",\"text\":\"ok\"}");
  good("message", " OK\r\n", "{\"status\":\"success\",\"text\":\"ok\"}");
  good("message", "\"ok\"", "{\"status\":\"success\",\"text\":\"ok\"}");
  good("message", "", "{\"status\":\"success\",\"text\":\"\"}");
  good("message", "{\"status\":\"success\"}", "{\"status\":\"success\"}");
  good("find_clients", "{\"status\":\"success\",\"client_ids\":[]}",
       "{\"status\":\"success\",\"client_ids\":[]}");
  good("subscribers", "[]", "[]");
  good("check_insta_subscription", "{\"is_follower\":true,\"status\":200}",
       "{\"is_follower\":true,\"status\":200}");
  good("load_clients", "{\"status\":\"success\",\"items\":[{\"status\":\"fail\"}]}",
       "{\"status\":\"success\",\"items\":[{\"status\":\"fail\"}]}");
  good(NULL, "ok", "{\"status\":\"success\",\"text\":\"ok\"}");
  good("online_chat_client_id", "{\"client_id\":9223372036854775807}",
       "{\"client_id\":9223372036854775807}");
}

static void refusals(void) {
  bad("find_clients", 200, "{\"status\":\"fail\",\"message\":\"Something went wrong\"}",
      MV_ERROR_API, "fail", "Something went wrong");
  bad("get_orders", 200, "{\"status\":\"client_not_found\"}", MV_ERROR_API, "client_not_found",
      "the platform answered \"client_not_found\"");
  bad("set_order_vars", 200, "{\"status\":\"order 12345 not found\"}", MV_ERROR_API,
      "order 12345 not found", "the platform answered \"order 12345 not found\"");
}

/* get_variables answers the user's own names: one of them may be "status". */
static void variables_named_status(void) {
  good("get_variables", "{\"status\":\"new\"}", "{\"status\":\"new\"}");
  good("get_variables", "{\"status\":\"fail\",\"name\":\"Ada\"}",
       "{\"status\":\"fail\",\"name\":\"Ada\"}");
  bad("get_variables", 200, "{\"status\":\"client_not_found\"}", MV_ERROR_API, "client_not_found",
      "the platform answered \"client_not_found\"");
  bad("get_variables", 200, "{\"status\":\"fail\",\"message\":\"no\"}", MV_ERROR_API, "fail", "no");
}

static void http_failures(void) {
  bad("message", 404, "{\"status\":\"client_not_found\"}", MV_ERROR_HTTP, "client_not_found",
      "there is no such client, thing or action");
  bad("message", 400, "{\"status\":\"fail\",\"message\":\"Parameter \\\"q\\\" required\"}",
      MV_ERROR_HTTP, "fail", "Parameter \"q\" required");
  bad("message", 502, "<html>key</html>", MV_ERROR_HTTP, "",
      "the server behind the gateway failed");
  bad("message", 503, "", MV_ERROR_HTTP, "", "the server is overloaded or down");
  bad("message", 418, "{\"message\":5}", MV_ERROR_HTTP, "", "the server refused");
  bad("message", 404, "[1]", MV_ERROR_HTTP, "", "there is no such client, thing or action");
  bad("message", 302, "{\"status\":\"success\"}", MV_ERROR_HTTP, "",
      "a redirect, which is not followed because the address holds the API key");
}

static void unreadable(void) {
  bad("get_clients", 200, "", MV_ERROR_DECODE, "", "the answer is empty");
  bad("get_clients", 200, "null", MV_ERROR_DECODE, "", "the answer is neither an object nor an array");
  bad("message", 200, "true", MV_ERROR_DECODE, "", "the answer is neither an object nor an array");
  bad("get_clients", 200, "<html>/api/key/</html>", MV_ERROR_DECODE, "",
      "the answer is a page (HTML), not JSON");
  json_t *value = interpret("get_clients", 200, "{\"status\":\"success\",\"clients\":[{\"id\":1");
  CHECK(value == NULL && failure.kind == MV_ERROR_DECODE);
  CHECK(strncmp(failure.message, "the answer is not JSON: line 1", 30) == 0);
  value = mv_reply_interpret(NULL, 204, NULL, 0, NULL, &failure);
  CHECK(value != NULL);
  json_decref(value);
}

static void hostile(void) {
  struct mv_bytes body = {0};
  mv_bytes_printf(&body, "{\"status\":\"%062d", 0);
  for (int i = 0; i < 600; i++) {
    mv_bytes_puts(&body, "\xd0\x9f"); /* two bytes each: a cut must not fall between them */
  }
  mv_bytes_puts(&body, "\",\"message\":\"a\\nb");
  for (int i = 0; i < 600; i++) {
    mv_bytes_puts(&body, "\xd0\x9f");
  }
  mv_bytes_puts(&body, "\"}");
  CHECK(interpret("message", 500, body.data) == NULL);
  mv_bytes_free(&body);
  CHECK(strlen(failure.code) <= 63 && strstr(failure.code, "..."));
  CHECK(strlen(failure.message) <= 255 && strncmp(failure.message, "a b\xd0\x9f", 5) == 0);
  json_t *text = json_string(failure.message); /* refuses what is not UTF-8 */
  CHECK(text);
  json_decref(text);
}

static double after(const char *header) {
  CHECK(mv_reply_interpret(NULL, 429, "", 0, header, &failure) == NULL);
  return failure.retry_after;
}

static bool is(double a, double b) {
  return a >= b && a <= b;
}

static void retry_after(void) {
  char date[64];
  time_t soon = time(NULL) + 90;
  struct tm tm;
  CHECK(is(after(NULL), -1));
  CHECK(is(after("0"), 0));
  CHECK(is(after(" 120 "), 120));
  CHECK(is(after("soon"), -1));
  CHECK(is(after("-5"), -1));
  CHECK(is(after(""), -1));
  CHECK(is(after("Sun, 06 Nov 1994 08:49:37 GMT"), 0));
  gmtime_r(&soon, &tm);
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
  CHECK(after(date) > 80 && after(date) <= 90);
}

int main(void) {
  successes();
  refusals();
  variables_named_status();
  http_failures();
  unreadable();
  hostile();
  retry_after();
  return check_end("reply");
}
