/* http_load [-r RATE] URL CONNECTIONS SECONDS FIRST COUNT [BODY]: asks the URL over so many kept
 * connections for so long, each connection as soon as it has its answer, and prints the calls a
 * second, of a hundred calls the 10th, 50th and 99th in µs, and the calls, parted by tabs.
 *
 * With a RATE each call has its moment, so many a second, and goes out on any free connection; its
 * time counts from that moment, so that waiting for a free connection counts, too.
 *
 * The i-th call has FIRST + i * 7919 % COUNT in place of each '#' in the body. With a body it is a
 * POST, else a GET. Any status but 200 ends it. One thread, raw sockets: it takes little from what
 * it measures. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 1024, HEAD = 4096, MOST_TIMES = 1 << 22, STEP = 7919, FEWEST = 3 };

struct connection {
  int fd;
  double start;    /* µs: when the call was sent */
  char head[HEAD]; /* the answer up to the empty line, and what came with it */
  size_t got;
  long left; /* bytes of the body still to come; -1: the head is not whole */
};

struct load {
  const char *path, *body;
  long long first, count, calls;
  double rate, begun;                        /* calls a second, 0: as many as there can be; µs */
  struct connection *free[MOST_CONNECTIONS]; /* of those with a rate */
  size_t free_count;
  long fewest; /* answers before the end: of each connection one, for servers that are slow */
  float *times;
  struct sockaddr_in address;
};

static void die(const char *what) {
  fprintf(stderr, "http_load: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The body with the call's number; its length. */
static int fill(struct load *load, char *out, size_t size) {
  long long number = load->first + (load->calls * STEP) % load->count;
  size_t length = 0;
  for (const char *p = load->body; *p && length + 24 < size; p++) {
    if (*p == '#') {
      length += (size_t)snprintf(out + length, size - length, "%lld", number);
    } else {
      out[length++] = *p;
    }
  }
  return (int)length;
}

/* When the next call is to go out. */
static double due(const struct load *load) {
  return load->begun + (double)load->calls / load->rate * 1e6;
}

static void ask(struct load *load, struct connection *c) {
  char body[8192], text[16384];
  int length = load->body ? fill(load, body, sizeof body) : 0;
  int size =
      load->body
          ? snprintf(text, sizeof text,
                     "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                     "Content-Length: %d\r\n\r\n%.*s",
                     load->path, length, length, body)
          : snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", load->path);
  c->got = 0;
  c->left = -1;
  c->start = load->rate > 0 ? due(load) : now();
  load->calls++;
  if (write(c->fd, text, (size_t)size) != size) {
    die("cannot send");
  }
}

static void read_head(struct connection *c) {
  c->head[c->got] = '\0';
  char *end = strstr(c->head, "\r\n\r\n");
  if (!end) {
    return;
  }
  char *length = strcasestr(c->head, "\r\nContent-Length:");
  if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !length || length > end) {
    die(c->head);
  }
  c->left = strtol(length + 17, NULL, 10) - (long)(c->got - (size_t)(end + 4 - c->head));
}

/* True when the answer is whole. */
static int hear(struct connection *c) {
  static char rest[1 << 16];
  char *into = c->left < 0 ? c->head + c->got : rest;
  ssize_t got = read(c->fd, into, c->left < 0 ? HEAD - 1 - c->got : sizeof rest);
  if (got <= 0) {
    die("the connection was closed");
  }
  if (c->left < 0) {
    c->got += (size_t)got;
    read_head(c);
  } else {
    c->left -= got;
  }
  return c->left == 0;
}

static void join(struct load *load, struct connection *c, int epoll) {
  int on = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->fd, (struct sockaddr *)&load->address, sizeof load->address)) {
    die("cannot connect");
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
  if (load->rate > 0) {
    load->free[load->free_count++] = c;
  } else {
    ask(load, c);
  }
}

/* Sends what is due; the time until the next is, or until an answer must come. */
static struct timespec send_due(struct load *load) {
  struct timespec wait = {.tv_sec = 60};
  if (load->rate <= 0) {
    return wait;
  }
  while (load->free_count > 0 && due(load) <= now()) {
    ask(load, load->free[--load->free_count]);
  }
  double left = due(load) - now();
  if (load->free_count > 0) {
    wait =
        (struct timespec){.tv_sec = 0, .tv_nsec = left > 0 ? (long)(left * 1e3) % 1000000000 : 0};
  }
  return wait;
}

/* Until the end and at least a few calls; how many were answered. */
static long run(struct load *load, int epoll, double end) {
  struct epoll_event events[64];
  for (long done = 0;;) {
    struct timespec wait = send_due(load);
    int ready = epoll_pwait2(epoll, events, 64, &wait, NULL);
    if (ready < 0 || (ready == 0 && wait.tv_sec > 0)) {
      die("no answer for a minute");
    }
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (!hear(c)) {
        continue;
      }
      double moment = now();
      load->times[done % MOST_TIMES] = (float)(moment - c->start);
      done++;
      if (moment >= end && done >= load->fewest) {
        return done;
      }
      if (load->rate > 0) {
        load->free[load->free_count++] = c;
      } else {
        ask(load, c);
      }
    }
  }
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void read_url(struct load *load, const char *url) {
  char host[64];
  unsigned port;
  int used = 0;
  if (sscanf(url, "http://%63[0-9.]:%u%n", host, &port, &used) != 2 || url[used] != '/' ||
      inet_pton(AF_INET, host, &load->address.sin_addr) != 1) {
    die("takes a URL as http://127.0.0.1:8082/path");
  }
  load->address.sin_family = AF_INET;
  load->address.sin_port = htons((unsigned short)port);
  load->path = url + used;
}

int main(int argc, char **argv) {
  static struct connection connections[MOST_CONNECTIONS];
  static struct load load;
  if (argc > 2 && strcmp(argv[1], "-r") == 0) {
    load.rate = strtod(argv[2], NULL);
    argc -= 2;
    argv += 2;
  }
  if (argc < 6) {
    die("takes [-r RATE] URL CONNECTIONS SECONDS FIRST COUNT [BODY]");
  }
  long width = strtol(argv[2], NULL, 10);
  if (width < 1 || width > MOST_CONNECTIONS) {
    die("takes 1 to 1024 connections");
  }
  read_url(&load, argv[1]);
  load.first = strtoll(argv[4], NULL, 10);
  load.count = strtoll(argv[5], NULL, 10);
  load.body = argc > 6 ? argv[6] : NULL;
  load.times = calloc(MOST_TIMES, sizeof *load.times);
  int epoll = epoll_create1(0);
  if (!load.times || epoll < 0 || load.count < 1) {
    die("cannot begin");
  }
  load.fewest = width > FEWEST ? width : FEWEST;
  for (long i = 0; i < width; i++) {
    join(&load, &connections[i], epoll);
  }
  double start = load.begun = now();
  long done = run(&load, epoll, start + strtod(argv[3], NULL) * 1e6);
  double took = now() - start;
  size_t kept = done < MOST_TIMES ? (size_t)done : MOST_TIMES;
  qsort(load.times, kept, sizeof *load.times, by_size);
  printf("%.0f\t%.1f\t%.1f\t%.1f\t%ld\n", (double)done / took * 1e6, (double)load.times[kept / 10],
         (double)load.times[kept / 2], (double)load.times[kept * 99 / 100], done);
  return 0;
}
