/* The other end of a server's connections, in plain sockets. */
#ifndef MV_TEST_DIAL_H
#define MV_TEST_DIAL_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Connects a socket to 127.0.0.1 at the port of `url`, on which receiving waits 10 s at most. */
static inline int dial_with(int fd, const char *url) {
  long port = strtol(strrchr(url, ':') + 1, NULL, 10);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct timeval limit = {.tv_sec = 10};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return connect(fd, (struct sockaddr *)&to, sizeof to);
}

/* A connection, as above; or -1. */
static inline int dial(const char *url) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || dial_with(fd, url) == 0)
    return fd;
  close(fd);
  return -1;
}

static inline void say(int fd, const char *text, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
    if (sent <= 0)
      return;
    text += sent;
    length -= (size_t)sent;
  }
}

/* Reads until `count` occurrences of `mark` came, or the end (mark NULL). */
static inline char *hear(int fd, const char *mark, int count) {
  static char text[1 << 20];
  size_t length = 0;
  text[0] = 0;
  for (;;) {
    int seen = 0;
    for (char *at = text; mark && (at = strstr(at, mark)); at++)
      seen++;
    if (mark && seen >= count)
      break;
    ssize_t got = recv(fd, text + length, sizeof text - 1 - length, 0);
    if (got <= 0)
      break;
    length += (size_t)got;
    text[length] = 0;
  }
  return text;
}

#endif
