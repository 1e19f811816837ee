/* The employees of the project, and the action assign_to_user. */
#ifndef MV_SANDBOX_MANAGERS_H
#define MV_SANDBOX_MANAGERS_H

#include <stdint.h>

#include "sandbox/ask.h"

/* The employee with this e-mail (any case); 0 when there is none. */
int64_t mv_managers_find(struct mv_work *work, const char *email);

void mv_managers_assign(struct mv_ask *ask);

#endif
