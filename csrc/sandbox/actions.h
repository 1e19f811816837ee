/* The platform's actions as the sandbox plays them, by the name they have in the action table. */
#ifndef MV_SANDBOX_ACTIONS_H
#define MV_SANDBOX_ACTIONS_H

#include <stdbool.h>

#include "sandbox/ask.h"

struct mv_played {
  const char *name;
  void (*run)(struct mv_ask *ask); /* answers; its changes are undone if it answers a failure */
  bool soft; /* wrong parameters are told with 200, as documented for find_clients */
  bool late; /* runs as MV_WORK_LATE */
};

/* NULL: there is no such action. Every action of the table is played. */
const struct mv_played *mv_actions_find(const char *name);

#endif
