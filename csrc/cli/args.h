/* Options and operands of a command, from a table: the same rows parse, validate and explain. */
#ifndef MV_CLI_ARGS_H
#define MV_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum mv_flag_type {
  MV_FLAG_SWITCH,  /* bool; takes no value */
  MV_FLAG_TEXT,    /* const char *; any text that is not empty */
  MV_FLAG_ADDRESS, /* const char *; "host:port" */
  MV_FLAG_URL,     /* const char *; http:// or https:// */
  MV_FLAG_CHOICE,  /* const char *; one of the words in `value`, "debug|info" */
  MV_FLAG_NUMBER,  /* long; from `low` to `high` */
};

struct mv_flag {
  const char *name;   /* "listen" for --listen */
  char letter;        /* 'n' for -n, or 0 */
  enum mv_flag_type type;
  const char *value;  /* what its value is called in the help, "ADDRESS:PORT" */
  const char *preset; /* its value when it is not given, or NULL */
  const char *env;    /* the variable that gives it otherwise, or NULL */
  long low, high;     /* of a number */
  size_t offset;      /* of its field in the command's struct of options */
  const char *doc;    /* one phrase */
};

struct mv_command {
  const char *name;
  const char *operands;        /* "SCRIPT…" in the usage line; "" when there are none */
  int least, most;             /* operands; most -1: any number */
  bool stops;                  /* options end at the first operand: the rest is the script's */
  const char *doc;             /* one line */
  const char *more;            /* further text of the help, lines with \n at the end; or NULL */
  const struct mv_flag *flags; /* ends with a row without name; NULL: none */
  size_t size;                 /* of its struct of options */
  /* `options`: its struct, filled; `operands`: NULL-terminated. Returns the exit status. */
  int (*run)(const struct mv_command *command, const void *options, char **operands);
};

enum mv_args_outcome { MV_ARGS_RUN, MV_ARGS_HELP, MV_ARGS_VERSION, MV_ARGS_BAD };

/* Fills `options` (the command's struct, `size` bytes) from presets, environment and `argv` (the
 * words after the command's name, NULL-terminated), and moves the operands to argv's front. */
enum mv_args_outcome mv_args_parse(const struct mv_command *command, char **argv, void *options,
                                   struct mv_error *err);

/* Prints the command's help on standard output. */
void mv_args_help(const struct mv_command *command);

#endif
