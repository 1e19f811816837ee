/* Plain scripts in a VM of their own: the user's, and the commands that are written in Lua. */
#ifndef MV_CLI_SCRIPT_H
#define MV_CLI_SCRIPT_H

#include "cli/cli.h"

/* 0 when the script can be read; otherwise says so and returns the exit status. */
int mv_script_check(const struct mv_command *command, const char *path);

/* Runs a script file ("-": standard input); returns the exit status. */
int mv_script_run(const struct mv_command *command, const char *path, const char *const *args);

/* Runs the function that the module inside the program returns; `args` are its arguments. */
int mv_script_run_module(const struct mv_command *command, const char *module,
                         const char *const *args);

#endif
