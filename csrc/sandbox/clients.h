/* Clients: who they are, how they are found by what their messengers call them, and the actions on
 * clients themselves. */
#ifndef MV_SANDBOX_CLIENTS_H
#define MV_SANDBOX_CLIENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/ask.h"

/* client_type */
enum {
  MV_VK = 0,
  MV_TELEGRAM = 1,
  MV_ONLINE_CHAT = 5,
  MV_WHATSAPP = 6,
  MV_ODNOKLASSNIKI = 8,
  MV_INSTAGRAM = 10,
  MV_TELEPHONY = 13,
  MV_EMAIL = 14,
};

/* Whether the project has this client. */
bool mv_clients_exists(struct mv_work *work, int64_t id);

/* Its client_type; -1 when it is not there. */
int mv_clients_type(struct mv_work *work, int64_t id);

/* Reads the parameter client_id. 0, or -1 when there is no such client (answered with this HTTP
 * status and client_not_found) or it is no number (400). */
int mv_clients_asked(struct mv_ask *ask, unsigned status, int64_t *id);

/* How a platform id is kept: WhatsApp's as digits, without "+", blanks or "@s.whatsapp.net". To be
 * freed; NULL when memory is out. */
char *mv_clients_platform_id(int client_type, const char *given);

/* The client with this (kept) platform id, or 0. */
int64_t mv_clients_at(struct mv_work *work, int client_type, const char *group,
                      const char *platform_id);

/* A new one; its id. `name` may be NULL. */
int64_t mv_clients_add(struct mv_work *work, int client_type, const char *group,
                       const char *platform_id, const char *name);

/* The "client" of a webhook. New reference. */
json_t *mv_clients_told(struct mv_work *work, int64_t id);

/* Gives a name to a client who has none; NULL or "": nothing to give. */
void mv_clients_name(struct mv_work *work, int64_t id, const char *name);

/* Puts the bot on its pause for this client, or takes it off. */
void mv_clients_pause(struct mv_work *work, int64_t id, bool paused);

/* created_at or updated_at as setting date_style wants it: `as_text` or unix seconds. New
 * reference. */
json_t *mv_clients_date(int64_t ms, bool as_text);

/* ---- finding them (clients_find.c) ---- */

/* The clients of the parameter `name` (an array of ids) who are there, each once, in its order: an
 * array of integers. NULL when one is no number (answered). New reference. */
json_t *mv_clients_given(struct mv_ask *ask, const char *name);

/* The clients with these ids in a messenger (array; WhatsApp's in any format), each once, in the
 * order of the list; `group` NULL: of all. An array of integers; new reference. */
json_t *mv_clients_of_platform_ids(struct mv_work *work, const json_t *platform_ids,
                                   const char *group);

/* The first client (lowest id) of this type with this (kept) platform id; `group` NULL: any. Or 0.
 */
int64_t mv_clients_find(struct mv_work *work, int client_type, const char *group,
                        const char *platform_id);

/* The client with this platform id, made if there is none, whose variable (phone, email) is it. */
int64_t mv_clients_contact(struct mv_work *work, int client_type, const char *group,
                           const char *variable, const char *platform_id);

/* The client of the parameter "phone" at the WhatsApp that the parameter `bot` names, or at any if
 * it is absent; made if there is none. 0 when that cannot be (answered). */
int64_t mv_clients_whatsapp(struct mv_ask *ask, const char *bot);

/* ---- the actions ---- */

void mv_clients_load(struct mv_ask *ask);
void mv_clients_list(struct mv_ask *ask);
void mv_clients_delete(struct mv_ask *ask);
void mv_clients_subscribers(struct mv_ask *ask);
void mv_clients_by_platform_id(struct mv_ask *ask);
void mv_clients_online_chat(struct mv_ask *ask);
void mv_clients_whatsapp_id(struct mv_ask *ask);

#endif
