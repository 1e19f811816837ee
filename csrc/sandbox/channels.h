/* The messengers connected to the project, and the action connected_channels. */
#ifndef MV_SANDBOX_CHANNELS_H
#define MV_SANDBOX_CHANNELS_H

#include <stdbool.h>

#include "sandbox/ask.h"

/* The client_type of the channel with this group, or of the first one when `group` is NULL; its
 * group as text (to be freed) into *out. -1 when there is none. */
int mv_channels_find(struct mv_work *work, const char *group, char **out);

/* The group of the channel of this type that `bot` names (by its id or its group), or of the first
 * one when `bot` is NULL. To be freed; NULL when there is none. */
char *mv_channels_group(struct mv_work *work, int client_type, const char *bot);

/* Whether a WhatsApp is connected: enabled and started. */
bool mv_channels_has_whatsapp(struct mv_work *work);

/* Whether all channels of the project are enabled and started. */
bool mv_channels_all_open(struct mv_work *work);

void mv_channels_list(struct mv_ask *ask);

#endif
