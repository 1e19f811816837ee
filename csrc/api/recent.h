/* A few things of one sort that were made from a source, shared and counted: who needs one of the
 * same source again gets the one that is there. */
#ifndef MV_API_RECENT_H
#define MV_API_RECENT_H

#include <stdbool.h>
#include <stddef.h>

/* The head of each thing. */
struct mv_recent_item {
  size_t uses; /* destroyed with the last one */
};

/* A sort of things. */
struct mv_recent_type {
  struct mv_recent_item *(*make)(const void *source); /* NULL when memory is out */
  bool (*holds)(const struct mv_recent_item *item, const void *source); /* whether made of it */
  void (*destroy)(struct mv_recent_item *item);
};

enum { MV_RECENT_MOST = 8 };

/* Zeroed, it is empty. */
struct mv_recent {
  struct mv_recent_item *items[MV_RECENT_MOST]; /* or NULL */
  unsigned turn;                                /* whose place the next new one takes */
};

/* A new use of the thing of this source; NULL when memory is out. */
struct mv_recent_item *mv_recent_use(struct mv_recent *recent, const struct mv_recent_type *type,
                                     const void *source);

/* Ends a use. `item` may be NULL. */
void mv_recent_release(const struct mv_recent_type *type, struct mv_recent_item *item);

/* Lets go of what could be used again. */
void mv_recent_forget(struct mv_recent *recent, const struct mv_recent_type *type);

#endif
