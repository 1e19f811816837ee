/* Options and operands of a command, from a table: the same rows parse, validate and explain.
 * What the command line does not give comes from the environment, then from a configuration file,
 * then from the row's preset. */
#ifndef MV_CLI_ARGS_H
#define MV_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "service/flag.h"

#define MV_ARGS_MOST 64 /* rows of a command */

struct mv_command {
  const char *name;
  const char *operands;        /* "SCRIPT…" in the usage line; "" when there are none */
  int least, most;             /* operands; most -1: any number */
  bool stops;                  /* options end at the first operand: the rest is the script's */
  bool configured;             /* a configuration file is read; needs the rows MV_FLAG_CONFIG_ROWS */
  const char *doc;             /* one line */
  const char *more;            /* further text of the help, lines with \n at the end; or NULL */
  const struct mv_flag *flags; /* ends with a row without name; NULL: none */
  size_t size;                 /* of its struct of options */
  /* `options`: its struct, filled; `operands`: NULL-terminated. Returns the exit status. */
  int (*run)(const struct mv_command *command, const void *options, char **operands);
};

/* What a command was given. */
struct mv_given {
  void *options;                     /* the command's struct */
  const char *sources[MV_ARGS_MOST]; /* where each row's value comes from: "--listen",
                                        "MAVILUA_LISTEN", "mavilua.conf.lua:3"; NULL: its preset */
  struct mv_bytes warnings;          /* lines */
  void **kept;                       /* texts that options and sources point to */
  size_t count;
};

enum mv_args_outcome { MV_ARGS_RUN, MV_ARGS_HELP, MV_ARGS_VERSION, MV_ARGS_PRINT, MV_ARGS_BAD };

/* Fills `given` (mv_args_free in any case) from `argv` (the words after the command's name,
 * NULL-terminated) and the other sources, and moves the operands to argv's front. Secrets among the
 * words are overwritten. `err` of MV_ARGS_BAD: kind USAGE for words and variables, CONFIG or
 * NOT_FOUND for files. */
enum mv_args_outcome mv_args_parse(const struct mv_command *command, char **argv,
                                   struct mv_given *given, struct mv_error *err);

void mv_args_free(struct mv_given *given);

/* Prints the settings as a configuration file, with their sources, on standard output. */
void mv_args_print(const struct mv_command *command, const struct mv_given *given);

/* Prints the command's help on standard output. */
void mv_args_help(const struct mv_command *command);

/* The same as JSON. A new reference. */
json_t *mv_args_describe(const struct mv_command *command);

#endif
