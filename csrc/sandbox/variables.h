/* Variables of clients and of orders, and the actions save_variables and get_variables. */
#ifndef MV_SANDBOX_VARIABLES_H
#define MV_SANDBOX_VARIABLES_H

#include <jansson.h>
#include <stdint.h>

#include "sandbox/ask.h"

void mv_variables_set_client(struct mv_work *work, int64_t client, const char *name,
                             const json_t *value);
void mv_variables_set_order(struct mv_work *work, int64_t order, const char *name,
                            const json_t *value);

/* {name: value}. New references. */
json_t *mv_variables_of_client(struct mv_work *work, int64_t client);
json_t *mv_variables_of_order(struct mv_work *work, int64_t order);

/* As save_variables does: "client.x" to the client, "x" to the current order, which is opened when
 * there is none. */
void mv_variables_save_all(struct mv_work *work, int64_t client, const json_t *variables);

void mv_variables_save(struct mv_ask *ask);
void mv_variables_get(struct mv_ask *ask);

#endif
