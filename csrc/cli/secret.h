/* Secrets in files: of their own, of a container's orchestrator, of systemd. */
#ifndef MV_CLI_SECRET_H
#define MV_CLI_SECRET_H

#include <stdbool.h>

#include "base/error.h"

/* The text in the file without the line end at its end (free with free()); `exposed` tells whether
 * every user may read it. NULL and `err` when it cannot be read, is empty or no text. */
char *mv_secret_read(const char *path, bool *exposed, struct mv_error *err);

bool mv_secret_is_there(const char *path);

/* Overwrites an argument of the command line, which every user of the machine can see. */
void mv_secret_wipe(char *argument);

#endif
