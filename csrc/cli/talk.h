/* One client's conversation on a sandbox, over its HTTP API. */
#ifndef MV_CLI_TALK_H
#define MV_CLI_TALK_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

struct mv_talk;

/* `url`: the sandbox; `host`: the admin address of the host behind it, or NULL; `ca_file`: a
 * PEM file of further trust, or NULL, which must stay; `name`: the client to be. Finds the client of that name; one that does not exist yet is made by the first message. NULL
 * and `err`. */
struct mv_talk *mv_talk_open(const char *url, const char *host, const char *ca_file,
                             const char *name, struct mv_error *err);
void mv_talk_close(struct mv_talk *talk);

/* The client writes. 0 or -1. */
int mv_talk_say(struct mv_talk *talk, const char *text, struct mv_error *err);

/* Whether the bot has nothing more to do for what was said, as far as two looks can tell: 1 yes, 0
 * not yet (or without a host to ask), -1 and `err`. Call it until it says yes. */
int mv_talk_settled(struct mv_talk *talk, struct mv_error *err);

/* What the bot has said since the last call: an array of messages, oldest first (new reference), or
 * NULL and `err`. */
json_t *mv_talk_hear(struct mv_talk *talk, struct mv_error *err);

#endif
