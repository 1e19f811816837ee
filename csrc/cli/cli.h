/* What the commands share: their rows, messages, exit statuses, signals. */
#ifndef MV_CLI_CLI_H
#define MV_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/args.h"
#include "service/config.h"

/* One row a command, each in its own file. */
extern const struct mv_command mv_command_serve, mv_command_run, mv_command_check, mv_command_next,
    mv_command_why, mv_command_events, mv_command_call, mv_command_actions, mv_command_chat,
    mv_command_sandbox, mv_command_new, mv_command_completion,
    mv_command_repl;

#define MV_COMMANDS_MOST 32

/* The row of every command that speaks HTTPS as a client; put into a table of rows. */
#define MV_CLI_CA_ROW(options)                                                                     \
  {"ca-file", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_CA_FILE",                     \
   .offset = offsetof(options, ca_file), .doc = "a PEM file of further trust, for https://"}

/* All of them; in commands.c. */
extern const struct mv_command *const mv_commands[];
extern const size_t mv_commands_count;

/* The command of that name, or NULL. */
const struct mv_command *mv_commands_find(const char *name);

/* All that their rows tell, as JSON. A new reference. */
json_t *mv_commands_describe(void);

/* Writes "mavilua NAME: message" on standard error; returns `status`, so that
 * `return mv_cli_fail(…)` reads well. */
int mv_cli_fail(const struct mv_command *command, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with an error's text and the status that fits its kind. */
int mv_cli_fail_with(const struct mv_command *command, const struct mv_error *err);

/* Writes each of `lines` as "mavilua NAME: warning: line" on standard error. NULL: none. */
void mv_cli_warn(const struct mv_command *command, const char *lines);

/* Warns of variables of the environment whose names are nearly those that one of the commands reads. */
void mv_cli_warn_of_variables(const struct mv_command *command,
                              const struct mv_command *const *commands, size_t count);

/* Whether `path` is a file that can be read; told otherwise, as `what` ("a script"). 0 or the exit
 * status. NULL is fine. */
int mv_cli_check_file(const struct mv_command *command, const char *path, const char *what);

/* As mv_config_check: tells what is wrong and returns the exit status; otherwise 0. */
int mv_cli_check_config(const struct mv_command *command, const struct mv_config *config,
                        bool serving);

/* Whether the output is read by a person. */
bool mv_cli_on_terminal(FILE *stream);

/* The log on standard error; NULL only when memory is out. */
struct mv_log *mv_cli_log(const char *level, bool json);

/* As many descriptors as the system lets us have: each connection is one, and 1024 are soon gone. */
void mv_cli_more_files(void);

/* Signals TERM, INT and HUP come through a descriptor from now on, in every thread started later
 * too; PIPE and XFSZ are ignored. The descriptor or -1. */
int mv_cli_signals(struct mv_error *err);

/* Waits for the next signal and returns its number. */
int mv_cli_wait_signal(int descriptor);

/* Tells, on standard output, that a server is ready. */
void mv_cli_ready(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
