/* Time zones from the system's zone files (RFC 9636), read by ourselves: TZ is process-global. */
#ifndef MV_TIME_ZONE_H
#define MV_TIME_ZONE_H

#include <stdint.h>

#include "base/error.h"

struct mv_zone;

/* "Europe/Oslo", "UTC"; NULL or "": the machine's (TZ, /etc/localtime). NULL and `err`, which names
 * the nearest known zone. A zone never changes after loading and may be shared between threads. */
struct mv_zone *mv_zone_load(const char *name, struct mv_error *err);
void mv_zone_free(struct mv_zone *zone);
const char *mv_zone_name(const struct mv_zone *zone);

/* Seconds east of UTC at a moment (seconds since 1970, UTC). `abbreviation` may be NULL. */
int32_t mv_zone_offset(const struct mv_zone *zone, int64_t utc, const char **abbreviation);

/* The moments with this local time: 0 (skipped by a change; out[0] is then the change's moment),
 * 1, or 2 (repeated; earlier first). */
int mv_zone_moments(const struct mv_zone *zone, int64_t local, int64_t out[2]);

/* The first change of offset after `utc`, or INT64_MAX. */
int64_t mv_zone_next_change(const struct mv_zone *zone, int64_t utc);

#endif
