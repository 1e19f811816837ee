/* The actions that send something to clients: message, whatsapp_message, broadcast. */
#ifndef MV_SANDBOX_SENDS_H
#define MV_SANDBOX_SENDS_H

#include "sandbox/ask.h"

void mv_sends_message(struct mv_ask *ask);
void mv_sends_whatsapp(struct mv_ask *ask);
void mv_sends_broadcast(struct mv_ask *ask);

#endif
