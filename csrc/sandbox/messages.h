/* Messages: what is written and sent, their webhooks, and the actions get_history and
 * clear_history. What sends them: sends.h, callbacks.h, blocks.h. */
#ifndef MV_SANDBOX_MESSAGES_H
#define MV_SANDBOX_MESSAGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/ask.h"

/* message_from_outside */
enum mv_from {
  MV_FROM_NORMAL = 0, /* the client, or a block */
  MV_FROM_API = 1,
  MV_FROM_CRM = 2,
  MV_FROM_CALLBACK = 3,
  MV_FROM_TELEPHONY = 5,
};

struct mv_message {
  int64_t client;
  bool input; /* from the client's side (or an event in its name), not from the bot */
  enum mv_from from;
  int64_t block;             /* that is sent; 0: none */
  const char *text;          /* NULL: none */
  const json_t *attachments; /* array of {attachment_url, attachment_type} or of URLs; or NULL */
  const json_t *buttons;     /* or NULL */
  int64_t manager;           /* the employee who wrote it; 0: none */
  bool ready;                /* as mv_messages_recipient told just now */
};

/* Whether the project has this client. *ready: what is sent to it arrives, and nothing that it
 * wrote waits for an answer. */
bool mv_messages_recipient(struct mv_work *work, int64_t client, bool *ready);

/* Stores a message and tells it by webhook. Its id. */
int64_t mv_messages_add(struct mv_work *work, const struct mv_message *message);

/* Something comes in (a client writes, a callback, an event of the CRM): stored, told, and unless
 * the bot is paused for this client, blocks are matched. Its id. */
int64_t mv_messages_receive(struct mv_work *work, int64_t client, enum mv_from from,
                            const char *text, const json_t *attachments);

/* The conversation after message `since`, oldest first, for the control API. New reference. */
json_t *mv_messages_conversation(struct mv_work *work, int64_t client, int64_t since);

/* Ids are unique over restarts and resets, as receivers drop what they have seen: continues behind
 * the last id or from one made of the time, whichever is greater. */
void mv_messages_continue_ids(struct mv_work *work);
int64_t mv_messages_next_id(struct mv_work *work);
int64_t mv_messages_last_id(struct mv_work *work); /* that was given, or one behind it */

void mv_messages_history(struct mv_ask *ask);
void mv_messages_clear(struct mv_ask *ask);

#endif
