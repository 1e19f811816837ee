/* How many runs of a handler may be under way at once, over all workers of a host (`concurrency`).
 *
 * Who finds no place waits for one, in order; when as many wait as may run, further ones are told
 * when to come again, so that a handler's backlog does not take the places of all others. */
#ifndef MV_HOST_LIMITER_H
#define MV_HOST_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

struct mv_limiter;
struct mv_limit;

/* A run's place, or its wish for one: zeroed memory of the caller until it has left. */
struct mv_place {
  struct mv_place *next;   /* behind it in the line */
  struct mv_limit *of;     /* NULL: it has not entered, or has left */
  bool holds;              /* it has the place; otherwise it waits */
  int64_t since;           /* ms, monotonic: when it got the place */
  void (*go)(struct mv_place *place); /* it gets the place it waited for; from any thread, under the
                                         limiter's lock: must not call the limiter */
};

struct mv_limiter *mv_limiter_new(void); /* NULL: out of memory */
void mv_limiter_free(struct mv_limiter *limiter); /* all have left */

enum mv_entry { MV_ENTRY_GO, MV_ENTRY_WAIT, MV_ENTRY_LATER };

/* Asks for a place among `limit` of the handler. GO: it has it; WAIT: place->go follows; LATER: it has
 * not entered and is to ask again after *later seconds. Out of memory is GO. */
enum mv_entry mv_limiter_enter(struct mv_limiter *limiter, const char *handler, unsigned limit,
                               struct mv_place *place, double *later);

/* Gives the place, or the wish, back; harmless on one that has not entered. Whether it waited: then
 * `go` will not be called any more. */
bool mv_limiter_leave(struct mv_limiter *limiter, struct mv_place *place);

#endif
