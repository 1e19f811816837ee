/* Sends that are put off: a row each, carried out in order as the sandbox's clock passes them
 * (ticker.h). They survive a restart. */
#ifndef MV_SANDBOX_TIMELINE_H
#define MV_SANDBOX_TIMELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/ask.h"
#include "sandbox/messages.h"

/* What is to be done for one client, now or later: what message, broadcast and the callbacks do
 * when their moment has come. In this order: the variables, the end of the pause, the message. */
struct mv_sending {
  /* input: comes in (mv_messages_receive), if there is a text or an attachment;
   * else with a block: the block is run (mv_blocks_run); else: sent as it is. */
  struct mv_message message;
  const json_t *variables; /* {name: value} set for the client, names without "client."; or NULL */
  bool resume;             /* takes the bot off its pause */
};

/* Reads time_shift (which wins) and send_time (in the project's time zone): `*due` in ms of the
 * sandbox's clock, the work's now when neither is given or the moment is past. 0, or -1 when one
 * is beyond reason (answered with 400). */
int mv_timeline_when(struct mv_ask *ask, int64_t *due);

/* Does it at once when `due` (ms) has come, else puts it off until then. Everything is copied.
 * Clients, and a block that the caller names, are to be there: what is missing once the moment has
 * come is left out silently. */
void mv_timeline_send(struct mv_work *work, int64_t due, const struct mv_sending *sending);

/* The moment (ms) of the earliest send of all projects, INT64_MAX when there is none. */
int64_t mv_timeline_next(struct mv_work *work);

/* Carries the earliest send out if it is due at `until` (ms): work->now becomes its moment, or
 * stays if that is `late`r, work->project its project. Whether there was one. */
bool mv_timeline_fire(struct mv_work *work, int64_t until, bool late);

/* What is put off, earliest first: [{id, at, client_id, …}]. New reference. */
json_t *mv_timeline_list(struct mv_work *work);

#endif
