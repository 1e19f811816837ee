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

const struct mv_held_line *mv_held_get(const struct mv_held *held, const char *key) {
  const struct mv_held_line *line = held->count ? place_of(held, key) : NULL;
  return line && line->id ? line : NULL;
}

static void note(struct mv_held *held, const struct mv_held_line *line,
                 enum mv_held_what what) {
  struct mv_held_change *change = &held->changes[held->changed++];
  change->line = *line;
  change->what = what;
}

static void put(struct mv_held *held, const struct mv_held_line *line) {
  *place_of(held, line->key) = *line;
  held->count++;
  held->bare += line->bare;
}

/* Those behind it move up, so that no search stops at the gap. */
static void take(struct mv_held *held, struct mv_held_line *line) {
  held->bare -= line->bare;
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

bool mv_held_add(struct mv_held *held, const char *key, int64_t id, int64_t token, bool bare) {
  struct mv_held_line line = {.id = id, .token = token, .bare = bare};
  size_t length = strlen(key);
  if (length >= sizeof line.key || held->count >= MOST)
    return false;
  if (!held->lines && !(held->lines = calloc(PLACES, sizeof *held->lines)))
    return false;
  if (!make_room(held))
    return false;
  memcpy(line.key, key, length + 1);
  note(held, &line, MV_HELD_ADDED);
  put(held, &line);
  return true;
}

bool mv_held_remove(struct mv_held *held, const char *key, int64_t id) {
  struct mv_held_line *line = held->count ? place_of(held, key) : NULL;
  if (!line || line->id != id)
    return false;
  note(held, line, MV_HELD_REMOVED);
  take(held, line);
  return true;
}

bool mv_held_written(struct mv_held *held, const char *key) {
  struct mv_held_line *line = place_of(held, key);
  if (!make_room(held))
    return false;
  note(held, line, MV_HELD_WRITTEN);
  line->bare = false;
  held->bare--;
  return true;
}

const struct mv_held_line *mv_held_next_bare(const struct mv_held *held, size_t *at, int64_t below) {
  while (held->bare && *at < PLACES) {
    const struct mv_held_line *line = &held->lines[(*at)++];
    if (line->id && line->bare && line->id < below)
      return line;
  }
  return NULL;
}

static void mark_bare(struct mv_held *held, struct mv_held_line *line) {
  line->bare = true;
  held->bare++;
}

void mv_held_undo(struct mv_held *held, size_t changes) {
  while (held->changed > changes) {
    const struct mv_held_change *change = &held->changes[--held->changed];
    if (change->what == MV_HELD_REMOVED)
      put(held, &change->line);
    else if (change->what == MV_HELD_ADDED)
      take(held, place_of(held, change->line.key));
    else
      mark_bare(held, place_of(held, change->line.key));
  }
}

void mv_held_keep(struct mv_held *held) {
  held->changed = 0;
}
