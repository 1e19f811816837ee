/* The sockets that libcurl waits for, in an epoll. A connection that is kept between two exchanges
 * stays in it: to take it out and in again costs more than the exchange's other calls of the system
 * but the sending. */
#ifndef MV_API_SOCKETS_H
#define MV_API_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

/* Zero it and set `epoll`, which is the caller's. */
struct mv_sockets {
  int epoll;
  struct mv_socket *known; /* by descriptor */
  size_t count;
};

/* socket(family, type, protocol), closed at exec: of one that is opened and closed here it is known
 * what the epoll watches, without asking it. A descriptor or -1. */
int mv_sockets_open(struct mv_sockets *sockets, int family, int type, int protocol);

/* From now on `events` (of epoll, not 0) of the socket are wanted. `again`: so were some before,
 * without a mv_sockets_leave in between. 0 or -1. */
int mv_sockets_want(struct mv_sockets *sockets, int fd, unsigned events, bool again);

/* Nothing of the socket is wanted any more. */
void mv_sockets_leave(struct mv_sockets *sockets, int fd);

/* Whether an event of the socket was wanted. One that was not is not reported again. */
bool mv_sockets_wanted(struct mv_sockets *sockets, int fd);

/* Closes a socket, wherever it was opened. 0 or -1. */
int mv_sockets_close(struct mv_sockets *sockets, int fd);

void mv_sockets_free(struct mv_sockets *sockets);

#endif
