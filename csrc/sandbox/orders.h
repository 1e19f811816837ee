/* Orders and the states of their funnels, and the actions upon them. */
#ifndef MV_SANDBOX_ORDERS_H
#define MV_SANDBOX_ORDERS_H

#include <jansson.h>
#include <stdint.h>

#include "sandbox/ask.h"

/* The client's newest active order; without one the newest; 0 when there is none at all. As SQL: of
 * the client ?1. */
#define MV_ORDERS_CURRENT                                                                          \
  "coalesce((SELECT max(id) FROM orders WHERE client = ?1 AND status = 0), "                       \
  "(SELECT max(id) FROM orders WHERE client = ?1))"
int64_t mv_orders_current(struct mv_work *work, int64_t client);

/* The current one; when there is none, a new one in the first state of the first funnel. */
int64_t mv_orders_needed(struct mv_work *work, int64_t client);

/* Puts an order into a state, and tells so (crm_state_changed) if that is another than before. */
void mv_orders_move(struct mv_work *work, int64_t client, int64_t order, int64_t state);

/* The project's funnels with their states, for the control API. New reference. */
json_t *mv_orders_funnels(struct mv_work *work);

/* Whether the project has this state. */
bool mv_orders_has_state(struct mv_work *work, int64_t state);

void mv_orders_create(struct mv_ask *ask);
void mv_orders_current_id(struct mv_ask *ask);
void mv_orders_list(struct mv_ask *ask);
void mv_orders_get_state(struct mv_ask *ask);
void mv_orders_set_state(struct mv_ask *ask);
void mv_orders_next_state(struct mv_ask *ask);
void mv_orders_get_vars(struct mv_ask *ask);
void mv_orders_set_vars(struct mv_ask *ask);

#endif
