/* The control API at /_sandbox/…: everything that the platform itself or its clients would do. */
#ifndef MV_SANDBOX_CONTROL_H
#define MV_SANDBOX_CONTROL_H

#include "net/server.h"

struct mv_sandbox;

void mv_control_handle(struct mv_sandbox *sandbox, struct mv_call *call);

#endif
