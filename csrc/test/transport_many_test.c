/* Many exchanges, from many threads; some are cancelled, some start others. */
#include <stdatomic.h>

#include "test/transport_check.h"

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
  server.together = MANY;
  address(url, sizeof url, "/together");
  for (int i = 0; i < MANY; i++) {
    exchanges[i] = exchange_of("GET", url, NULL);
    exchanges[i].done = on_done;
    CHECK(mv_transport_start(transport, &exchanges[i], &err) == 0);
  }
  CHECK(mv_transport_active(transport) == MANY);
  while (ended < MANY) {
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

/* ---- threads ---- */

static void *wake(void *transport) {
  mv_transport_wakeup(transport);
  return NULL;
}

static void wakeups(void) {
  pthread_t thread;
  struct mv_transport *transport = mv_transport_new(NULL);
  pthread_create(&thread, NULL, wake, transport);
  CHECK(mv_transport_poll(transport, -1) == 0);
  pthread_join(thread, NULL);
  mv_transport_free(transport);
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

/* Awaiting one answer after another is polling for them, whether they come soon or never. */
static void awaiting(void) {
  char url[256];
  pthread_t thread;
  struct mv_transport *transport = mv_transport_new(NULL);
  for (int i = 0; i < 300; i++) {
    bool never = i % 100 == 99;
    address(url, sizeof url, never ? "/slow" : "/ok");
    struct mv_exchange exchange = exchange_of("GET", url, NULL);
    exchange.timeout = never ? 0.05 : 0;
    int ended = 0;
    CHECK(mv_transport_start(transport, &exchange, NULL) == 0);
    while (ended == 0) {
      ended = mv_transport_await(transport, -1);
    }
    CHECK(ended == 1 && mv_transport_active(transport) == 0);
    CHECK(exchange.failure == (never ? MV_ERROR_TIMEOUT : MV_ERROR_NONE));
    mv_exchange_free(&exchange);
  }
  pthread_create(&thread, NULL, wake, transport);
  CHECK(mv_transport_await(transport, -1) == 0);
  pthread_join(thread, NULL);
  mv_transport_free(transport);
}

/* ---- cancelling ---- */

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

/* ---- inside `done` ---- */

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
  start_next(&chain);
  while (chain.left > 0) {
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
  check_begin();
  one_connection();
  concurrently();
  wakeups();
  waits_for_ever();
  transports_in_threads();
  awaiting();
  cancel_ended();
  cancel_active();
  start_inside_done();
  free_while_active();
  return check_done("many transports");
}
