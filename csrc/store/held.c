#include "store/held.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { PLACES = 8192, MOST = PLACES / 2 };

void mv_held_free(struct mv_held *held) {
  free(held->lines);
  free(held->changes);
  *held = (struct mv_held){.lines = NULL};
}

static size_t home_of(const char *key) {
  uint32_t hash = mv_hash(key);
  return (hash ^ hash >> 15) % PLACES;
}

/* Its place, or the free one where it would be. */
static struct mv_held_line *place_of(const struct mv_held *held, const char *key) {
  size_t at = home_of(key);
  while (held->lines[at].id && strcmp(held->lines[at].key, key) != 0)
    at = (at + 1) % PLACES;
  return &held->lines[at];
}

int64_t mv_held_find(const struct mv_held *held, const char *key) {
  return held->count ? place_of(held, key)->id : 0;
}

/* With a place for the removal of each that is held: that must not fail. */
static bool make_room(struct mv_held *held) {
  size_t wanted = held->changed + held->count + 2;
  if (wanted <= held->room)
    return true;
  struct mv_held_change *grown = realloc(held->changes, wanted * 2 * sizeof *grown);
  if (!grown)
    return false;
  held->changes = grown;
  held->room = wanted * 2;
  return true;
}

bool mv_held_by(const struct mv_held *held, const char *key, int64_t id, int64_t token) {
  const struct mv_held_line *line = held->count ? place_of(held, key) : NULL;
  return line && line->id == id && line->token == token;
}

static void note(struct mv_held *held, const struct mv_held_line *line, bool added) {
  held->changes[held->changed++] = (struct mv_held_change){.line = *line, .added = added};
}

static void put(struct mv_held *held, const struct mv_held_line *line) {
  *place_of(held, line->key) = *line;
  held->count++;
}

/* Those behind it move up, so that no search stops at the gap. */
static void take(struct mv_held *held, struct mv_held_line *line) {
  size_t gap = (size_t)(line - held->lines);
  for (size_t at = (gap + 1) % PLACES; held->lines[at].id; at = (at + 1) % PLACES) {
    size_t home = home_of(held->lines[at].key);
    if ((at + PLACES - home) % PLACES < (at + PLACES - gap) % PLACES)
      continue;
    held->lines[gap] = held->lines[at];
    gap = at;
  }
  held->lines[gap].id = 0;
  held->count--;
}

bool mv_held_add(struct mv_held *held, const char *key, int64_t id, int64_t token) {
  struct mv_held_line line = {.id = id, .token = token};
  size_t length = strlen(key);
  if (length >= sizeof line.key || held->count >= MOST)
    return false;
  if (!held->lines && !(held->lines = calloc(PLACES, sizeof *held->lines)))
    return false;
  if (!make_room(held))
    return false;
  memcpy(line.key, key, length + 1);
  note(held, &line, true);
  put(held, &line);
  return true;
}

bool mv_held_remove(struct mv_held *held, const char *key, int64_t id) {
  struct mv_held_line *line = held->count ? place_of(held, key) : NULL;
  if (!line || line->id != id)
    return false;
  note(held, line, false);
  take(held, line);
  return true;
}

void mv_held_undo(struct mv_held *held, size_t changes) {
  while (held->changed > changes) {
    const struct mv_held_change *change = &held->changes[--held->changed];
    if (change->added)
      take(held, place_of(held, change->line.key));
    else
      put(held, &change->line);
  }
}

void mv_held_keep(struct mv_held *held) {
  held->changed = 0;
}
