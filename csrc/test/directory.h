/* A directory for a test's files. */
#ifndef MV_TEST_DIRECTORY_H
#define MV_TEST_DIRECTORY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static char directory[64];

/* One of eight that are kept. */
static inline const char *path_of(const char *name) {
  static char paths[8][128];
  static int turn;
  char *path = paths[turn++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

static inline bool make_directory(const char *name) {
  snprintf(directory, sizeof directory, "/tmp/mavilua-%s-XXXXXX", name);
  return mkdtemp(directory) != NULL;
}

static inline void remove_directory(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  if (system(command) != 0)
    perror(command);
}

#endif
