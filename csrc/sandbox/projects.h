/* Projects: what they are is in the other tables; which one is meant when none is named is here. */
#ifndef MV_SANDBOX_PROJECTS_H
#define MV_SANDBOX_PROJECTS_H

#include <stdint.h>

#include "sandbox/db.h"

/* An empty one. `id`: not there yet, or the database refuses it (mv_seed_stored tells). */
void mv_projects_add(struct mv_db *db, int64_t id, const char *name);

/* The one that was there first, whatever came in addition; when it has gone, that with the lowest
 * id. 0: there are none. */
int64_t mv_projects_first(struct mv_db *db);

#endif
