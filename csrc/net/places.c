#include "net/places.h"

#include <netinet/in.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct mv_places {
  pthread_mutex_t lock;
  unsigned all, each, taken;
  void *guests; /* a tree, see tsearch(3) */
};

struct guest {
  unsigned char address[16]; /* first: what the tree is ordered by */
  unsigned count;
};

static int compare(const void *a, const void *b) {
  return memcmp(a, b, sizeof ((const struct guest *)a)->address);
}

/* An address of IPv4 as it is written in IPv6. */
static struct guest guest_of(const struct sockaddr *address) {
  struct guest guest = {.address = {[10] = 0xff, [11] = 0xff}};
  if (address->sa_family == AF_INET)
    memcpy(guest.address + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
  else if (address->sa_family == AF_INET6)
    memcpy(guest.address, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
  return guest;
}

static struct guest *find(const struct mv_places *places, const struct guest *key) {
  struct guest *const *found = tfind(key, &places->guests, compare);
  return found ? *found : NULL;
}

static struct guest *add(struct mv_places *places, const struct guest *key) {
  struct guest *guest = malloc(sizeof *guest);
  if (!guest)
    return NULL;
  *guest = *key;
  if (tsearch(guest, &places->guests, compare))
    return guest;
  free(guest);
  return NULL;
}

struct mv_places *mv_places_new(unsigned all, unsigned each) {
  struct mv_places *places = calloc(1, sizeof *places);
  if (!places)
    return NULL;
  places->all = all;
  places->each = each;
  pthread_mutex_init(&places->lock, NULL);
  return places;
}

void mv_places_free(struct mv_places *places) {
  if (!places)
    return;
  while (places->guests) {
    struct guest *guest = *(struct guest **)places->guests;
    tdelete(guest, &places->guests, compare);
    free(guest);
  }
  pthread_mutex_destroy(&places->lock);
  free(places);
}

bool mv_places_take(struct mv_places *places) {
  pthread_mutex_lock(&places->lock);
  bool ok = places->taken < places->all;
  places->taken += ok;
  pthread_mutex_unlock(&places->lock);
  return ok;
}

/* Under the lock. */
static bool give_back(struct mv_places *places) {
  return places->taken-- == places->all;
}

bool mv_places_return(struct mv_places *places) {
  pthread_mutex_lock(&places->lock);
  bool was_full = give_back(places);
  pthread_mutex_unlock(&places->lock);
  return was_full;
}

bool mv_places_name(struct mv_places *places, const struct sockaddr *address) {
  struct guest key = guest_of(address);
  pthread_mutex_lock(&places->lock);
  struct guest *guest = find(places, &key);
  if (!guest)
    guest = add(places, &key);
  bool ok = guest && guest->count < places->each;
  if (ok)
    guest->count++;
  pthread_mutex_unlock(&places->lock);
  return ok;
}

bool mv_places_leave(struct mv_places *places, const struct sockaddr *address) {
  struct guest key = guest_of(address);
  pthread_mutex_lock(&places->lock);
  struct guest *guest = find(places, &key);
  if (guest && --guest->count == 0) {
    tdelete(guest, &places->guests, compare);
    free(guest);
  }
  bool was_full = give_back(places);
  pthread_mutex_unlock(&places->lock);
  return was_full;
}
