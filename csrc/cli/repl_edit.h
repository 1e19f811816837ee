/* A line that is edited on the terminal: keys, history, completion. The one place that knows
 * libedit. */
#ifndef MV_CLI_REPL_EDIT_H
#define MV_CLI_REPL_EDIT_H

#include <jansson.h>

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

struct mv_edit;

struct mv_edit_options {
  int wake;        /* a descriptor: once it is readable, reading is interrupted */
  bool forgets;    /* lines are remembered until it is closed; otherwise with those of before */
  const char *key; /* lines with this text are not remembered; NULL: there is none */
  /* what the end of `text` may become: {"insert": …, "names": […]}, a new reference, or NULL;
   * NULL: nothing is completed */
  json_t *(*complete)(void *owner, const char *text, size_t length);
  /* called every `look_every` ms while a key is awaited; what it prints stands between
   * mv_edit_hide and mv_edit_show. -1 interrupts reading. NULL: nothing to look for */
  int (*look)(void *owner, struct mv_edit *edit);
  int look_every;
  void *owner;
};

enum mv_edit_outcome { MV_EDIT_LINE, MV_EDIT_INTERRUPTED, MV_EDIT_END };

/* On standard input and output. NULL and `err`. A history that cannot be kept is told on standard
 * error. */
struct mv_edit *mv_edit_open(const struct mv_edit_options *options, struct mv_error *err);
void mv_edit_close(struct mv_edit *edit);

/* Reads a line into `line` (without its end) and remembers it. */
enum mv_edit_outcome mv_edit_read(struct mv_edit *edit, const char *prompt, struct mv_bytes *line);

/* Takes the line that is being edited off the screen, and puts it back where the screen is then. */
void mv_edit_hide(struct mv_edit *edit);
void mv_edit_show(struct mv_edit *edit);

#endif
