#include "api/sockets.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct mv_socket {
  uint8_t wanted;  /* EPOLLIN, EPOLLOUT */
  uint8_t watched; /* what the epoll was told last */
  bool ours; /* it is opened and closed here: `watched` holds. Of another one it may not: closed,
                it is in no epoll any more, and its number can be another's */
};

/* NULL when memory is out. */
static struct mv_socket *socket_of(struct mv_sockets *sockets, int fd) {
  size_t at = (size_t)fd;
  if (at >= sockets->count) {
    size_t count = (at + 64) * 3 / 2;
    struct mv_socket *known = realloc(sockets->known, count * sizeof *known);
    if (!known) {
      return NULL;
    }
    memset(known + sockets->count, 0, (count - sockets->count) * sizeof *known);
    sockets->known = known;
    sockets->count = count;
  }
  return &sockets->known[at];
}

static int control(struct mv_sockets *sockets, int what, int fd, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  return epoll_ctl(sockets->epoll, what, fd, &event);
}

int mv_sockets_open(struct mv_sockets *sockets, int family, int type, int protocol) {
  int fd = socket(family, type | SOCK_CLOEXEC, protocol);
  struct mv_socket *known = fd < 0 ? NULL : socket_of(sockets, fd);
  if (known) {
    *known = (struct mv_socket){.ours = true};
  }
  return fd;
}

/* `known` may be NULL. */
static int watch(struct mv_sockets *sockets, int fd, unsigned events, bool again,
                 const struct mv_socket *known) {
  unsigned before = known ? known->watched : 0;
  if (known && known->ours && before) {
    return events == before ? 0 : control(sockets, EPOLL_CTL_MOD, fd, events);
  }
  if (again) {
    return control(sockets, EPOLL_CTL_MOD, fd, events) == 0
               ? 0
               : control(sockets, EPOLL_CTL_ADD, fd, events);
  }
  if (control(sockets, EPOLL_CTL_ADD, fd, events) == 0) {
    return 0;
  }
  return errno != EEXIST ? -1 : events == before ? 0 : control(sockets, EPOLL_CTL_MOD, fd, events);
}

int mv_sockets_want(struct mv_sockets *sockets, int fd, unsigned events, bool again) {
  struct mv_socket *known = socket_of(sockets, fd);
  if (watch(sockets, fd, events, again, known)) {
    return -1;
  }
  if (known) {
    known->wanted = known->watched = (uint8_t)events;
  }
  return 0;
}

void mv_sockets_leave(struct mv_sockets *sockets, int fd) {
  if ((size_t)fd < sockets->count) {
    sockets->known[fd].wanted = 0;
  } else {
    control(sockets, EPOLL_CTL_DEL, fd, 0); /* there was no memory to note it */
  }
}

bool mv_sockets_wanted(struct mv_sockets *sockets, int fd) {
  if ((size_t)fd >= sockets->count || sockets->known[fd].wanted) {
    return true;
  }
  control(sockets, EPOLL_CTL_DEL, fd, 0);
  sockets->known[fd].watched = 0;
  return false;
}

int mv_sockets_close(struct mv_sockets *sockets, int fd) {
  /* a copy of it in a forked process would keep it in the epoll */
  control(sockets, EPOLL_CTL_DEL, fd, 0);
  if ((size_t)fd < sockets->count) {
    sockets->known[fd] = (struct mv_socket){.ours = false};
  }
  return close(fd);
}

void mv_sockets_free(struct mv_sockets *sockets) {
  free(sockets->known);
  sockets->known = NULL;
  sockets->count = 0;
}
