/* What the files that fill a command's options share. Private to args.c, given.c, conf_file.c and
 * secret.c. */
#ifndef MV_CLI_GIVEN_H
#define MV_CLI_GIVEN_H

#include "cli/args.h"

/* Takes `text` (malloc'd) over until mv_args_free. It, or NULL when memory is out. */
char *mv_given_keep(struct mv_given *given, char *text);

/* Reads a text into the row's field and notes its source. 0, or -1 and `err`. */
int mv_given_store(struct mv_given *given, const struct mv_command *command,
                   const struct mv_flag *flag, const char *source, const char *text,
                   struct mv_error *err);

/* The same with the text that is in a file, for a secret: "MAVILUA_API_KEY_FILE (/run/key)". */
int mv_given_store_file(struct mv_given *given, const struct mv_command *command,
                        const struct mv_flag *flag, const char *source, const char *path,
                        struct mv_error *err);

/* Whether nothing has given the row's value yet. */
bool mv_given_lacks(const struct mv_given *given, const struct mv_command *command,
                    const struct mv_flag *flag);

void mv_given_note(struct mv_given *given, const struct mv_command *command,
                   const struct mv_flag *flag, const char *source);

/* Settings of the environment that the command line did not give. */
int mv_given_environment(struct mv_given *given, const struct mv_command *command,
                         struct mv_error *err);

/* Settings of the configuration file that nothing else gave; all of its lines are checked. `path`:
 * NULL looks for mavilua.conf.lua here and beside `script` (may be NULL). */
int mv_given_config(struct mv_given *given, const struct mv_command *command, const char *path,
                    const char *script, struct mv_error *err);

#endif
