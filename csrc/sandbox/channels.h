/* The messengers connected to the project, and the action connected_channels. */
#ifndef MV_SANDBOX_CHANNELS_H
#define MV_SANDBOX_CHANNELS_H

#include "sandbox/ask.h"

/* The client_type of the channel with this group, or of the first one when `group` is NULL; its
 * group as text (to be freed) into *out. -1 when there is none. */
int mv_channels_find(struct mv_work *work, const char *group, char **out);

void mv_channels_list(struct mv_ask *ask);

#endif
