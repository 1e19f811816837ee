/* A setting as a row: its name, what it takes, where it comes from. The same row reads, checks,
 * explains and prints it. */
#ifndef MV_SERVICE_FLAG_H
#define MV_SERVICE_FLAG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

/* What a field is, and what a configuration file gives for it. */
enum mv_flag_type {
  MV_FLAG_SWITCH,   /* bool; true or false. An option of it takes no value, --no-NAME switches off */
  MV_FLAG_TEXT,     /* const char *; any text that is not empty */
  MV_FLAG_FILE,     /* const char *; a path, in a configuration file from its folder */
  MV_FLAG_ADDRESS,  /* const char *; "host:port" */
  MV_FLAG_URL,      /* const char *; http:// or https:// */
  MV_FLAG_CHOICE,   /* const char *; one of the words in `value`, "debug|info" */
  MV_FLAG_NUMBER,   /* long, unsigned or size_t; from `low` to `high` */
  MV_FLAG_SIZE,     /* the same in bytes: 65536, "64KiB", "1MiB", "2GiB" */
  MV_FLAG_SECONDS,  /* double; from `low` to `high`, fractions are fine */
  MV_FLAG_OPERANDS, /* const char *const *; the command's operands, in a file a text or a list */
};

enum mv_flag_trait {
  MV_FLAG_SECRET = 1,     /* of a text: never shown, and read from files, too; see secret.h */
  MV_FLAG_NO_OPTION = 2,  /* not on the command line */
  MV_FLAG_NO_SETTING = 4, /* not in a configuration file */
};

struct mv_flag {
  const char *name;   /* "tls-cert": --tls-cert on the command line, tls_cert in a file */
  char letter;        /* 'n' for -n, or 0 */
  enum mv_flag_type type;
  const char *value;  /* what its value is called in the help, "ADDRESS:PORT" */
  const char *preset; /* its value when nothing gives one, or NULL */
  const char *env;    /* the variable that gives it, or NULL */
  long low, high;     /* of a number */
  unsigned traits;    /* enum mv_flag_trait */
  size_t offset;      /* of its field in the command's struct of options */
  size_t size;        /* of that field; 0: a long */
  const char *doc;    /* one phrase */
};

/* The rows of every server's log; put into a table of rows. */
#define MV_FLAG_LOG_ROWS(options)                                                                   \
  {"log-level", .type = MV_FLAG_CHOICE, .value = "debug|info|warn|error", .preset = "info",        \
   .env = "MAVILUA_LOG_LEVEL", .offset = offsetof(options, log_level),                                \
   .doc = "from which level on lines are logged"},                                                 \
      {"log-json", .type = MV_FLAG_SWITCH, .env = "MAVILUA_LOG_JSON",                              \
       .offset = offsetof(options, log_json), .doc = "log JSON lines even on a terminal"}

/* The rows of every command that reads a configuration file. */
#define MV_FLAG_CONFIG_ROWS(options)                                                               \
  {"config", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_CONFIG",                       \
   .traits = MV_FLAG_NO_SETTING, .offset = offsetof(options, config),                                 \
   .doc = "settings in Lua; else mavilua.conf.lua here or beside the first script, if it is there"}, \
      {"print-config", .type = MV_FLAG_SWITCH, .traits = MV_FLAG_NO_SETTING,                       \
       .offset = offsetof(options, print_config),                                                     \
       .doc = "print every setting with where it comes from, and end"}

/* What it takes, in words: "a whole number from 0 to 256". */
void mv_flag_describe(const struct mv_flag *flag, char *out, size_t size);

/* Reads `text` into the field of `options`, which borrows it. 0, or -1 and `err` (of kind USAGE),
 * which names `source` ("--listen"). */
int mv_flag_read(const struct mv_flag *flag, const char *source, const char *text, void *options,
                 struct mv_error *err);

/* The same of a configuration file's value. 0, or -1 and `err` (of kind CONFIG). */
int mv_flag_take(const struct mv_flag *flag, const char *source, const json_t *value, void *options,
                 struct mv_error *err);

/* Prints the field as a configuration file would give it; "nil" when it holds nothing. */
void mv_flag_print(const struct mv_flag *flag, const void *options, FILE *out);

/* "tls-cert" as a file writes it: "tls_cert". */
void mv_flag_setting(const struct mv_flag *flag, char *out, size_t size);

#endif
