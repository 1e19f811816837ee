/* Sockets that stay in the epoll while nobody waits for them. */
#include "api/sockets.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* The descriptor that the epoll reports, or -1. */
static int reported(const struct mv_sockets *sockets) {
  struct epoll_event event;
  return epoll_wait(sockets->epoll, &event, 1, 0) == 1 ? event.data.fd : -1;
}

static void wanted_and_left(struct mv_sockets *sockets) {
  int pair[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK(mv_sockets_want(sockets, pair[0], EPOLLIN, false) == 0);
  CHECK(reported(sockets) == -1);
  CHECK(write(pair[1], "x", 1) == 1);
  CHECK(reported(sockets) == pair[0] && mv_sockets_wanted(sockets, pair[0]));
  mv_sockets_leave(sockets, pair[0]);
  CHECK(mv_sockets_want(sockets, pair[0], EPOLLIN, false) == 0);
  CHECK(reported(sockets) == pair[0] && mv_sockets_wanted(sockets, pair[0]));
  CHECK(mv_sockets_want(sockets, pair[0], EPOLLOUT, true) == 0);
  mv_sockets_leave(sockets, pair[0]);
  CHECK(mv_sockets_want(sockets, pair[0], EPOLLIN, false) == 0);
  CHECK(reported(sockets) == pair[0]);
  mv_sockets_leave(sockets, pair[0]);
  CHECK(reported(sockets) == pair[0] && !mv_sockets_wanted(sockets, pair[0]));
  CHECK(reported(sockets) == -1); /* once is enough */
  CHECK(mv_sockets_want(sockets, pair[0], EPOLLIN, false) == 0);
  CHECK(reported(sockets) == pair[0]);
  CHECK(mv_sockets_close(sockets, pair[0]) == 0 && reported(sockets) == -1);
  close(pair[1]);
}

/* The number of a socket that was closed, with and without a word, is another's. */
static void numbers_again(struct mv_sockets *sockets) {
  int first = -1;
  for (int i = 0; i < 4; i++) {
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    first = i ? first : pair[0];
    CHECK(pair[0] == first);
    CHECK(mv_sockets_want(sockets, pair[0], EPOLLIN, false) == 0);
    CHECK(write(pair[1], "x", 1) == 1);
    CHECK(reported(sockets) == pair[0] && mv_sockets_wanted(sockets, pair[0]));
    mv_sockets_leave(sockets, pair[0]);
    CHECK((i % 2 ? close(pair[0]) : mv_sockets_close(sockets, pair[0])) == 0);
    close(pair[1]);
  }
}

/* A socket of ours is watched from one exchange to the next, and anew when its number comes again,
 * also where that was another's meanwhile. */
static void opened_here(struct mv_sockets *sockets) {
  int pair[2];
  for (int i = 0; i < 6; i++) {
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    int fd = pair[0];
    if (i % 3 < 2) {
      close(fd);
      CHECK(mv_sockets_open(sockets, AF_UNIX, SOCK_DGRAM, 0) == fd);
    }
    CHECK(mv_sockets_want(sockets, fd, EPOLLIN, false) == 0);
    CHECK(reported(sockets) == -1);
    mv_sockets_leave(sockets, fd);
    CHECK(mv_sockets_want(sockets, fd, EPOLLIN, false) == 0);
    CHECK(mv_sockets_want(sockets, fd, EPOLLOUT, true) == 0);
    CHECK(reported(sockets) == fd && mv_sockets_wanted(sockets, fd));
    mv_sockets_leave(sockets, fd);
    CHECK(reported(sockets) == fd && !mv_sockets_wanted(sockets, fd));
    CHECK(reported(sockets) == -1);
    CHECK(mv_sockets_want(sockets, fd, EPOLLOUT, false) == 0);
    CHECK(reported(sockets) == fd && mv_sockets_wanted(sockets, fd));
    mv_sockets_leave(sockets, fd);
    CHECK((i % 3 < 2 ? mv_sockets_close(sockets, fd) : close(fd)) == 0);
    close(pair[1]);
  }
}

/* A copy elsewhere (in a process that was forked) keeps nothing in the epoll. */
static void copies(struct mv_sockets *sockets) {
  int pair[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  int copy = dup(pair[0]);
  CHECK(mv_sockets_want(sockets, pair[0], EPOLLIN, false) == 0);
  mv_sockets_leave(sockets, pair[0]);
  CHECK(mv_sockets_close(sockets, pair[0]) == 0);
  close(pair[1]);
  CHECK(reported(sockets) == -1);
  close(copy);
}

int main(void) {
  struct mv_sockets sockets = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
  wanted_and_left(&sockets);
  numbers_again(&sockets);
  opened_here(&sockets);
  copies(&sockets);
  mv_sockets_free(&sockets);
  close(sockets.epoll);
  return check_end("sockets");
}
