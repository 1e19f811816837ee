/* The names of variables, each kept once for its project: rows bear its number. */
#ifndef MV_SANDBOX_NAMES_H
#define MV_SANDBOX_NAMES_H

#include <stdint.h>

#include "sandbox/work.h"

/* The number of a name in the work's project, or 0 when no variable was ever called so. */
int64_t mv_names_find(struct mv_work *work, const char *name);

/* The same; the name is added when it is new. 0 when that failed. */
int64_t mv_names_get(struct mv_work *work, const char *name);

#endif
