/* Clients: who they are, and the actions load_clients and get_clients. */
#ifndef MV_SANDBOX_CLIENTS_H
#define MV_SANDBOX_CLIENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/ask.h"

enum { MV_ONLINE_CHAT = 5, MV_WHATSAPP = 6, MV_TELEPHONY = 13, MV_EMAIL = 14 };

/* Whether the project has this client. */
bool mv_clients_exists(struct mv_work *work, int64_t id);

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

/* Notes that something of the client changed. */
void mv_clients_touch(struct mv_work *work, int64_t id);

void mv_clients_load(struct mv_ask *ask);
void mv_clients_list(struct mv_ask *ask);

#endif
