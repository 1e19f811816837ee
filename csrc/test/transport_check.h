/* What the tests of the transport share: their server, and exchanges with it. */
#ifndef MV_TEST_TRANSPORT_CHECK_H
#define MV_TEST_TRANSPORT_CHECK_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/transport.h"
#include "test/check.h"
#include "test/transport_server.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static struct server server;
static int done_count;

/* What would wait for ever fails instead. */
static inline void check_begin(void) {
  alarm(300);
  server_start(&server);
}

static inline int check_done(const char *name) {
  server_stop(&server);
  return check_end(name);
}

static inline void on_done(struct mv_exchange *exchange) {
  (void)exchange;
  done_count++;
}

/* The address of `path` at the server, with a secret in its query. */
static inline char *address(char *out, size_t size, const char *path) {
  snprintf(out, size, "http://127.0.0.1:%d%s?key=" SECRET, server.port, path);
  return out;
}

/* Starts and polls until it ended. */
static inline void run(struct mv_transport *transport, struct mv_exchange *exchange) {
  struct mv_error err = {.kind = MV_ERROR_NONE};
  int before = done_count;
  exchange->done = on_done;
  CHECK(mv_transport_start(transport, exchange, &err) == 0);
  while (done_count == before) {
    mv_transport_poll(transport, 1000);
  }
  CHECK(done_count == before + 1);
  CHECK(exchange->internal == NULL);
  CHECK(strstr(mv_exchange_problem(exchange), SECRET) == NULL);
  CHECK(strstr(mv_exchange_problem(exchange), "?") == NULL);
}

static inline struct mv_exchange exchange_of(const char *method, const char *url,
                                             const char *body) {
  struct mv_exchange exchange = {.method = method, .url = url, .body = body};
  exchange.body_length = body ? strlen(body) : 0;
  return exchange;
}

/* One exchange on a transport of its own. */
static inline struct mv_exchange once_off(const char *path, double timeout, size_t max_reply) {
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

static inline bool says(const struct mv_exchange *exchange, const char *text) {
  char host[64];
  snprintf(host, sizeof host, "127.0.0.1:%d: ", server.port);
  bool good =
      strstr(mv_exchange_problem(exchange), text) && strstr(mv_exchange_problem(exchange), host);
  if (!good) {
    fprintf(stderr, "  got: %s\n", mv_exchange_problem(exchange));
  }
  return good;
}

#endif
