/* The setting rate_limit: so many calls a second of the sandbox's time, for each project. */
#ifndef MV_SANDBOX_LIMIT_H
#define MV_SANDBOX_LIMIT_H

#include <stdint.h>

struct mv_limits;

struct mv_limits *mv_limits_new(void);
void mv_limits_free(struct mv_limits *limits); /* NULL is fine */
void mv_limits_clear(struct mv_limits *limits);

/* Takes a call at `now` (ms) from the project's store, which holds up to `rate` calls and fills at
 * that rate: 0, or the seconds after which there is one. Not thread-safe: for the holder of the
 * work's lock. */
int64_t mv_limits_take(struct mv_limits *limits, int64_t project, int64_t now, double rate);

#endif
