/* Requests and answers. */
#include "base/version.h"
#include "test/transport_check.h"

static void plain_answers(void) {
  char value[16];
  struct mv_exchange exchange = once_off("/ok", 0, 0);
  CHECK(exchange.failure == MV_ERROR_NONE && exchange.status == 200 && exchange.sent);
  CHECK(exchange.reply.length == 4 && strcmp(exchange.reply.data, "fine") == 0);
  CHECK(exchange.seconds > 0);
  CHECK(mv_exchange_header(&exchange, "x-TEST", value, sizeof value) && !strcmp(value, "Yes"));
  CHECK(mv_exchange_header(&exchange, "X-Test", value, 3) && !strcmp(value, "Ye"));
  CHECK(!mv_exchange_header(&exchange, "X-Tes", value, sizeof value));
  mv_exchange_free(&exchange);
  exchange = once_off("/status", 0, 0);
  CHECK(exchange.failure == MV_ERROR_NONE && exchange.status == 404);
  CHECK(mv_exchange_header(&exchange, "Retry-After", value, sizeof value) && !strcmp(value, "7"));
  mv_exchange_free(&exchange);
  exchange = once_off("/redirect", 0, 0);
  CHECK(exchange.failure == MV_ERROR_NONE && exchange.status == 302);
  mv_exchange_free(&exchange);
  exchange = once_off("/chunked", 0, 0);
  CHECK(exchange.failure == MV_ERROR_NONE && !strcmp(exchange.reply.data, "first second"));
  mv_exchange_free(&exchange);
}

/* Without the headers of a success, but never too many of them. */
static void brief_answers(void) {
  static const struct {
    const char *path;
    bool headers;
    enum mv_error_kind failure;
  } known[] = {{"/ok", false, MV_ERROR_NONE},
               {"/status", true, MV_ERROR_NONE},
               {"/redirect", true, MV_ERROR_NONE},
               {"/headers", false, MV_ERROR_DECODE}};
  struct mv_transport *transport = mv_transport_new(NULL);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char url[256];
    struct mv_exchange exchange = exchange_of("GET", address(url, sizeof url, known[i].path), NULL);
    exchange.brief = true;
    run(transport, &exchange);
    CHECK(exchange.failure == known[i].failure);
    CHECK((exchange.reply_headers.length > 0) == known[i].headers);
    mv_exchange_free(&exchange);
  }
  mv_transport_free(transport);
}

static void requests(void) {
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange exchange = exchange_of("POST", address(url, sizeof url, "/echo"), "{\"a\":1}");
  for (int once = 0; once < 2; once++) {
    exchange.once = once;
    run(transport, &exchange);
    CHECK(exchange.failure == MV_ERROR_NONE);
    CHECK(strncmp(exchange.reply.data, "POST /echo?key=" SECRET " HTTP/1.1\r\n", 58) == 0);
    CHECK(strstr(exchange.reply.data, "Content-Type: application/json\r\n"));
    CHECK(strstr(exchange.reply.data, "Content-Length: 7\r\n"));
    CHECK(strstr(exchange.reply.data, "\r\n\r\n{\"a\":1}"));
    CHECK(!strstr(exchange.reply.data, "Expect"));
    CHECK(strstr(exchange.reply.data, "\r\nAccept-Encoding: gzip\r\n"));
    CHECK(strstr(exchange.reply.data, "\r\nUser-Agent: mavilua/" MV_VERSION "\r\n"));
  }
  static const char *const headers[] = {"Content-Type: text/plain", "X-Mine: 1", NULL};
  exchange.headers = headers;
  run(transport, &exchange);
  CHECK(strstr(exchange.reply.data, "Content-Type: text/plain\r\nX-Mine: 1\r\n"));
  static const char *const agent[] = {"user-agent: mine", NULL};
  exchange.headers = agent;
  run(transport, &exchange);
  CHECK(strstr(exchange.reply.data, "\r\nuser-agent: mine\r\n"));
  CHECK(!strstr(exchange.reply.data, "mavilua/"));
  exchange.headers = NULL;
  exchange.method = "PUT";
  run(transport, &exchange);
  CHECK(strncmp(exchange.reply.data, "PUT ", 4) == 0);
  exchange.method = "DELETE";
  exchange.body = NULL;
  exchange.body_length = 0;
  run(transport, &exchange);
  CHECK(strncmp(exchange.reply.data, "DELETE ", 7) == 0);
  exchange.method = "POST";
  run(transport, &exchange);
  CHECK(strstr(exchange.reply.data, "Content-Length: 0\r\n"));
  mv_exchange_free(&exchange);
  mv_transport_free(transport);
}

/* Handles share headers and addresses: each exchange has its own all the same, many at a time. */
static void many_kinds(void) {
  enum { KINDS = 20 };
  struct mv_exchange exchanges[KINDS];
  char urls[KINDS][96], words[KINDS][32];
  const char *headers[KINDS][2];
  struct mv_transport *transport = mv_transport_new(NULL);
  memset(exchanges, 0, sizeof exchanges);
  for (int round = 0; round < 3; round++) {
    int before = done_count;
    for (int i = 0; i < KINDS; i++) {
      int kind = round % 2 ? KINDS - 1 - i : i / (round + 1); /* in another order, fewer of them */
      snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%d/echo?kind=%d.", server.port, kind);
      snprintf(words[i], sizeof words[i], "X-Kind: %d.", kind);
      headers[i][0] = words[i];
      headers[i][1] = NULL;
      exchanges[i].method = "GET";
      exchanges[i].url = urls[i];
      exchanges[i].headers = headers[i];
      exchanges[i].done = on_done;
      CHECK(mv_transport_start(transport, &exchanges[i], NULL) == 0);
    }
    while (done_count < before + KINDS) {
      mv_transport_poll(transport, 1000);
    }
    for (int i = 0; i < KINDS; i++) {
      CHECK(exchanges[i].failure == MV_ERROR_NONE);
      CHECK(strstr(exchanges[i].reply.data, strchr(urls[i], '?')) != NULL);
      CHECK(strstr(exchanges[i].reply.data, words[i]) != NULL);
    }
  }
  for (int i = 0; i < KINDS; i++) {
    mv_exchange_free(&exchanges[i]);
  }
  mv_transport_free(transport);
}

/* Addresses come to the server as they are written. */
static void addresses(void) {
  static const struct {
    const char *before, *path, *line, *header;
  } known[] = {
      {"http://", "/echo?a=/../b&c=%20+#part", "GET /echo?a=/../b&c=%20+ HTTP/1.1\r\n",
       "Host: 127.0.0.1:"},
      {"HTTP://me:pa%73s@", "/echo", "GET /echo HTTP/1.1\r\n",
       "Authorization: Basic bWU6cGFzcw==\r\n"},
      {"http://", "/echo?", "GET /echo? HTTP/1.1\r\n", "Host: 127.0.0.1:"},
      {"http://", "/echo?\xd0\xb9", "GET /echo?\xd0\xb9 HTTP/1.1\r\n", "Host: 127.0.0.1:"},
      {"127.0.0.1:1@", "/echo?x=http://y", "GET /echo?x=http://y HTTP/1.1\r\n", "Host: 127.0.0.1:"},
  };
  struct mv_transport *transport = mv_transport_new(NULL);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char url[256];
    snprintf(url, sizeof url, "%s127.0.0.1:%d%s", known[i].before, server.port, known[i].path);
    struct mv_exchange exchange = exchange_of("GET", url, NULL);
    run(transport, &exchange);
    CHECK(exchange.failure == MV_ERROR_NONE);
    const char *reply = exchange.reply.length ? exchange.reply.data : "";
    CHECK(strncmp(reply, known[i].line, strlen(known[i].line)) == 0);
    CHECK(strstr(reply, known[i].header));
    mv_exchange_free(&exchange);
  }
  mv_transport_free(transport);
}

/* One address after another on one handle: with and without a target of its own, with a proxy,
 * which wants all of the address, and past it. */
static void through_proxies(void) {
  char proxy[64], local[96], line[128];
  struct mv_transport *transport = mv_transport_new(NULL);
  snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server.port);
  snprintf(local, sizeof local, "%s/echo?c", proxy);
  setenv("http_proxy", proxy, 1);
  const char *const urls[] = {"http://shop.invalid/echo?a", "http://shop.invalid/echo?b#c", local};
  const char *const targets[] = {"http://shop.invalid/echo?a", "http://shop.invalid/echo?b",
                                 "/echo?c"};
  for (int i = 0; i < 9; i++) {
    struct mv_exchange exchange = exchange_of("GET", urls[(i + i / 3) % 3], NULL);
    run(transport, &exchange);
    snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", targets[(i + i / 3) % 3]);
    CHECK(exchange.failure == MV_ERROR_NONE);
    CHECK(exchange.reply.length && strncmp(exchange.reply.data, line, strlen(line)) == 0);
    mv_exchange_free(&exchange);
  }
  unsetenv("http_proxy");
  mv_transport_free(transport);
}

/* A proxy that is asked for a way through learns who asks, and nothing of the request. */
static void tunnels(void) {
  static const char *const headers[] = {"X-Mine: 1", NULL};
  char proxy[64];
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange exchange = exchange_of("GET", "https://shop.invalid/" SECRET, NULL);
  exchange.headers = headers;
  snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server.port);
  setenv("https_proxy", proxy, 1);
  run(transport, &exchange);
  unsetenv("https_proxy");
  CHECK(exchange.failure == MV_ERROR_NETWORK);
  mv_exchange_free(&exchange);
  mv_transport_free(transport);
  pthread_mutex_lock(&server.lock);
  CHECK(strncmp(server.asked, "CONNECT shop.invalid:443 ", 25) == 0);
  CHECK(strstr(server.asked, "User-Agent: mavilua/" MV_VERSION "\r\n"));
  CHECK(!strstr(server.asked, SECRET) && !strstr(server.asked, "X-Mine"));
  pthread_mutex_unlock(&server.lock);
}

/* A handle keeps what it can from one exchange to the next: the request is that of a new handle. */
static void by_turns(void) {
  static const char *const json[] = {"Accept: application/json", "Content-Type: application/json",
                                     NULL};
  static const char *const more[] = {"Accept: application/json", "X-Mine: 1", NULL};
  char url[256];
  address(url, sizeof url, "/echo");
  const struct mv_exchange kinds[] = {
      {.method = "GET"},
      {.method = "GET", .headers = json, .once = true},
      {.method = "GET", .headers = (const char *const[]){"accept-encoding: identity", NULL}},
      {.method = "POST", .headers = json, .body = "{}", .body_length = 2},
      {.method = "POST", .headers = more, .body = "{\"a\":1}", .body_length = 7},
      {.method = "POST", .headers = json, .body = "{}", .body_length = 2, .once = true},
      {.method = "POST", .headers = more},
      {.method = "DELETE", .timeout = 7},
      {.method = "PUT", .body = "x", .body_length = 1},
      {.method = "PROPPATCH", .body = "x", .body_length = 1},
      {.method = "POST",
       .headers = (const char *const[]){"X-Mine: 1", NULL},
       .body = "{}",
       .body_length = 2},
  };
  enum { COUNT = sizeof kinds / sizeof *kinds };
  struct mv_transport *kept = mv_transport_new(NULL);
  for (int i = 0; i < COUNT * COUNT; i++) {
    struct mv_transport *fresh = mv_transport_new(NULL);
    struct mv_exchange first = kinds[i / COUNT], second = kinds[i % COUNT], same = second;
    first.url = second.url = same.url = url;
    run(kept, &first);
    run(kept, &second);
    run(fresh, &same);
    CHECK(second.failure == MV_ERROR_NONE && same.reply.length > 0);
    CHECK(second.reply.length == same.reply.length &&
          memcmp(second.reply.data, same.reply.data, same.reply.length) == 0);
    mv_exchange_free(&first);
    mv_exchange_free(&second);
    mv_exchange_free(&same);
    mv_transport_free(fresh);
  }
  mv_transport_free(kept);
}

/* A handle whose last transfer failed early goes on with a large answer, of both kinds of address.
 */
static void after_failures(void) {
  static const char *const bad[] = {
      "http://no-such-host.invalid/", "http://127.0.0.1:1/",           "http://a b/",
      "https://127.0.0.1:1/",         "https://no-such-host.invalid/", "ftp://127.0.0.1/"};
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct mv_exchange exchange = exchange_of("GET", bad[i], NULL);
    exchange.connect_timeout = 3;
    run(transport, &exchange);
    CHECK(exchange.failure != MV_ERROR_NONE);
    mv_exchange_free(&exchange);
    exchange = exchange_of("GET", address(url, sizeof url, "/huge"), NULL);
    run(transport, &exchange);
    CHECK(exchange.failure == MV_ERROR_NONE && exchange.reply.length == 1 << 20);
    mv_exchange_free(&exchange);
  }
  mv_transport_free(transport);
}

int main(void) {
  check_begin();
  plain_answers();
  brief_answers();
  requests();
  many_kinds();
  addresses();
  through_proxies();
  tunnels();
  by_turns();
  after_failures();
  return check_done("transport");
}
