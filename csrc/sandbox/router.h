/* The HTTP surface: /api/{key}/{action} to the action's function, /_sandbox/… to the control API.
 */
#ifndef MV_SANDBOX_ROUTER_H
#define MV_SANDBOX_ROUTER_H

#include "net/server.h"

/* Handler of the server; `owner` is the struct mv_sandbox. */
void mv_router_handle(struct mv_call *call, void *owner);

#endif
