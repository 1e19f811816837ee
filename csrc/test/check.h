/* The smallest thing that can count checks: unit tests in C where Lua cannot reach. */
#ifndef MV_TEST_CHECK_H
#define MV_TEST_CHECK_H

#include <stdio.h>

static int check_passed, check_failed;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (condition) {                                                                               \
      check_passed++;                                                                              \
    } else {                                                                                       \
      check_failed++;                                                                              \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                    \
    }                                                                                              \
  } while (0)

/* Prints the count; the exit status of main. */
static inline int check_end(const char *name) {
  printf("%s: %d passed, %d failed\n", name, check_passed, check_failed);
  return check_failed != 0;
}

#endif
