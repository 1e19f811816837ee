/* The settings that a program has chosen, one by one, by their names in the table of service/config. */
#ifndef MV_EMBED_CHOSEN_H
#define MV_EMBED_CHOSEN_H

#include <stdbool.h>
#include <stddef.h>

#include "service/config.h"

#define MV_CHOSEN_MOST 64 /* rows of the table */

struct mv_chosen {
  struct mv_config config;    /* borrows from `texts` and `scripts` */
  bool given[MV_CHOSEN_MOST]; /* which rows have been set */
  char **texts;               /* all values so far: a setting may be set again */
  size_t text_count;
  char **scripts;             /* NULL-terminated; NULL: none yet */
  size_t script_count;
};

/* Sets a row; `value` NULL: as before it was set. `only`: the names that may be set, NULL-terminated;
 * NULL: all that are settings. 0, or -1 and `err`: NOT_FOUND (no such setting), USAGE (its value). */
int mv_chosen_set(struct mv_chosen *chosen, const char *const *only, const char *name,
                  const char *value, struct mv_error *err);

/* Adds to config.host.scripts. */
int mv_chosen_add_script(struct mv_chosen *chosen, const char *path, struct mv_error *err);

/* Fills in the presets of what is not set, but for `except`. */
int mv_chosen_complete(struct mv_chosen *chosen, const char *except, struct mv_error *err);

void mv_chosen_free(struct mv_chosen *chosen);

#endif
