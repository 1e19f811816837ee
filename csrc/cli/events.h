/* What the parts of `mavilua events` share. */
#ifndef MV_CLI_EVENTS_H
#define MV_CLI_EVENTS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "cli/door.h"

struct mv_events_options {
  struct mv_door_options door;
  const char *state, *handler, *key, *name, *since, *until, *after;
  long limit, rate; /* limit -1: not given */
  bool dry_run, yes, json;
};

struct mv_events {
  const struct mv_command *command;
  const struct mv_events_options *options;
  struct mv_door *door;
  json_t *filter; /* the options that choose, as parameters of a request */
  bool json;      /* for a program */
};

/* The commands; `ids`: NULL-terminated. The exit status. */
int mv_events_list(struct mv_events *events, char **ids);
int mv_events_show(struct mv_events *events, char **ids);
int mv_events_replay(struct mv_events *events, char **ids);
int mv_events_cancel(struct mv_events *events, char **ids);

/* Writes up to `limit` of the events that `filter` chooses (-1: all). Returns their number, *more
 * whether there are more, or -1 and `err`. */
long mv_events_print(struct mv_events *events, const json_t *filter, long limit, bool *more,
                     struct mv_error *err);

#endif
