/* The actions that launch the bot: callback and its kin for one messenger each. */
#ifndef MV_SANDBOX_CALLBACKS_H
#define MV_SANDBOX_CALLBACKS_H

#include "sandbox/ask.h"

void mv_callbacks_any(struct mv_ask *ask);
void mv_callbacks_vk(struct mv_ask *ask);
void mv_callbacks_ok(struct mv_ask *ask);
void mv_callbacks_telegram(struct mv_ask *ask);
void mv_callbacks_whatsapp(struct mv_ask *ask);
void mv_callbacks_email(struct mv_ask *ask);
void mv_callbacks_platform(struct mv_ask *ask); /* send_callback_by_platform_id */

#endif
