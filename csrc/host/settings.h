/* The options of a host: copied, completed with the defaults, checked. */
#ifndef MV_HOST_SETTINGS_H
#define MV_HOST_SETTINGS_H

#include "host/host.h"

struct mv_settings {
  struct mv_host_options options; /* all strings are the settings' own */
};

/* 0, or -1 and `err`. Secrets become hidden in the log. mv_settings_free in either case. */
int mv_settings_init(struct mv_settings *settings, const struct mv_host_options *options,
                     struct mv_error *err);
void mv_settings_free(struct mv_settings *settings);

#endif
