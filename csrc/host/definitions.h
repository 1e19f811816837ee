/* What scripts register, looked at as a whole before it is served. */
#ifndef MV_HOST_DEFINITIONS_H
#define MV_HOST_DEFINITIONS_H

#include <jansson.h>

#include "base/error.h"

/* Whether a host can serve them (see mv_vm_definitions): there is something, and its schedules can
 * fire. 0, or -1 and `err`: CONFIG when nothing is registered. */
int mv_definitions_check(json_t *definitions, struct mv_error *err);

/* The same for a person: everything that is wrong with any of them is told. */
void mv_definitions_faults(json_t *definitions, void (*fault)(void *owner, const char *text),
                           void *owner);

#endif
