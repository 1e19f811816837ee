/* Who runs alone in the line of its key: that line is kept in memory, until somebody joins it. */
#ifndef MV_STORE_HELD_H
#define MV_STORE_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MV_HELD_KEY = 40 }; /* bytes with the end; longer keys are not held */

struct mv_held_line {
  int64_t id; /* 0: a free place */
  int64_t token; /* of its claim */
  bool bare; /* its row is not written yet */
  char key[MV_HELD_KEY];
};

struct mv_held_change {
  struct mv_held_line line;
  enum mv_held_what { MV_HELD_ADDED, MV_HELD_REMOVED, MV_HELD_WRITTEN } what;
};

/* Zeroed it is empty. What was changed since the last mv_held_keep can be taken back. */
struct mv_held {
  struct mv_held_line *lines; /* a hash table with linear probing */
  size_t count, bare;
  struct mv_held_change *changes;
  size_t changed, room;
};

void mv_held_free(struct mv_held *held);

/* The event that holds the line of `key`; 0: none. */
int64_t mv_held_find(const struct mv_held *held, const char *key);

/* Its line, until something is changed; or NULL. */
const struct mv_held_line *mv_held_get(const struct mv_held *held, const char *key);

/* `key` is not held yet. False: no room, or no memory; nothing was changed. */
bool mv_held_add(struct mv_held *held, const char *key, int64_t id, int64_t token, bool bare);

/* Who holds `key` is not bare any more. False: no memory; nothing was changed. */
bool mv_held_written(struct mv_held *held, const char *key);

/* Each that is bare with an id below `below`, from *at (0 at first) on; NULL: no more. Lines may
 * become written in between. */
const struct mv_held_line *mv_held_next_bare(const struct mv_held *held, size_t *at, int64_t below);

/* False: `id` does not hold it. */
bool mv_held_remove(struct mv_held *held, const char *key, int64_t id);

/* Takes back all but the first `changes`; see mv_held.changed. */
void mv_held_undo(struct mv_held *held, size_t changes);
void mv_held_keep(struct mv_held *held);

#endif
