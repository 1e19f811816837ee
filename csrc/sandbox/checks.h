/* The actions that ask a messenger about somebody: check_whatsapp, check_insta_subscription. Who is
 * there is told by the settings whatsapp_numbers and instagram_followers. */
#ifndef MV_SANDBOX_CHECKS_H
#define MV_SANDBOX_CHECKS_H

#include "sandbox/ask.h"

void mv_checks_whatsapp(struct mv_ask *ask);
void mv_checks_instagram(struct mv_ask *ask);

#endif
