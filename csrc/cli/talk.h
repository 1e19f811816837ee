/* One client's conversation on a sandbox, over its HTTP API. */
#ifndef MV_CLI_TALK_H
#define MV_CLI_TALK_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

struct mv_talk;

/* `url`: the sandbox; `name`: the client to be. Finds the client of that name; one that does not
 * exist yet is made by the first message. NULL and `err`. */
struct mv_talk *mv_talk_open(const char *url, const char *name, struct mv_error *err);
void mv_talk_close(struct mv_talk *talk);

/* The client writes. 0 or -1. */
int mv_talk_say(struct mv_talk *talk, const char *text, struct mv_error *err);

/* What the bot has said since the last call: an array of messages, oldest first (new reference), or
 * NULL and `err`. */
json_t *mv_talk_hear(struct mv_talk *talk, struct mv_error *err);

#endif
