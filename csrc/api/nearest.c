#include <ctype.h>
#include <string.h>

#include "api/action.h"

enum { LONGEST = 64 }; /* no known name is longer; a longer one is near to none */

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static bool same(char a, char b) {
  return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Insertions, deletions, replacements and swaps of neighbours that make `a` into `b`, case aside.
 */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t rows[3][LONGEST + 1];
  size_t *before = rows[0], *last = rows[1], *now = rows[2];
  memset(rows, 0, sizeof rows);
  for (size_t j = 0; j <= b_length; j++) {
    last[j] = j;
  }
  for (size_t i = 1; i <= a_length; i++) {
    now[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t cost = last[j - 1] + !same(a[i - 1], b[j - 1]);
      now[j] = least(cost, least(last[j], now[j - 1]) + 1);
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        now[j] = least(now[j], before[j - 2] + 1);
      }
    }
    size_t *oldest = before;
    before = last, last = now, now = oldest;
  }
  return last[b_length];
}

const char *mv_nearest(const char *name, const char *const *names, size_t count) {
  size_t length = strlen(name), best = LONGEST;
  const char *nearest = NULL;
  if (length == 0 || length > LONGEST) {
    return NULL;
  }
  for (size_t i = 0; i < count; i++) {
    size_t other = strlen(names[i]), away;
    if (other > LONGEST) {
      continue;
    }
    away = distance(name, length, names[i], other);
    /* Two fifths of the longer name may differ: "group" is near "group_id", "x" near nothing. */
    if (away < best && away * 5 <= (length > other ? length : other) * 2) {
      best = away;
      nearest = names[i];
    }
  }
  return nearest;
}
