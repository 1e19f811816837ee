/* Clients of whose variables several conditions hold, found along the index of values. */
#ifndef MV_SANDBOX_QUERY_WALK_H
#define MV_SANDBOX_QUERY_WALK_H

#include <stdbool.h>

#include "sandbox/query.h"

/* Whether mv_query_walk can find them: two conditions or more, all to hold for one client, each
 * with a single value that the index of values knows. The names' ids must be known. */
bool mv_query_can_walk(struct mv_work *work, const struct mv_query *query);

/* As mv_query_each. */
void mv_query_walk(struct mv_work *work, const struct mv_query *query, mv_query_take *take,
                   void *owner);

#endif
