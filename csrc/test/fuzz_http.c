/* Bytes on a connection to a running sandbox, API and control API: whatever comes, it is answered
 * in the right form or the connection is closed, never with a failure of the sandbox's own. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/inside.h"
#include "sandbox/seed.h"
#include "test/fuzz_mutate.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum { PATIENCE_MS = 20 }; /* for what the sandbox itself puts off */

static struct mv_sandbox *sandbox;
static struct sockaddr_in address;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  struct mv_sandbox_options options = {.database = ":memory:",
                                       .seed = "csrc/test/corpus/project.json",
                                       .listen = "127.0.0.1:0",
                                       .virtual_now = INT64_C(1700000000000)};
  struct mv_error err;
  unsigned port;
  (void)argc;
  (void)argv;
  sandbox = mv_sandbox_start(&options, &err);
  assert(sandbox);
  int found = sscanf(mv_sandbox_url(sandbox), "http://127.0.0.1:%u", &port);
  assert(found == 1);
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return 0;
}

static int open_connection(void) {
  /* closed without waiting: there are many, one after the other */
  const struct linger hard = {.l_onoff = 1};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  int bad = connect(fd, (const struct sockaddr *)&address, sizeof address);
  for (int i = 0; bad && errno == EADDRNOTAVAIL && i < 500; i++) {
    usleep(10000); /* all ports are still held by connections that have ended */
    bad = connect(fd, (const struct sockaddr *)&address, sizeof address);
  }
  if (fd < 0 || bad)
    perror("fuzz_http: connection");
  assert(fd >= 0 && !bad);
  return fd;
}

/* What comes within the time, NUL-terminated. Stops at `enough`, if it is given. */
static size_t read_some(int fd, char *out, size_t size, int patience, const char *enough) {
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  size_t length = 0;
  ssize_t got = 1;
  out[0] = '\0';
  while (got > 0 && length < size - 1 && !(enough && strstr(out, enough)) &&
         poll(&poll_fd, 1, patience) > 0) {
    got = recv(fd, out + length, size - 1 - length, 0);
    length += got > 0 ? (size_t)got : 0;
    out[length] = '\0';
  }
  return length;
}

/* The words of a failure may stand further inside: what was sent is told by the journal. */
static void check_answer(const char *text, size_t length) {
  static const char failure[] = "\r\n\r\n{\"status\":\"fail\",\"message\":\"The sandbox failed";
  const char *body = strstr(text, "\r\n\r\n");
  assert(length < 12 || strncmp(text, "HTTP/1.1 ", 9) == 0 || strncmp(text, "HTTP/1.0 ", 9) == 0);
  assert(length < 12 || strncmp(text + 9, "500", 3) != 0);
  assert(!body || strncmp(body, failure, sizeof failure - 1) != 0);
}

/* It goes on serving. */
static void check_alive(void) {
  static const char ask[] = "GET /_sandbox/clock HTTP/1.1\r\nHost: x\r\n\r\n";
  char answer[2048];
  int fd = open_connection();
  ssize_t sent = send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL);
  assert(sent == sizeof ask - 1);
  read_some(fd, answer, sizeof answer, 20000, "\r\n\r\n");
  assert(strncmp(answer, "HTTP/1.1 200", 12) == 0);
  close(fd);
}

/* Of the database's rows, so far. */
static int64_t count_changes(void) {
  pthread_mutex_lock(&sandbox->lock);
  int64_t changes = mv_sql_all_changes(sandbox->db.sql);
  pthread_mutex_unlock(&sandbox->lock);
  return changes;
}

/* Each input finds the same sandbox. */
static void restore(void) {
  struct mv_work work;
  struct mv_error err;
  mv_faults_remove(sandbox->faults, 0, 0);
  mv_work_begin(&work, sandbox);
  mv_limits_clear(sandbox->limits);
  int bad = mv_seed_reset(&work, &err);
  assert(!bad);
  mv_db_run(work.db, "DELETE FROM settings WHERE name = 'webhook_url'", "");
  bad = mv_work_end(&work, true, &err);
  assert(!bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char answer[1 << 20];
  static unsigned count;
  int64_t changes = count_changes();
  if (size == 0 || memmem(data, size, "ebhook_url", 10))
    return 0; /* nothing is sent anywhere */
  int fd = open_connection();
  if (send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size) {
    shutdown(fd, SHUT_WR);
    size_t length = read_some(fd, answer, sizeof answer, PATIENCE_MS, NULL);
    check_answer(answer, length);
  }
  close(fd);
  if (++count % 64 == 0)
    check_alive();
  if (count_changes() != changes || count % 64 == 0)
    restore();
  return 0;
}

/* The body, where there is one, as JSON, with the length that it then has. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
  static const char mark[] = "Content-Length: ";
  uint8_t *length_at = memmem(data, size, mark, sizeof mark - 1);
  uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
  if (seed % 3 == 0 || !length_at || !end || end < length_at || max < size + 16)
    return LLVMFuzzerMutate(data, size, max);
  size_t head = (size_t)(end + 4 - data), digits = (size_t)(length_at - data) + sizeof mark - 1;
  size_t rest = digits;
  while (data[rest] >= '0' && data[rest] <= '9')
    rest++;
  uint8_t *body = malloc(max);
  memcpy(body, data + head, size - head);
  size_t length = fuzz_mutate_json(body, size - head, max - head - 16, seed);
  uint8_t *tail = malloc(head);
  memcpy(tail, data + rest, head - rest);
  int written = snprintf((char *)data + digits, 16, "%zu", length);
  size_t at = digits + (size_t)written;
  memcpy(data + at, tail, head - rest);
  at += head - rest;
  memcpy(data + at, body, length);
  free(body);
  free(tail);
  return at + length;
}
