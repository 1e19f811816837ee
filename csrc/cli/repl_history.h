/* The lines that were typed at the prompt, in a file that outlives it. */
#ifndef MV_CLI_REPL_HISTORY_H
#define MV_CLI_REPL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* $XDG_STATE_HOME/mavilua/repl_history, else below ~/.local/state; made with its folders when it is
 * not there, for nobody else to read. A descriptor for the functions below, or -1 and `err`. */
int mv_repl_history_open(struct mv_error *err);

/* Calls `entry` with each line that is kept, oldest first. */
void mv_repl_history_each(int file, void (*entry)(void *owner, const char *line), void *owner);

/* Appends a line without line ends in it. */
void mv_repl_history_add(int file, const char *line);

/* Whether a line is to be kept: not blank, no blank before it, and without the API key (NULL: none
 * is known) or anything that looks like one. */
bool mv_repl_history_keeps(const char *line, const char *key);

#endif
