/* Many connections at once, and more than there is room for. */
#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <time.h>

#include "net/server.h"
#include "test/check.h"
#include "test/dial.h"

static const char REQUEST[] = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
static const char HOLD[] = "GET /hold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

struct fixture {
  struct mv_server *server;
  sem_t held, go;
  struct mv_log *log;
  int lines; /* that it took */
};

static void count_line(void *owner, enum mv_log_level level, const char *line) {
  struct fixture *f = owner;
  (void)level;
  (void)line;
  f->lines++;
}

static void handle(struct mv_call *call, void *owner) {
  struct fixture *f = owner;
  if (strcmp(call->path, "/hold") == 0) {
    sem_post(&f->held);
    sem_wait(&f->go);
  }
  mv_call_reply(call, 200, "text/plain", "done", 4, NULL);
}

static void setup(struct fixture *f, unsigned connections, unsigned per_address) {
  struct mv_error err = {0};
  struct mv_log_options log = {.level = MV_LOG_WARN, .sink = count_line, .owner = f};
  f->lines = 0;
  f->log = mv_log_new(&log);
  struct mv_server_options options = {.listen = "127.0.0.1:0", .handler = handle, .owner = f,
                                      .log = f->log,
                                      .threads = 1, .connections = connections,
                                      .per_address = per_address, .idle_timeout = 60};
  sem_init(&f->held, 0, 0);
  sem_init(&f->go, 0, 0);
  f->server = mv_server_start(&options, &err);
  if (!f->server)
    fprintf(stderr, "%s\n", err.text);
}

static void teardown(struct fixture *f) {
  mv_server_stop(f->server);
  mv_log_free(f->log);
  sem_destroy(&f->held);
  sem_destroy(&f->go);
}

static int open_one(const struct fixture *f) {
  return dial(mv_server_url(f->server));
}

static void ask(int fd) {
  say(fd, REQUEST, sizeof REQUEST - 1);
}

static bool is_answered(int fd) {
  return strstr(hear(fd, "done", 1), "done") != NULL;
}

/* `count` connections send while the server's one thread is busy; then they are all ready at once. */
static void check_burst(struct fixture *f, int count) {
  int fds[200], hold = open_one(f), good = 0;
  for (int i = 0; i < count; i++) {
    fds[i] = open_one(f);
    ask(fds[i]);
    good += is_answered(fds[i]);
  }
  say(hold, HOLD, sizeof HOLD - 1);
  sem_wait(&f->held);
  for (int i = 0; i < count; i++)
    ask(fds[i]);
  sem_post(&f->go);
  for (int i = 0; i < count; i++) {
    good += is_answered(fds[i]);
    close(fds[i]);
  }
  close(hold);
  CHECK(good == 2 * count);
}

/* Servers ask the system for so many events at a time; what a number of them does is no accident. */
static void test_bursts(void) {
  static const int counts[] = {1, 63, 64, 65, 126, 127, 128, 129, 200};
  struct fixture f;
  setup(&f, 0, 0);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    check_burst(&f, counts[i]);
  teardown(&f);
}

/* Who finds no place waits for one. */
static void test_full(void) {
  struct fixture f;
  int fds[40], good = 0;
  setup(&f, 20, 20);
  for (int i = 0; i < 40; i++) {
    fds[i] = open_one(&f);
    ask(fds[i]);
  }
  for (int i = 0; i < 40; i++) {
    good += is_answered(fds[i]);
    close(fds[i]);
  }
  CHECK(good == 40);
  teardown(&f);
}

/* One after the other, each when the one before has left; there is no descriptor for two. */
static void queue_up(const struct fixture *f, const int *fds, int count) {
  int good = 0;
  for (int i = 0; i < count; i++) {
    CHECK(dial_with(fds[i], mv_server_url(f->server)) == 0);
    ask(fds[i]);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    if (i > 0)
      shutdown(fds[i - 1], SHUT_RDWR);
    good += is_answered(fds[i]);
  }
  CHECK(good == count);
}

/* When descriptors run out connections wait, too, and nothing else suffers. */
static void test_scarce(void) {
  struct fixture f;
  struct rlimit files, few;
  int fds[14], spare[1000], spares = 0, good = 0;
  setup(&f, 100, 100);
  for (int i = 0; i < 14; i++)
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  getrlimit(RLIMIT_NOFILE, &files);
  few = files;
  few.rlim_cur = 200;
  setrlimit(RLIMIT_NOFILE, &few);
  while ((spare[spares] = dup(0)) >= 0)
    spares++;
  close(spare[--spares]); /* one can be served */
  for (int i = 0; i < 10; i++)
    CHECK(dial_with(fds[i], mv_server_url(f.server)) == 0);
  for (int i = 0; i < 10; i++) {
    ask(fds[i]);
    good += is_answered(fds[i]);
    close(fds[i]); /* makes room for one more, here and there */
  }
  CHECK(good == 10);
  while ((spare[spares] = dup(0)) >= 0)
    spares++;
  close(spare[--spares]);
  queue_up(&f, fds + 10, 4);
  CHECK(f.lines == 1); /* the log is not flooded */
  for (int i = 10; i < 14; i++)
    close(fds[i]);
  while (spares > 0)
    close(spare[--spares]);
  setrlimit(RLIMIT_NOFILE, &files);
  teardown(&f);
}

/* Without a single descriptor: a server that stops has nothing to complain of. */
static void test_stop_scarce(void) {
  struct fixture f;
  struct rlimit files, none;
  setup(&f, 0, 0);
  int guest = open_one(&f);
  ask(guest);
  CHECK(is_answered(guest));
  getrlimit(RLIMIT_NOFILE, &files);
  none = files;
  none.rlim_cur = (rlim_t)guest;
  setrlimit(RLIMIT_NOFILE, &none);
  teardown(&f);
  setrlimit(RLIMIT_NOFILE, &files);
  close(guest);
  CHECK(f.lines == 0);
}

/* Milliseconds of processor time that all threads used within 300 ms. */
static long used_ms(void) {
  struct timespec before, after, time = {.tv_nsec = 300000000};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  nanosleep(&time, NULL);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  return (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
}

/* A request with which the daemon can do nothing keeps no thread busy, and nobody else from being
 * served. */
static void test_stuck(void) {
  static const char head[] = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;";
  struct fixture f;
  char extension[20000];
  memset(extension, 'x', sizeof extension);
  setup(&f, 0, 0);
  int stuck = open_one(&f), good = open_one(&f);
  say(stuck, head, sizeof head - 1);
  say(stuck, extension, sizeof extension);
  ask(good);
  CHECK(is_answered(good));
  CHECK(used_ms() < 100);
  for (int i = 0; i < 100; i++) {
    ask(good);
    CHECK(is_answered(good));
  }
  close(stuck);
  close(good);
  teardown(&f);
}

int main(void) {
  test_stuck();
  test_bursts();
  test_full();
  test_scarce();
  test_stop_scarce();
  return check_end("server_crowd");
}
