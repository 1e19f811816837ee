#include "api/transport.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/check.h"
#include "test/transport_server.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static struct server server;
static int done_count;

static void on_done(struct mv_exchange *exchange) {
  (void)exchange;
  done_count++;
}

/* The address of `path` at the server, with a secret in its query. */
static char *address(char *out, size_t size, const char *path) {
  snprintf(out, size, "http://127.0.0.1:%d%s?key=" SECRET, server.port, path);
  return out;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Starts and polls until it ended. */
static void run(struct mv_transport *transport, struct mv_exchange *exchange) {
  struct mv_error err = {.kind = MV_ERROR_NONE};
  int before = done_count;
  double deadline = now() + 60;
  exchange->done = on_done;
  CHECK(mv_transport_start(transport, exchange, &err) == 0);
  while (done_count == before && now() < deadline) {
    mv_transport_poll(transport, 1000);
  }
  CHECK(done_count == before + 1);
  CHECK(exchange->internal == NULL);
  CHECK(strstr(mv_exchange_problem(exchange), SECRET) == NULL);
  CHECK(strstr(mv_exchange_problem(exchange), "?") == NULL);
}

static struct mv_exchange exchange_of(const char *method, const char *url, const char *body) {
  struct mv_exchange exchange = {.method = method, .url = url, .body = body};
  exchange.body_length = body ? strlen(body) : 0;
  return exchange;
}

/* One exchange on a transport of its own. */
static struct mv_exchange once_off(const char *path, double timeout, size_t max_reply) {
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange exchange = exchange_of("GET", address(url, sizeof url, path), NULL);
  exchange.timeout = timeout;
  exchange.max_reply = max_reply;
  run(transport, &exchange);
  mv_transport_free(transport);
  exchange.url = NULL;
  return exchange;
}

static bool says(const struct mv_exchange *exchange, const char *text) {
  char host[64];
  snprintf(host, sizeof host, "127.0.0.1:%d: ", server.port);
  bool good =
      strstr(mv_exchange_problem(exchange), text) && strstr(mv_exchange_problem(exchange), host);
  if (!good) {
    fprintf(stderr, "  got: %s\n", mv_exchange_problem(exchange));
  }
  return good;
}

/* ---- answers ---- */

static void plain_answers(void) {
  char value[16];
  struct mv_exchange exchange = once_off("/ok", 0, 0);
  CHECK(exchange.failure == MV_ERROR_NONE && exchange.status == 200 && exchange.sent);
  CHECK(exchange.reply.length == 4 && strcmp(exchange.reply.data, "fine") == 0);
  CHECK(exchange.seconds > 0 && exchange.seconds < 30);
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
  }
  static const char *const headers[] = {"Content-Type: text/plain", "X-Mine: 1", NULL};
  exchange.headers = headers;
  run(transport, &exchange);
  CHECK(strstr(exchange.reply.data, "Content-Type: text/plain\r\nX-Mine: 1\r\n"));
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
    for (double deadline = now() + 60; done_count < before + KINDS && now() < deadline;) {
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

/* ---- failures ---- */

static void timeouts(void) {
  struct mv_exchange exchange = once_off("/slow", 0.15, 0);
  CHECK(exchange.failure == MV_ERROR_TIMEOUT && exchange.sent);
  CHECK(says(&exchange, "no answer within 0."));
  mv_exchange_free(&exchange);
}

static void broken_answers(void) {
  struct mv_exchange exchange = once_off("/die", 0, 0);
  CHECK(exchange.failure == MV_ERROR_NETWORK && exchange.sent);
  CHECK(says(&exchange, "closed without an answer"));
  mv_exchange_free(&exchange);
  exchange = once_off("/truncated", 0, 0);
  CHECK(exchange.failure == MV_ERROR_DECODE && exchange.sent && exchange.status == 200);
  CHECK(says(&exchange, "the answer was cut off after 10 bytes"));
  mv_exchange_free(&exchange);
  exchange = once_off("/chunked-cut", 0, 0);
  CHECK(exchange.failure == MV_ERROR_DECODE && says(&exchange, "cut off"));
  mv_exchange_free(&exchange);
  exchange = once_off("/garbage", 0, 0);
  CHECK(exchange.failure == MV_ERROR_DECODE && exchange.sent && says(&exchange, "not HTTP"));
  mv_exchange_free(&exchange);
  exchange = once_off("/headers", 0, 0);
  CHECK(exchange.failure == MV_ERROR_DECODE && says(&exchange, "headers are too long"));
  mv_exchange_free(&exchange);
}

static void large_answers(void) {
  struct mv_exchange exchange = once_off("/huge", 0, 1 << 20);
  CHECK(exchange.failure == MV_ERROR_NONE && exchange.reply.length == 1 << 20);
  mv_exchange_free(&exchange);
  exchange = once_off("/huge", 0, (1 << 20) - 1);
  CHECK(exchange.failure == MV_ERROR_DECODE && exchange.sent);
  CHECK(says(&exchange, "the answer is too long: more than 1048575 bytes"));
  mv_exchange_free(&exchange);
  exchange = once_off("/endless", 0, 100000);
  CHECK(exchange.failure == MV_ERROR_DECODE && exchange.reply.length <= 100000);
  CHECK(says(&exchange, "too long"));
  mv_exchange_free(&exchange);
}

static void set_drop(bool drop) {
  pthread_mutex_lock(&server.lock);
  server.drop = drop;
  pthread_mutex_unlock(&server.lock);
}

/* Connected, then dropped: whether bytes were sent is nobody's knowledge, so it counts as sent. */
static void dropped_connections(void) {
  set_drop(true);
  struct mv_exchange exchange = once_off("/ok", 0, 0);
  CHECK(exchange.failure == MV_ERROR_NETWORK);
  mv_exchange_free(&exchange);
  set_drop(false);
}

static struct mv_exchange failing(const char *url) {
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange exchange = exchange_of("POST", url, "{}");
  exchange.once = true;
  exchange.connect_timeout = 3;
  run(transport, &exchange);
  CHECK(!exchange.sent);
  CHECK(exchange.status == 0);
  mv_transport_free(transport);
  return exchange; /* to be freed */
}

static void nothing_sent(void) {
  struct server closed;
  char url[256], host[64];
  server_start(&closed);
  server_stop(&closed);
  snprintf(url, sizeof url, "http://user:pw@127.0.0.1:%d/api/" SECRET "?x", closed.port);
  struct mv_exchange exchange = failing(url);
  CHECK(exchange.failure == MV_ERROR_NETWORK);
  snprintf(host, sizeof host, "127.0.0.1:%d: cannot connect: Connection refused", closed.port);
  CHECK(strcmp(mv_exchange_problem(&exchange), host) == 0);
  mv_exchange_free(&exchange);

  exchange = failing("http://no-such-host.invalid/" SECRET);
  CHECK(exchange.failure == MV_ERROR_NETWORK || exchange.failure == MV_ERROR_TIMEOUT);
  CHECK(strncmp(mv_exchange_problem(&exchange), "no-such-host.invalid:80: ", 25) == 0);
  mv_exchange_free(&exchange);

  snprintf(url, sizeof url, "https://127.0.0.1:%d/" SECRET, server.port);
  exchange = failing(url);
  CHECK(exchange.failure == MV_ERROR_NETWORK);
  CHECK(says(&exchange, "TLS failed"));
  mv_exchange_free(&exchange);

  exchange = failing("ftp://127.0.0.1/" SECRET);
  CHECK(exchange.failure == MV_ERROR_USAGE);
  mv_exchange_free(&exchange);
  exchange = failing("http://a b/" SECRET);
  CHECK(exchange.failure == MV_ERROR_USAGE);
  mv_exchange_free(&exchange);
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

/* ---- never twice ---- */

/* A kept connection that dies after it has read a request; the requests the server counted. */
static size_t count_sends(const char *method, const char *body, bool once,
                          struct mv_exchange *second) {
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange first = exchange_of("GET", address(url, sizeof url, "/ok"), NULL);
  size_t died = server_read(&server, &server.died);
  run(transport, &first);
  CHECK(first.failure == MV_ERROR_NONE);
  *second = exchange_of(method, address(url, sizeof url, "/die"), body);
  second->once = once;
  run(transport, second);
  CHECK(second->failure == MV_ERROR_NETWORK && second->sent);
  mv_transport_free(transport);
  mv_exchange_free(&first);
  return server_read(&server, &server.died) - died;
}

static void never_twice(void) {
  struct mv_exchange exchange;
  char large[12001];
  memset(large, 'x', sizeof large - 1);
  large[sizeof large - 1] = '\0';
  CHECK(count_sends("POST", "{\"message\":\"hello\"}", true, &exchange) == 1);
  CHECK(says(&exchange, "the connection"));
  mv_exchange_free(&exchange);
  CHECK(count_sends("POST", large, true, &exchange) == 1);
  mv_exchange_free(&exchange);
  CHECK(count_sends("POST", NULL, true, &exchange) == 1);
  mv_exchange_free(&exchange);
  CHECK(count_sends("GET", NULL, true, &exchange) == 1);
  mv_exchange_free(&exchange);
  /* What may be repeated is left to libcurl, which may do so. */
  CHECK(count_sends("POST", "{}", false, &exchange) >= 1);
  mv_exchange_free(&exchange);
}

/* The fresh connection that libcurl tries is refused: the first try was sent all the same. */
static void sent_before_refused(void) {
  struct server own;
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  server_start(&own);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", own.port);
  struct mv_exchange exchange = exchange_of("GET", url, NULL);
  run(transport, &exchange);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/die-alone", own.port);
  exchange.method = "POST";
  exchange.body = "{}";
  exchange.body_length = 2;
  exchange.once = true;
  run(transport, &exchange);
  CHECK(exchange.failure == MV_ERROR_NETWORK && exchange.sent);
  CHECK(server_read(&own, &own.died) == 1);
  mv_transport_free(transport);
  mv_exchange_free(&exchange);
  server_stop(&own);
}

/* ---- many ---- */

static void one_connection(void) {
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange exchange = exchange_of("POST", address(url, sizeof url, "/ok"), "{}");
  size_t accepted = server_read(&server, &server.accepted);
  size_t requests_before = server_read(&server, &server.requests);
  int failed = 0;
  for (int i = 0; i < 1000; i++) {
    exchange.once = i % 2;
    run(transport, &exchange);
    failed += exchange.failure != MV_ERROR_NONE || exchange.reply.length != 4;
  }
  CHECK(failed == 0);
  CHECK(server_read(&server, &server.accepted) == accepted + 1);
  CHECK(server_read(&server, &server.requests) == requests_before + 1000);
  mv_exchange_free(&exchange);
  mv_transport_free(transport);
}

static void concurrently(void) {
  enum { MANY = 200 };
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange *exchanges = calloc(MANY, sizeof *exchanges);
  struct mv_error err;
  int ended = 0, good = 0;
  double deadline = now() + 60;
  server.together = MANY;
  address(url, sizeof url, "/together");
  for (int i = 0; i < MANY; i++) {
    exchanges[i] = exchange_of("GET", url, NULL);
    exchanges[i].done = on_done;
    CHECK(mv_transport_start(transport, &exchanges[i], &err) == 0);
  }
  CHECK(mv_transport_active(transport) == MANY);
  while (ended < MANY && now() < deadline) {
    ended += mv_transport_poll(transport, 1000);
  }
  CHECK(ended == MANY);
  CHECK(mv_transport_active(transport) == 0);
  for (int i = 0; i < MANY; i++) {
    good += exchanges[i].failure == MV_ERROR_NONE && exchanges[i].status == 200;
    mv_exchange_free(&exchanges[i]);
  }
  CHECK(good == MANY);
  free(exchanges);
  mv_transport_free(transport);
}

/* ---- threads, cancelling ---- */

static void *wake(void *transport) {
  mv_transport_wakeup(transport);
  return NULL;
}

struct sleeper {
  struct mv_transport *transport;
  atomic_bool woken;
};

static void *wake_later(void *argument) {
  struct sleeper *sleeper = argument;
  usleep(50000); /* long enough for a poll that does not wait to be over */
  atomic_store(&sleeper->woken, true);
  mv_transport_wakeup(sleeper->transport);
  return NULL;
}

/* Idle workers wait so: one that did not would burn a processor. */
static void waits_for_ever(void) {
  pthread_t thread;
  struct sleeper sleeper = {.transport = mv_transport_new(NULL)};
  pthread_create(&thread, NULL, wake_later, &sleeper);
  CHECK(mv_transport_poll(sleeper.transport, -1) == 0);
  CHECK(atomic_load(&sleeper.woken));
  pthread_join(thread, NULL);
  mv_transport_free(sleeper.transport);
}

static void wakeups(void) {
  pthread_t thread;
  struct mv_transport *transport = mv_transport_new(NULL);
  double start = now();
  pthread_create(&thread, NULL, wake, transport);
  CHECK(mv_transport_poll(transport, 20000) == 0);
  CHECK(now() - start < 10);
  pthread_join(thread, NULL);
  mv_transport_free(transport);
}

static void *work(void *failed) {
  struct mv_transport *transport = mv_transport_new(NULL);
  char url[256];
  struct mv_exchange exchange = exchange_of("POST", address(url, sizeof url, "/ok"), "{}");
  for (int i = 0; i < 50; i++) {
    int ended = 0;
    *(int *)failed += mv_transport_start(transport, &exchange, NULL) != 0;
    while (ended == 0) {
      ended = mv_transport_poll(transport, 1000);
    }
    *(int *)failed += exchange.failure != MV_ERROR_NONE;
  }
  mv_exchange_free(&exchange);
  mv_transport_free(transport);
  return NULL;
}

static void transports_in_threads(void) {
  pthread_t threads[4];
  int failed[4] = {0};
  for (int i = 0; i < 4; i++) {
    pthread_create(&threads[i], NULL, work, &failed[i]);
  }
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
    CHECK(failed[i] == 0);
  }
}

struct pair {
  struct mv_transport *transport;
  struct mv_exchange *other;
};

static void cancel_other(struct mv_exchange *exchange) {
  struct pair *pair = exchange->owner;
  done_count++;
  mv_transport_cancel(pair->transport, pair->other);
  mv_transport_cancel(pair->transport, exchange); /* harmless */
}

/* Both end in the same poll; the first to be told cancels the other. */
static void cancel_ended(void) {
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange a = exchange_of("GET", "ftp://127.0.0.1/", NULL), b = a;
  struct pair to_b = {transport, &b}, to_a = {transport, &a};
  a.owner = &to_b;
  b.owner = &to_a;
  a.done = b.done = cancel_other;
  done_count = 0;
  CHECK(mv_transport_start(transport, &a, NULL) == 0);
  CHECK(mv_transport_start(transport, &b, NULL) == 0);
  for (int i = 0; i < 10; i++) {
    mv_transport_poll(transport, 10);
  }
  CHECK(done_count == 1);
  CHECK(a.internal == NULL && b.internal == NULL);
  CHECK(mv_transport_active(transport) == 0);
  mv_exchange_free(&a);
  mv_exchange_free(&b);
  mv_transport_free(transport);
}

static void cancel_active(void) {
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange exchange = exchange_of("GET", address(url, sizeof url, "/slow"), NULL);
  struct mv_error err = {.kind = MV_ERROR_NONE};
  size_t before = server_read(&server, &server.requests);
  exchange.done = on_done;
  done_count = 0;
  mv_transport_cancel(transport, &exchange);
  CHECK(mv_transport_start(transport, &exchange, NULL) == 0);
  CHECK(mv_transport_start(transport, &exchange, &err) == -1 && err.kind == MV_ERROR_USAGE);
  while (server_read(&server, &server.requests) == before) {
    mv_transport_poll(transport, 10);
  }
  mv_transport_cancel(transport, &exchange);
  CHECK(mv_transport_active(transport) == 0);
  CHECK(mv_transport_poll(transport, 0) == 0 && done_count == 0);
  address(url, sizeof url, "/ok");
  run(transport, &exchange); /* may be used again */
  CHECK(exchange.status == 200);
  mv_exchange_free(&exchange);
  mv_transport_free(transport);
}

/* Frees itself and starts the next. */
struct chain {
  struct mv_transport *transport;
  const char *url;
  int left;
};

static void start_next(struct chain *chain);

static void on_link(struct mv_exchange *exchange) {
  struct chain *chain = exchange->owner;
  CHECK(exchange->status == 200);
  mv_exchange_free(exchange);
  free(exchange);
  if (--chain->left > 0) {
    start_next(chain);
  }
}

static void start_next(struct chain *chain) {
  struct mv_exchange *exchange = calloc(1, sizeof *exchange);
  *exchange = exchange_of("GET", chain->url, NULL);
  exchange->done = on_link;
  exchange->owner = chain;
  CHECK(mv_transport_start(chain->transport, exchange, NULL) == 0);
}

static void start_inside_done(void) {
  char url[256];
  struct chain chain = {mv_transport_new(NULL), address(url, sizeof url, "/ok"), 5};
  double deadline = now() + 30;
  start_next(&chain);
  while (chain.left > 0 && now() < deadline) {
    mv_transport_poll(chain.transport, 1000);
  }
  CHECK(chain.left == 0);
  mv_transport_free(chain.transport);
}

static void free_while_active(void) {
  char url[256];
  struct mv_transport *transport = mv_transport_new(NULL);
  struct mv_exchange exchanges[3];
  done_count = 0;
  for (int i = 0; i < 3; i++) {
    exchanges[i] = exchange_of("GET", address(url, sizeof url, "/slow"), NULL);
    exchanges[i].done = on_done;
    CHECK(mv_transport_start(transport, &exchanges[i], NULL) == 0);
    mv_transport_poll(transport, 5);
  }
  mv_transport_free(transport);
  CHECK(done_count == 0 && exchanges[0].internal == NULL);
  for (int i = 0; i < 3; i++) {
    mv_exchange_free(&exchanges[i]);
  }
  mv_transport_free(NULL);
}

int main(void) {
  server_start(&server);
  plain_answers();
  requests();
  many_kinds();
  timeouts();
  broken_answers();
  large_answers();
  dropped_connections();
  nothing_sent();
  addresses();
  by_turns();
  after_failures();
  never_twice();
  sent_before_refused();
  one_connection();
  concurrently();
  wakeups();
  waits_for_ever();
  transports_in_threads();
  cancel_ended();
  cancel_active();
  start_inside_done();
  free_while_active();
  server_stop(&server);
  return check_end("transport");
}
