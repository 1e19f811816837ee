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

static bool agrees(const struct mv_held *held, const int64_t *model) {
  char key[MV_HELD_KEY];
  for (int i = 0; i < KEYS; i++) {
    name(key, i);
    if (mv_held_find(held, key) != model[i])
      return false;
  }
  return true;
}

static void change(struct mv_held *held, int64_t *model, int64_t id) {
  char key[MV_HELD_KEY];
  int number = (int)roll(KEYS);
  name(key, number);
  if (model[number]) {
    CHECK(!mv_held_remove(held, key, model[number] + 1));
    CHECK(mv_held_remove(held, key, model[number]));
    model[number] = 0;
  } else if (mv_held_add(held, key, id, id + 1)) {
    model[number] = id;
  }
}

static void test_model(void) {
  static int64_t model[KEYS], kept[KEYS];
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
  CHECK(mv_held_add(&held, "a", 1, 7));
  size_t before = held.changed;
  CHECK(mv_held_remove(&held, "a", 1) && mv_held_add(&held, "b", 2, 8));
  CHECK(mv_held_by(&held, "b", 2, 8) && !mv_held_by(&held, "b", 2, 7) && !mv_held_by(&held, "a", 1, 7));
  mv_held_undo(&held, before);
  CHECK(mv_held_by(&held, "a", 1, 7));
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
  CHECK(!mv_held_add(&held, key, 1, 7));
  key[MV_HELD_KEY - 1] = 0;
  CHECK(mv_held_add(&held, key, 1, 7) && mv_held_find(&held, key) == 1);
  for (int i = 1; i < MOST; i++) {
    name(key, i);
    CHECK(mv_held_add(&held, key, i, 7));
  }
  CHECK(!mv_held_add(&held, "one more", 5, 7) && mv_held_find(&held, "one more") == 0);
  mv_held_free(&held);
}

int main(void) {
  test_model();
  test_part();
  test_limits();
  return check_end("held");
}
