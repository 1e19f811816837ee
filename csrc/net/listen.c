#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

struct address {
  char host[256]; /* "" for all interfaces */
  char port[8];
};

static int bad_address(const char *text, struct mv_error *err) {
  return mv_error_set(err, MV_ERROR_USAGE,
                      "\"%s\" is not an address to listen at; expected host:port, for example "
                      "127.0.0.1:8080, [::1]:8080, or :8080 for all interfaces (port 0: any free one)",
                      text);
}

static bool port_ok(const char *port) {
  size_t length = strlen(port);
  if (length < 1 || length > 5 || strspn(port, "0123456789") != length)
    return false;
  return strtol(port, NULL, 10) <= 65535;
}

static int split(const char *text, struct address *out, struct mv_error *err) {
  const char *host = text;
  const char *colon = strrchr(text, ':');
  size_t length = colon ? (size_t)(colon - text) : 0;
  if (!colon || !port_ok(colon + 1))
    return bad_address(text, err);
  if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
    host++;
    length -= 2;
  } else if (memchr(host, ':', length)) {
    return bad_address(text, err); /* an IPv6 address without brackets */
  }
  if (length >= sizeof out->host)
    return bad_address(text, err);
  memcpy(out->host, host, length);
  out->host[length] = 0;
  snprintf(out->port, sizeof out->port, "%s", colon + 1);
  return 0;
}

static const char *advice(int error) {
  switch (error) {
  case EACCES:
    return "; choose a port above 1023, or give the program the right to bind lower ones "
           "(CAP_NET_BIND_SERVICE)";
  case EADDRINUSE:
    return "; another program listens there: stop it, or choose another port (0: any free one)";
  case EADDRNOTAVAIL:
    return "; this machine has no such address";
  default:
    return "";
  }
}

static int cannot_listen(const char *address, int error, struct mv_error *err) {
  return mv_error_set(err, MV_ERROR_SYSTEM, "cannot listen at %s: %s%s", address, strerror(error),
                      advice(error));
}

/* A bound and listening socket, or -1 and errno. */
static int open_socket(int family, const struct sockaddr *name, socklen_t length) {
  int one = 1, zero = 0, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  if (bind(fd, name, length) == 0 && listen(fd, BACKLOG) == 0)
    return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int open_all(uint16_t port) {
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  int fd = open_socket(AF_INET6, (const struct sockaddr *)&six, sizeof six);
  if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
    fd = open_socket(AF_INET, (const struct sockaddr *)&four, sizeof four);
  return fd;
}

static int open_named(const struct address *to, const char *text, struct mv_error *err) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  int status = getaddrinfo(to->host, to->port, &hints, &found);
  if (status)
    return mv_error_set(err, MV_ERROR_USAGE, "cannot listen at %s: %s", text, gai_strerror(status));
  int fd = -1;
  for (struct addrinfo *each = found; each && fd < 0; each = each->ai_next)
    fd = open_socket(each->ai_family, each->ai_addr, each->ai_addrlen);
  int error = errno;
  freeaddrinfo(found);
  return fd < 0 ? cannot_listen(text, error, err) : fd;
}

static void describe(int fd, bool all, char *actual, size_t size) {
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  char host[INET6_ADDRSTRLEN] = "", port[8] = "";
  memset(&name, 0, sizeof name);
  getsockname(fd, (struct sockaddr *)&name, &length);
  getnameinfo((struct sockaddr *)&name, length, host, sizeof host, port, sizeof port,
              NI_NUMERICHOST | NI_NUMERICSERV);
  if (all)
    snprintf(actual, size, "0.0.0.0:%s", port);
  else if (name.ss_family == AF_INET6)
    snprintf(actual, size, "[%s]:%s", host, port);
  else
    snprintf(actual, size, "%s:%s", host, port);
}

int mv_listen_open(const char *address, char *actual, size_t size, struct mv_error *err) {
  struct address to = {.host = ""};
  if (split(address, &to, err))
    return -1;
  bool all = to.host[0] == 0;
  int fd = all ? open_all((uint16_t)strtol(to.port, NULL, 10)) : open_named(&to, address, err);
  if (fd < 0)
    return all ? cannot_listen(address, errno, err) : -1;
  describe(fd, all, actual, size);
  return fd;
}
