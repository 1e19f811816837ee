/* Lines that are kept in memory: what is changed can be found, and taken back. */
#include "store/held.h"

#include <stdio.h>
#include <string.h>

#include "test/check.h"

enum { KEYS = 6000, STEPS = 40000, MOST = 4096 };

static unsigned seed = 1;

static unsigned roll(unsigned sides) {
  seed = seed * 1103515245u + 12345u;
  return (seed >> 16) % sides;
}

static void name(char *key, int number) {
  snprintf(key, MV_HELD_KEY, "client %d", number);
}

static bool holds(const struct mv_held *held, const char *key, int64_t id, int64_t token) {
  const struct mv_held_line *line = mv_held_get(held, key);
  return line && line->id == id && line->token == token;
}

struct model {
  int64_t id;
  bool bare;
};

/* As many as are bare with such an id are found by looking for them. */
static bool finds_bare(const struct mv_held *held, const struct model *model, int64_t below) {
  size_t at = 0, expected = 0, found = 0;
  for (int i = 0; i < KEYS; i++)
    expected += model[i].bare && model[i].id < below;
  for (const struct mv_held_line *line; (line = mv_held_next_bare(held, &at, below));)
    found += line->bare && line->id < below;
  return found == expected;
}

static bool agrees(const struct mv_held *held, const struct model *model) {
  char key[MV_HELD_KEY];
  for (int i = 0; i < KEYS; i++) {
    name(key, i);
    const struct mv_held_line *line = mv_held_get(held, key);
    if (mv_held_find(held, key) != model[i].id || (line && line->bare) != model[i].bare)
      return false;
  }
  return finds_bare(held, model, INT64_MAX) && finds_bare(held, model, STEPS / 2);
}

static void change(struct mv_held *held, struct model *model, int64_t id) {
  char key[MV_HELD_KEY];
  int number = (int)roll(KEYS);
  name(key, number);
  if (model[number].bare && roll(2)) {
    CHECK(mv_held_written(held, key));
    model[number].bare = false;
  } else if (model[number].id) {
    CHECK(!mv_held_remove(held, key, model[number].id + 1));
    CHECK(mv_held_remove(held, key, model[number].id));
    model[number] = (struct model){0};
  } else if (mv_held_add(held, key, id, id + 1, id % 3)) {
    model[number] = (struct model){.id = id, .bare = id % 3};
  }
}

static void test_model(void) {
  static struct model model[KEYS], kept[KEYS];
  struct mv_held held = {.count = 0};
  CHECK(agrees(&held, model));
  for (int64_t i = 1; i <= STEPS; i++) {
    change(&held, model, i);
    if (i % 500 == 0 && roll(2)) {
      mv_held_undo(&held, 0);
      memcpy(model, kept, sizeof model);
    } else if (i % 500 == 0) {
      mv_held_keep(&held);
      memcpy(kept, model, sizeof kept);
    }
    if (i % 2000 == 0)
      CHECK(agrees(&held, model));
  }
  mv_held_free(&held);
}

static void test_part(void) {
  struct mv_held held = {.count = 0};
  CHECK(mv_held_add(&held, "a", 1, 7, false));
  size_t before = held.changed;
  CHECK(mv_held_remove(&held, "a", 1) && mv_held_add(&held, "b", 2, 8, false));
  CHECK(holds(&held, "b", 2, 8) && !holds(&held, "b", 2, 7) && !holds(&held, "a", 1, 7));
  mv_held_undo(&held, before);
  CHECK(holds(&held, "a", 1, 7));
  CHECK(mv_held_find(&held, "a") == 1 && mv_held_find(&held, "b") == 0);
  mv_held_undo(&held, 0);
  CHECK(held.count == 0);
  mv_held_free(&held);
}

static void test_limits(void) {
  struct mv_held held = {.count = 0};
  char key[MV_HELD_KEY + 1];
  memset(key, 'k', sizeof key);
  key[MV_HELD_KEY] = 0;
  CHECK(!mv_held_add(&held, key, 1, 7, false));
  key[MV_HELD_KEY - 1] = 0;
  CHECK(mv_held_add(&held, key, 1, 7, false) && mv_held_find(&held, key) == 1);
  for (int i = 1; i < MOST; i++) {
    name(key, i);
    CHECK(mv_held_add(&held, key, i, 7, false));
  }
  CHECK(!mv_held_add(&held, "one more", 5, 7, false) && mv_held_find(&held, "one more") == 0);
  mv_held_free(&held);
}

int main(void) {
  test_model();
  test_part();
  test_limits();
  return check_end("held");
}
