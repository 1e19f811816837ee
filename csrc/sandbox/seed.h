/* The state a sandbox starts with: one JSON document (its format is described in seed.c). */
#ifndef MV_SANDBOX_SEED_H
#define MV_SANDBOX_SEED_H

#include <jansson.h>

#include "base/error.h"
#include "sandbox/work.h"

/* Replaces everything in the database by the seed. webhook_url stays unless the seed sets it. 0, or
 * -1 and `err` (MV_ERROR_USAGE: the seed is bad; the text starts with the path of the fault), and
 * then the work must not be committed. */
int mv_seed_load(struct mv_work *work, const json_t *seed, struct mv_error *err);

/* Adds the project that the seed is, with what ids of other projects leave; it becomes the work's.
 * 0 or -1, as above. */
int mv_seed_add(struct mv_work *work, const json_t *seed, struct mv_error *err);

/* The first seed of a database: loaded and kept for mv_seed_reset. `text` NULL: the built-in one.
 */
int mv_seed_first(struct mv_work *work, const char *text, size_t length, struct mv_error *err);

/* Back to the first seed. */
int mv_seed_reset(struct mv_work *work, struct mv_error *err);

#endif
