/* How many connections there are, in all and from each address. */
#ifndef MV_NET_PLACES_H
#define MV_NET_PLACES_H

#include <stdbool.h>
#include <sys/socket.h>

struct mv_places;

/* `all`: most connections at once; `each`: most of them from one address. NULL: out of memory. */
struct mv_places *mv_places_new(unsigned all, unsigned each);
void mv_places_free(struct mv_places *places); /* NULL is fine */

/* Takes a place before it is known who comes; false when all are taken. */
bool mv_places_take(struct mv_places *places);

/* Gives back one that was taken and not named. True when all were taken until now. */
bool mv_places_return(struct mv_places *places);

/* Who sits on the place that was taken. False when that address has as many as it may, or memory is
 * out. `address`: IPv4 or IPv6, as accept(2) gives it. */
bool mv_places_name(struct mv_places *places, const struct sockaddr *address);

/* A named one goes. True when all were taken until now. */
bool mv_places_leave(struct mv_places *places, const struct sockaddr *address);

#endif
