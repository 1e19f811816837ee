/* Finding clients by phone, e-mail and variables. */
#ifndef MV_SANDBOX_SEARCH_H
#define MV_SANDBOX_SEARCH_H

#include <stdint.h>

#include "sandbox/ask.h"

/* The first client (lowest id) with exactly this phone as WhatsApp number or in the variable
 * "phone"; with this e-mail in the variable "email". Of the client, else of its orders. 0 when
 * there is none. */
int64_t mv_search_phone(struct mv_work *work, const char *phone);
int64_t mv_search_email(struct mv_work *work, const char *email);

void mv_search_by_phone(struct mv_ask *ask);
void mv_search_by_email(struct mv_ask *ask);
void mv_search_by_var(struct mv_ask *ask);
void mv_search_latest(struct mv_ask *ask);  /* find_latest_client_id_by_var */
void mv_search_all(struct mv_ask *ask);     /* find_all_client_id_by_var */
void mv_search_several(struct mv_ask *ask); /* find_all_client_id_by_several_vars */
void mv_search_clients(struct mv_ask *ask);

#endif
