/* Moments as people read and write them. */
#ifndef MV_TIME_MOMENT_H
#define MV_TIME_MOMENT_H

#include <stdint.h>

#include "base/error.h"
#include "time/zone.h"

/* "2026-03-29", "2026-03-29 02:30[:00]" (also with T), with "Z" or "+02:00" behind or else in the
 * zone, or seconds since 1970. 0, or -1 and `err`. */
int mv_moment_parse(const char *text, const struct mv_zone *zone, int64_t *utc,
                    struct mv_error *err);

/* The same, with how often this local time comes: 1; 2 (repeated; earlier first); 0 (skipped by a
 * change of the clocks, moments[0] is then the change's moment). -1 and `err`. */
int mv_moment_read(const char *text, const struct mv_zone *zone, int64_t moments[2],
                   struct mv_error *err);

/* The same in UTC, as milliseconds for a virtual clock; `text` NULL: 0. 0, or -1 and `err`. */
int mv_moment_clock(const char *text, int64_t *ms, struct mv_error *err);

/* "Sun 2026-03-29 03:00:00 +02:00 CEST" into `out` of at least 64 bytes; returns `out`. */
char *mv_moment_format(const struct mv_zone *zone, int64_t utc, char *out);

#endif
