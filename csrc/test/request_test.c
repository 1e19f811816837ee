#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "test/check.h"

/* Prepares from JSON text; 0 or -1. */
static int prepare(const char *action, const char *params, struct mv_request *request,
                   struct mv_error *err) {
  json_t *value = json_loads(params, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  memset(err, 0, sizeof *err);
  int result =
      mv_request_prepare(mv_action_find(action, strlen(action)), action, value, request, err);
  json_decref(value);
  return result;
}

static void expect(const char *action, const char *params, enum mv_method method,
                   const char *target, const char *body) {
  struct mv_request request;
  struct mv_error err;
  int result = prepare(action, params, &request, &err);
  const char *got = request.body.length ? request.body.data : "";
  bool good = result == 0 && request.method == method && strcmp(request.target.data, target) == 0 &&
              strcmp(got, body) == 0;
  CHECK(good);
  if (!good) {
    fprintf(stderr, "  %s %s: %s\n  got:      %s %s\n  expected: %s %s\n", action, params, err.text,
            request.target.length ? request.target.data : "", got, target, body);
  }
  mv_request_free(&request);
}

static void queries(void) {
  expect("get_history", "{\"client_id\":9223372036854775807,\"limit\":5}", MV_GET,
         "get_history?client_id=9223372036854775807&limit=5", "");
  expect("get_clients", "{\"reverse\":1,\"offset\":\"3\"}", MV_GET,
         "get_clients?reverse=true&offset=3", "");
  expect("get_clients", "{\"reverse\":\"False\"}", MV_GET, "get_clients", "");
  expect("get_clients", "{\"reverse\":false,\"offset\":1}", MV_GET, "get_clients?offset=1", "");
  expect("connected_channels", "{}", MV_GET, "connected_channels", "");
  expect("get_clients", "{\"list\":null,\"offset\":0}", MV_GET, "get_clients?offset=0", "");
  expect("find_client_id_by_phone", "{\"phone\":\"+7 (999) 1&2=3#\"}", MV_GET,
         "find_client_id_by_phone?phone=%2B7%20%28999%29%201%262%3D3%23", "");
  expect("find_client_id_by_var", "{\"var\":\"имя\",\"val\":\"a\\u0000b\"}", MV_GET,
         "find_client_id_by_var?var=%D0%B8%D0%BC%D1%8F&val=a%00b", "");
  expect("find_client_id_by_var", "{\"var\":\"a\",\"val\":\"\"}", MV_GET,
         "find_client_id_by_var?var=a&val=", "");
  expect("find_all_client_id_by_several_vars", "{\"a&b\":1.5,\"c\":true}", MV_GET,
         "find_all_client_id_by_several_vars?a%26b=1.5&c=true", "");
}

static void bodies(void) {
  expect(
      "callback",
      "{\"client_id\":\"25554\",\"message\":5,\"resume_bot\":\"True\",\"extra\":{\"deep\":null},"
      "\"send_time\":null}",
      MV_POST, "callback",
      "{\"client_id\":\"25554\",\"message\":\"5\",\"resume_bot\":true,\"extra\":{\"deep\":null}}");
  expect("find_client_id_by_platform_id", "{\"platform_ids\":[-1001234567890123,\"x\"]}", MV_POST,
         "find_client_id_by_platform_id", "{\"platform_ids\":[\"-1001234567890123\",\"x\"]}");
  expect("broadcast", "{\"list\":5,\"clients\":[],\"platform_ids\":{},\"message\":\"a\"}", MV_POST,
         "broadcast", "{\"list\":5,\"message\":\"a\"}");
  expect("create_order", "{\"client_id\":1,\"description\":\"\",\"state_id\":\"\"}", MV_POST,
         "create_order", "{\"client_id\":1,\"description\":\"\"}");
  expect("find_clients", "{\"q\":{\"a\":{\"_in\":[]}},\"include_all\":0}", MV_POST, "find_clients",
         "{\"q\":{\"a\":{\"_in\":[]}},\"include_all\":false}");
  expect("subscribers", "{}", MV_POST, "subscribers", "{}");
}

static void bare_arrays(void) {
  const char *list = "[{\"platform_id\":1,\"group_id\":\"\",\"client_type\":13}]";
  expect("load_clients", list, MV_POST, "load_clients", list);
  expect("load_clients", "{\"items\":[{\"platform_id\":1,\"group_id\":\"\",\"client_type\":13}]}",
         MV_POST, "load_clients", list);
}

static void unknown_actions(void) {
  struct mv_request request;
  struct mv_error err;
  expect("new_action", "{\"a\":null}", MV_POST, "new_action", "{\"a\":null}");
  expect("a/../b?c#d", "{}", MV_POST, "a%2F..%2Fb%3Fc%23d", "{}");
  CHECK(prepare("..", "{}", &request, &err) == -1 && err.kind == MV_ERROR_USAGE);
  mv_request_free(&request);
  CHECK(prepare("", "{}", &request, &err) == -1);
  mv_request_free(&request);
  CHECK(prepare("new_action", "5", &request, &err) == -1);
  mv_request_free(&request);
  CHECK(prepare("new_action", "{}", &request, &err) == 0 && request.retry == MV_ONCE);
  mv_request_free(&request);
}

static void failures(void) {
  struct mv_request request;
  struct mv_error err;
  struct mv_bytes deep = {0};
  CHECK(prepare("get_history", "{}", &request, &err) == -1 && err.kind == MV_ERROR_USAGE);
  mv_request_free(&request);
  mv_request_free(&request);
  mv_bytes_puts(&deep, "{\"client_id\":1,\"variables\":{\"a\":");
  for (int i = 0; i < 400; i++) {
    mv_bytes_putc(&deep, i < 200 ? '[' : ']');
  }
  mv_bytes_puts(&deep, "}}");
  CHECK(prepare("save_variables", deep.data, &request, &err) == -1);
  mv_bytes_free(&deep);
  CHECK(strstr(err.text, "save_variables") && strstr(err.text, "deeper"));
  mv_request_free(&request);
}

/* "" when refused. */
static const char *url(const char *base, const char *key) {
  static char out[256];
  struct mv_request request;
  struct mv_error err;
  struct mv_bytes bytes = {0};
  prepare("get_history", "{\"client_id\":1}", &request, &err);
  int result = mv_request_url(&request, base, key, &bytes);
  snprintf(out, sizeof out, "%s", result ? "" : bytes.data);
  mv_bytes_free(&bytes);
  mv_request_free(&request);
  return out;
}

static void addresses(void) {
  CHECK(strcmp(url("https://h", "k1"), "https://h/api/k1/get_history?client_id=1") == 0);
  CHECK(strcmp(url("http://h:80/x//", "k1"), "http://h:80/x/api/k1/get_history?client_id=1") == 0);
  CHECK(strcmp(url("http://h", "a/../b?"), "http://h/api/a%2F..%2Fb%3F/get_history?client_id=1") ==
        0);
  CHECK(*url("ftp://h", "k") == '\0');
  CHECK(*url("h", "k") == '\0');
  CHECK(*url("http://", "k") == '\0');
  CHECK(*url("http:///", "k") == '\0');
  CHECK(*url("http://h?x", "k") == '\0');
  CHECK(*url("http://h#x", "k") == '\0');
  CHECK(*url("http://h\r\nX: y", "k") == '\0');
  CHECK(*url("http://h", "") == '\0');
  CHECK(*url("http://h", "..") == '\0');
}

static const char *redacted(const char *text, const char *secret) {
  static char out[256];
  struct mv_bytes bytes = {0};
  mv_bytes_puts(&bytes, text);
  CHECK(mv_redact(&bytes, secret) == 0);
  snprintf(out, sizeof out, "%s", bytes.length ? bytes.data : "");
  mv_bytes_free(&bytes);
  return out;
}

static void redaction(void) {
  CHECK(strcmp(redacted("x/api/k3y/a k3y", "k3y"), "x/api/[redacted]/a [redacted]") == 0);
  CHECK(strcmp(redacted("k3yk3y", "k3y"), "[redacted][redacted]") == 0);
  CHECK(strcmp(redacted("nothing", "k3y"), "nothing") == 0);
  CHECK(strcmp(redacted("nothing", ""), "nothing") == 0);
  CHECK(strcmp(redacted("", "k3y"), "") == 0);
  CHECK(strcmp(redacted("a k%2Fy b k/y", "k/y"), "a [redacted] b [redacted]") == 0);
  CHECK(strcmp(redacted("at /api/abcdef0...", "abcdef0123"), "at /api/[redacted]...") == 0);
  CHECK(strcmp(redacted("abc...", "abcdef"), "abc...") == 0);
}

int main(void) {
  queries();
  bodies();
  bare_arrays();
  unknown_actions();
  failures();
  addresses();
  redaction();
  return check_end("request");
}
