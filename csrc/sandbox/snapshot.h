/* Everything that the sandbox knows, to be kept and put back: the database as an image. */
#ifndef MV_SANDBOX_SNAPSHOT_H
#define MV_SANDBOX_SNAPSHOT_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

struct mv_sandbox;

/* Waits for its turn at the database. 0 or -1. */
int mv_snapshot_take(struct mv_sandbox *sandbox, struct mv_bytes *image, struct mv_error *err);

/* Puts one back, with clock and timeline. Ids of messages are not given again: receivers drop what
 * they have seen. 0, or -1 and nothing was changed (MV_ERROR_USAGE: it is no image of ours). */
int mv_snapshot_restore(struct mv_sandbox *sandbox, const void *image, size_t length,
                        struct mv_error *err);

#endif
