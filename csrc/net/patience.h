/* Ends connections that take too long over the headers of a request. The daemon's own timeout begins
 * anew with each byte, so that a sender of one byte now and then would keep its place for ever. */
#ifndef MV_NET_PATIENCE_H
#define MV_NET_PATIENCE_H

#include <stdatomic.h>
#include <stdint.h>

struct mv_patience;

/* A connection that is watched; lies in the caller's memory. */
struct mv_seat {
  struct mv_seat *previous, *next;
  int fd;
  atomic_llong since; /* ms, monotonic, headers are awaited; 0: they are there */
};

/* `limit_ms`: how long headers may take, counted from the connection's begin or the last answer.
 * `places`: how many connections there can be; from three quarters of them on, headers get two
 * seconds at most, so that idle ones make room. Starts a thread. NULL when memory or threads are
 * out. */
struct mv_patience *mv_patience_new(int limit_ms, unsigned places);
void mv_patience_free(struct mv_patience *patience); /* after the last leave; NULL is fine */

/* A connection begins, and ends; leave before its descriptor is closed. */
void mv_patience_enter(struct mv_patience *patience, struct mv_seat *seat, int fd);
void mv_patience_leave(struct mv_patience *patience, struct mv_seat *seat);

/* Headers are awaited from now on; they are there. */
void mv_seat_await(struct mv_seat *seat);
void mv_seat_got(struct mv_seat *seat);

#endif
