/* What fails, what is told of it, and what must not be sent again. */
#include "test/transport_check.h"

static void timeouts(void) {
  struct mv_exchange exchange = once_off("/slow", 0.15, 0);
  CHECK(exchange.failure == MV_ERROR_TIMEOUT && exchange.sent);
  CHECK(says(&exchange, "no answer within "));
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

int main(void) {
  check_begin();
  timeouts();
  broken_answers();
  large_answers();
  dropped_connections();
  nothing_sent();
  never_twice();
  sent_before_refused();
  return check_done("transport failures");
}
