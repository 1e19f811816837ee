/* Which events an operator means: parameters of a query or a body to a store's filter. */
#ifndef MV_HOST_FILTER_H
#define MV_HOST_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"
#include "time/zone.h"

struct mv_filter {
  struct mv_store_filter store; /* its strings live in `fields` */
  bool dry_run;
  json_t *fields;
};

/* What a filter may be given; others are refused with the nearest of these. */
extern const char *const mv_filter_list[]; /* for a list: newest first */
extern const char *const mv_filter_bulk[]; /* for changes of many: oldest first */
extern const char *const mv_filter_page[]; /* cursor and limit alone */

/* Reads `fields` (an object, taken over): state (one or more, separated by commas), handler, name,
 * key, since and until (ISO 8601 in UTC, seconds since 1970, or "2h" ago), cursor, after, last, limit,
 * dry_run. Numbers may be strings. 0; to be freed in any case. -1 and `err` (USAGE), which names the
 * parameter and what it takes. */
int mv_filter_read(struct mv_filter *filter, json_t *fields, const char *const *known, int64_t now,
                   struct mv_error *err);

/* The same of a query's parameters; what is no UTF-8 is an error, too (DECODE). */
int mv_filter_query(struct mv_filter *filter, const char *query, const char *const *known, int64_t now,
                    struct mv_error *err);
void mv_filter_free(struct mv_filter *filter);

/* "2026-03-29T02:30Z" in `zone`, seconds since 1970, or a duration ago, to ms. 0, or -1 and `err`. */
int mv_filter_time(const char *text, const struct mv_zone *zone, int64_t now, int64_t *ms,
                   struct mv_error *err);

#endif
