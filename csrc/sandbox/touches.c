#include "sandbox/touches.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 4096, MOST = PLACES / 2 };

struct mv_touches {
  size_t count;
  uint64_t doubts;
  struct touch {
    int64_t client; /* 0: none */
    int64_t ms;
    int64_t ready;   /* its project, or 0 */
    uint64_t doubts; /* how often there were doubts when it was */
  } places[PLACES];
};

struct mv_touches *mv_touches_new(void) {
  return calloc(1, sizeof(struct mv_touches));
}

void mv_touches_free(struct mv_touches *touches) {
  free(touches);
}

/* The client's place, or the empty one where it would stand. */
static size_t find(const struct mv_touches *touches, int64_t client) {
  size_t place = (uint64_t)client * UINT64_C(0x9e3779b97f4a7c15) >> 52;
  while (touches->places[place].client && touches->places[place].client != client) {
    place = (place + 1) % PLACES;
  }
  return place;
}

bool mv_touches_put(struct mv_touches *touches, int64_t client, int64_t ms) {
  struct touch *touch = &touches->places[find(touches, client)];
  if (!touch->client && touches->count == MOST) {
    return false;
  }
  touches->count += !touch->client;
  touch->client = client;
  touch->ms = ms;
  return true;
}

void mv_touches_ready(struct mv_touches *touches, int64_t client, int64_t project) {
  struct touch *touch = &touches->places[find(touches, client)];
  touch->ready = touch->client ? project : 0;
  touch->doubts = touches->doubts;
}

bool mv_touches_is_ready(const struct mv_touches *touches, int64_t client, int64_t project) {
  const struct touch *touch = touches ? &touches->places[find(touches, client)] : NULL;
  return touch && touch->client && touch->ready == project && touch->doubts == touches->doubts;
}

void mv_touches_doubt(struct mv_touches *touches) {
  if (touches) {
    touches->doubts++;
  }
}

int64_t mv_touches_get(const struct mv_touches *touches, int64_t client, int64_t stored) {
  const struct touch *touch = touches ? &touches->places[find(touches, client)] : NULL;
  return touch && touch->client ? touch->ms : stored;
}

void mv_touches_write(struct mv_touches *touches, struct mv_db *db) {
  struct mv_error err;
  if (!touches || !touches->count || mv_sql_begin(db->sql, &err)) {
    return;
  }
  mv_db_forget(db);
  for (size_t i = 0; i < PLACES && !db->failed; i++) {
    const struct touch *touch = &touches->places[i];
    if (touch->client) {
      mv_db_run(db, "UPDATE clients SET updated_at = ? WHERE id = ?", "ii", touch->ms,
                touch->client);
    }
  }
  if (db->failed || mv_sql_commit(db->sql, &err)) {
    mv_sql_rollback(db->sql);
  } else {
    mv_touches_forget(touches);
  }
  mv_db_forget(db);
}

void mv_touches_forget(struct mv_touches *touches) {
  if (touches) {
    uint64_t doubts = touches->doubts;
    memset(touches, 0, sizeof *touches);
    touches->doubts = doubts;
  }
}
