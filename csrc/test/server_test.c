/* The server over raw sockets: what curl would never send included. */
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/queue.h"
#include "net/server.h"
#include "test/check.h"
#include "test/dial.h"

struct ticket {
  struct mv_node node;
  struct mv_call *call;
};

struct fixture {
  struct mv_server *server;
  struct mv_queue later;
  pthread_t answerer;
  atomic_int handled;
  struct mv_reply *same;
  struct mv_queue held; /* until HELD are there; then they are answered together */
};

enum { HELD = 100 };

static void describe(struct mv_call *call) {
  struct mv_bytes out = {0};
  const char *mark = mv_call_header(call, "x-mark");
  mv_bytes_printf(&out, "%s %s?%s %zu %s", call->method, call->path, call->query, call->body_length,
                  mark ? mark : "-");
  mv_call_reply(call, 200, "text/plain", out.data, out.length, "X-One: 1\nX-Two: 2");
  mv_bytes_free(&out);
}

static void handle(struct mv_call *call, void *owner) {
  struct fixture *f = owner;
  atomic_fetch_add(&f->handled, 1);
  if (strncmp(call->path, "/later", 6) == 0) {
    struct ticket *ticket = calloc(1, sizeof *ticket);
    ticket->call = call;
    mv_call_defer(call);
    mv_queue_push(strcmp(call->path, "/later/held") == 0 ? &f->held : &f->later, &ticket->node);
  } else if (strcmp(call->path, "/broken") == 0) {
    mv_call_break(call, 200, "0123456789", 10, 0);
  } else if (strcmp(call->path, "/half") == 0) {
    mv_call_break(call, 200, "0123456789", 10, 0.5);
  } else if (strcmp(call->path, "/none") != 0) {
    describe(call);
  }
}

static void *answer(void *owner) {
  struct fixture *f = owner;
  struct mv_node *node;
  while ((node = mv_queue_take(&f->later, -1))) {
    while (node) {
      struct ticket *ticket = (struct ticket *)node;
      node = node->next;
      if (strcmp(ticket->call->path, "/later/same") == 0)
        mv_call_reply_with(ticket->call, f->same);
      else
        describe(ticket->call);
      free(ticket);
    }
  }
  return NULL;
}

static void setup(struct fixture *f, const char *listen) {
  struct mv_error err = {0};
  struct mv_server_options options = {
      .listen = listen, .handler = handle, .owner = f, .max_body = 1000, .idle_timeout = 2};
  memset(f, 0, sizeof *f);
  mv_queue_init(&f->later);
  mv_queue_init(&f->held);
  f->same = mv_reply_new(201, "text/plain", "the same", 8);
  pthread_create(&f->answerer, NULL, answer, f);
  f->server = mv_server_start(&options, &err);
  if (!f->server)
    fprintf(stderr, "%s\n", err.text);
}

static void teardown(struct fixture *f) {
  mv_server_stop(f->server);
  mv_queue_close(&f->later);
  pthread_join(f->answerer, NULL);
  mv_queue_destroy(&f->later);
  mv_queue_destroy(&f->held);
  mv_reply_free(f->same);
}

/* One request on a connection of its own; all that came back until the server closed. */
static char *exchange_n(struct fixture *f, const char *request, size_t length) {
  int fd = dial(mv_server_url(f->server));
  say(fd, request, length);
  shutdown(fd, SHUT_WR);
  char *text = hear(fd, NULL, 0);
  close(fd);
  return text;
}

static char *exchange(struct fixture *f, const char *request) {
  return exchange_n(f, request, strlen(request));
}

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static void test_requests(struct fixture *f) {
  CHECK(strstr(exchange(f, "GET /a%20b%2Fc?x=%41&y" END "X-Mark: m\r\n\r\n"), "GET /a b/c?x=%41&y 0 m"));
  CHECK(strstr(exchange(f, "DELETE /x" END "\r\n"), "DELETE /x? 0 -"));
  CHECK(strstr(exchange(f, "BREW /x" END "\r\n"), "BREW /x? 0 -"));
  CHECK(strstr(exchange(f, "POST /x" END "Content-Length: 3\r\n\r\nabc"), "POST /x? 3 -"));
  CHECK(strstr(exchange(f, "POST /x" END "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
               "POST /x? 3 -"));
  char *head = exchange(f, "HEAD /x" END "\r\n");
  CHECK(strstr(head, " 200 ") && strstr(head, "Content-Length: 12") && strstr(head, "X-Two: 2"));
  CHECK(!strstr(head, "HEAD /x?"));
  CHECK(strstr(exchange(f, "GET http://other/x?q" END "\r\n"), "GET /x?q 0"));
  CHECK(strstr(exchange(f, "GET /none" END "\r\n"), " 500 "));
  CHECK(strstr(exchange(f, "GET /later" END "\r\n"), "GET /later? 0"));
}

static void test_bad_targets(struct fixture *f) {
  int before = atomic_load(&f->handled);
  CHECK(strstr(exchange(f, "GET /a%00b" END "\r\n"), " 400 "));
  CHECK(strstr(exchange(f, "GET /a%zz" END "\r\n"), " 400 "));
  CHECK(strstr(exchange(f, "GET /a%4" END "\r\n"), " 400 "));
  CHECK(strstr(exchange(f, "GET a" END "\r\n"), " 400 "));
  CHECK(!strstr(exchange(f, "\0\1\2 garbage\r\n\r\n"), " 200 "));
  CHECK(!strstr(exchange(f, "GET\r\n\r\n"), " 200 "));
  CHECK(!strstr(exchange(f, "GET / HTTP/9.9\r\n\r\n"), " 200 "));
  CHECK(!strstr(exchange(f, "POST /x" END "Content-Length: -5\r\n\r\n"), " 200 "));
  CHECK(!strstr(exchange(f, "POST /x" END "Content-Length: 99999999999999999999\r\n\r\nx"), " 200 "));
  CHECK(!strstr(exchange(f, "POST /x" END "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), " 200 "));
  CHECK(strstr(exchange(f, "POST /x" END "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
               " 400 "));
  CHECK(strstr(exchange(f, "POST /x" END "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), " 400 "));
  CHECK(atomic_load(&f->handled) == before);
  CHECK(strstr(exchange(f, "GET /fine" END "\r\n"), " 200 "));
}

static void test_oversize(struct fixture *f) {
  int before = atomic_load(&f->handled);
  size_t length = 100000;
  char *request = malloc(length + 200);
  int head = sprintf(request, "POST /x" END "Content-Length: %zu\r\n\r\n", length);
  memset(request + head, 'x', length);
  CHECK(strstr(exchange_n(f, request, (size_t)head + length), " 413 "));
  head = sprintf(request, "POST /x" END "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", length);
  memset(request + head, 'x', length);
  snprintf(request + head + length, 8, "\r\n0\r\n\r\n");
  CHECK(strstr(exchange_n(f, request, (size_t)head + length + 7), " 413 "));
  free(request);
  CHECK(strstr(exchange(f, "POST /x" END "Content-Length: 99999999\r\n\r\n"), " 413 "));
  char *waited = exchange(f, "POST /x" END "Content-Length: 2000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(strstr(waited, " 413 ") && !strstr(waited, " 100 "));
  CHECK(atomic_load(&f->handled) == before);
  char exact[1200];
  int at = sprintf(exact, "POST /x" END "Content-Length: 1000\r\n\r\n");
  memset(exact + at, 'y', 1000);
  CHECK(strstr(exchange_n(f, exact, (size_t)at + 1000), "POST /x? 1000 -"));
}

static void test_pipelined(struct fixture *f) {
  int fd = dial(mv_server_url(f->server));
  char request[4096] = "";
  for (int i = 0; i < 20; i++)
    sprintf(request + strlen(request), "GET /%s%d HTTP/1.1\r\nHost: x\r\n\r\n", i % 2 ? "later" : "n", i);
  say(fd, request, strlen(request));
  char *text = hear(fd, " 0 -", 20), *at = text;
  for (int i = 0; i < 20 && at; i++) {
    char expected[32];
    sprintf(expected, "GET /%s%d? 0 -", i % 2 ? "later" : "n", i);
    at = strstr(at, expected);
  }
  CHECK(at != NULL);
  close(fd);
}

static void test_slow_body(struct fixture *f) {
  int fd = dial(mv_server_url(f->server));
  const char *head = "POST /x" END "Content-Length: 10\r\n\r\n";
  say(fd, head, strlen(head));
  for (int i = 0; i < 10; i++) {
    usleep(20000);
    say(fd, "z", 1);
  }
  CHECK(strstr(hear(fd, NULL, 0), "POST /x? 10 -"));
  close(fd);
  fd = dial(mv_server_url(f->server));
  say(fd, head, strlen(head));
  CHECK(!strstr(hear(fd, NULL, 0), " 200 ")); /* the idle timeout ends it */
  close(fd);
}

/* A byte now and then is not enough; a connection that was served is watched again. */
static void test_slow_headers(struct fixture *f) {
  static const char whole[] = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", begun[] = "GET /x HTTP/1.1\r\nX-Slow: ";
  int fd = dial(mv_server_url(f->server)), sent = 0;
  say(fd, whole, strlen(whole));
  hear(fd, "GET /x?", 1);
  say(fd, begun, strlen(begun));
  struct timeval brief = {.tv_usec = 200000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
  char byte;
  while (sent < 100 && recv(fd, &byte, 1, 0) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    say(fd, "x", 1);
    sent++;
  }
  CHECK(sent > 2 && sent < 100);
  close(fd);
}

static void test_breaks(struct fixture *f) {
  CHECK(exchange(f, "GET /broken" END "\r\n")[0] == 0);
  char *half = exchange(f, "GET /half" END "\r\n");
  CHECK(strstr(half, "01234") && !strstr(half, "012345") && strstr(half, "Content-Length: 10"));
}

static void test_many_deferred(struct fixture *f) {
  int *fds = calloc(1000, sizeof *fds), good = 0;
  for (int i = 0; i < 1000; i++) {
    fds[i] = dial(mv_server_url(f->server));
    const char *request = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
    say(fds[i], request, strlen(request));
  }
  for (int i = 0; i < 1000; i++) {
    good += strstr(hear(fds[i], " 0 -", 1), "GET /later? 0 -") != NULL;
    close(fds[i]);
  }
  CHECK(good == 1000);
  free(fds);
}

static void reset_connection(int fd) {
  struct linger at_once = {.l_onoff = 1};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

/* Answered in one go, which wakes each thread of the server once; half of the senders are gone. */
static void test_held(struct fixture *f) {
  static const char request[] = "GET /later/held HTTP/1.1\r\nHost: x\r\n\r\n";
  int fds[HELD], good = 0;
  for (int i = 0; i < HELD; i++) {
    fds[i] = dial(mv_server_url(f->server));
    say(fds[i], request, sizeof request - 1);
  }
  while (mv_queue_length(&f->held) < HELD)
    usleep(1000);
  for (int i = 0; i < HELD; i += 2)
    reset_connection(fds[i]);
  for (struct mv_node *node = mv_queue_take(&f->held, 0), *next; node; node = next) {
    next = node->next;
    mv_queue_push(&f->later, node);
  }
  for (int i = 1; i < HELD; i += 2) {
    good += strstr(hear(fds[i], " 0 -", 1), "GET /later/held? 0 -") != NULL;
    close(fds[i]);
  }
  CHECK(good == HELD / 2);
}

static void test_same(struct fixture *f) {
  static const char request[] = "GET /later/same HTTP/1.1\r\nHost: x\r\n\r\n";
  int fds[50], good = 0;
  for (int i = 0; i < 200; i++) {
    if (i < 50)
      fds[i] = dial(mv_server_url(f->server));
    say(fds[i % 50], request, sizeof request - 1);
  }
  for (int i = 0; i < 50; i++) {
    const char *at = hear(fds[i], "the same", 4);
    for (int n = 0; at && n < 4; n++) {
      good += strncmp(at, "HTTP/1.1 201 ", 13) == 0 && strstr(at, "Content-Type: text/plain\r\n");
      at = strstr(at, "the same") + 8;
    }
    close(fds[i]);
  }
  CHECK(good == 200);
}

/* Connections that wait, send half a request, or were just answered do not keep it from stopping. */
static void test_stop_with_clients(void) {
  struct fixture f;
  setup(&f, "127.0.0.1:0");
  int idle = dial(mv_server_url(f.server)), half = dial(mv_server_url(f.server)), later[50];
  say(half, "POST /x HTTP/1.1\r\nContent-", 25);
  for (int i = 0; i < 50; i++) {
    later[i] = dial(mv_server_url(f.server));
    const char *request = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
    say(later[i], request, strlen(request));
  }
  while (atomic_load(&f.handled) < 50)
    usleep(1000);
  mv_server_quiesce(f.server);
  CHECK(dial(mv_server_url(f.server)) < 0);
  teardown(&f);
  int good = 0;
  for (int i = 0; i < 50; i++) {
    good += strstr(hear(later[i], " 0 -", 1), " 200 ") != NULL;
    close(later[i]);
  }
  CHECK(good == 50);
  close(idle);
  close(half);
}

static void check_refused(const char *listen, const char *text) {
  struct mv_error err = {0};
  struct mv_server_options options = {.listen = listen, .handler = handle};
  CHECK(mv_server_start(&options, &err) == NULL);
  CHECK(strstr(err.text, text));
  if (!strstr(err.text, text))
    fprintf(stderr, "  got: %s\n", err.text);
}

static void test_addresses(struct fixture *f) {
  struct fixture six;
  const char *used = strstr(mv_server_url(f->server), "127");
  check_refused(used, "cannot listen at 127.0.0.1:");
  check_refused(used, "another program listens there");
  check_refused("127.0.0.1", "is not an address to listen at");
  check_refused("::1:80", "is not an address to listen at");
  check_refused("127.0.0.1:65536", "is not an address to listen at");
  check_refused("192.0.2.1:0", "no such address");
  setup(&six, "[::1]:0");
  if (six.server) {
    CHECK(strncmp(mv_server_url(six.server), "http://[::1]:", 13) == 0);
    CHECK(strtol(mv_server_url(six.server) + 13, NULL, 10) > 0);
  }
  teardown(&six);
  setup(&six, ":0");
  CHECK(strncmp(mv_server_url(six.server), "http://0.0.0.0:", 15) == 0);
  CHECK(strstr(exchange(&six, "GET /all" END "\r\n"), "GET /all?"));
  teardown(&six);
}

static size_t keep(char *data, size_t size, size_t count, void *owner) {
  mv_bytes_append(owner, data, size * count);
  return size * count;
}

static struct mv_bytes get(const char *url) {
  struct mv_bytes text = {0};
  CURL *curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_perform(curl);
  curl_easy_cleanup(curl);
  return text;
}

/* One address cannot take all connections, nor all connections the process's descriptors. */
static void test_greedy_sender(void) {
  struct fixture f;
  struct mv_error err = {0};
  struct mv_server_options options = {.listen = "127.0.0.1:0", .handler = handle, .owner = &f};
  struct rlimit files, few;
  int fds[60], closed = 0;
  char byte;
  getrlimit(RLIMIT_NOFILE, &files);
  few = files;
  few.rlim_cur = 160;
  setrlimit(RLIMIT_NOFILE, &few);
  memset(&f, 0, sizeof f);
  f.server = mv_server_start(&options, &err);
  for (int i = 0; i < 60; i++)
    fds[i] = dial(mv_server_url(f.server));
  for (int tries = 0; closed < 20 && tries < 1000; tries++) { /* half of half of 160 were taken */
    closed = 0;
    for (int i = 0; i < 60; i++)
      closed += recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0 || errno != EAGAIN;
    usleep(10000);
  }
  CHECK(closed == 20);
  for (int i = 0; i < 60; i++)
    close(fds[i]);
  while (!strstr(exchange(&f, "GET /fine" END "\r\n"), " 200 "))
    usleep(10000);
  mv_server_stop(f.server);
  setrlimit(RLIMIT_NOFILE, &files);
}

/* With a certificate made here; where there is no openssl to make one, only the refusals. */
static void test_tls(void) {
  char folder[] = "/tmp/mavilua-tls-XXXXXX", command[512], cert[64], key[64], url[128];
  struct fixture f = {0};
  struct mv_error err = {0};
  CHECK(mkdtemp(folder) != NULL);
  snprintf(cert, sizeof cert, "%s/cert.pem", folder);
  snprintf(key, sizeof key, "%s/key.pem", folder);
  struct mv_server_options options = {.listen = "127.0.0.1:0", .handler = handle, .owner = &f,
                                      .tls_cert = cert};
  CHECK(!mv_server_start(&options, &err) && strstr(err.text, "its key"));
  options.tls_key = key;
  CHECK(!mv_server_start(&options, &err) && strstr(err.text, "cannot read"));
  snprintf(command, sizeof command,
           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s "
           "-days 2 -subj /CN=localhost >%s/log 2>&1", key, cert, folder);
  if (system(command) == 0 && (f.server = mv_server_start(&options, &err))) {
    CHECK(strncmp(mv_server_url(f.server), "https://127.0.0.1:", 18) == 0);
    snprintf(url, sizeof url, "%s/private", mv_server_url(f.server));
    struct mv_bytes text = get(url);
    CHECK(text.data && strcmp(text.data, "GET /private? 0 -") == 0);
    mv_bytes_free(&text);
    mv_server_stop(f.server);
  }
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
}

int main(void) {
  struct fixture f;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096; /* both ends of 1000 connections */
  setrlimit(RLIMIT_NOFILE, &files);
  setup(&f, "127.0.0.1:0");
  test_requests(&f);
  test_bad_targets(&f);
  test_oversize(&f);
  test_pipelined(&f);
  test_slow_body(&f);
  test_slow_headers(&f);
  test_breaks(&f);
  test_many_deferred(&f);
  for (int i = 0; i < 5; i++)
    test_held(&f);
  test_same(&f);
  test_addresses(&f);
  teardown(&f);
  test_stop_with_clients();
  test_greedy_sender();
  test_tls();
  return check_end("server");
}
