/* The lock of a database file, and the word that its holder leaves there. */
#ifndef MV_STORE_LOCK_H
#define MV_STORE_LOCK_H

#include <stddef.h>

#include "base/error.h"

/* Locks the file `path`.lock, wherever links lead. Its descriptor, to be closed, and its name to be
 * freed in *name; or -1 and `err`: BUSY when another process has it. */
int mv_lock_take(const char *path, char **name, struct mv_error *err);

/* Leaves a line for others. 0 or -1. */
int mv_lock_tell(int fd, const char *text);

/* 1: locked by another process, with the line it left in `text` ("" when there is none yet); 0: not;
 * -1 and `err`: `path` is not there. */
int mv_lock_owner(const char *path, char *text, size_t size, struct mv_error *err);

#endif
