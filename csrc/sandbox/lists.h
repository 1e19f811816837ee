/* Lists of clients, and the actions add_to_list and remove_from_list. */
#ifndef MV_SANDBOX_LISTS_H
#define MV_SANDBOX_LISTS_H

#include <jansson.h>
#include <stdint.h>

#include "sandbox/ask.h"

/* Reads the parameter `name`, a list's number. 0, or -1 when there is no such list (answered). */
int mv_lists_asked(struct mv_ask *ask, const char *name, int64_t *list);

/* The ids of its clients, ascending. New reference. */
json_t *mv_lists_clients(struct mv_work *work, int64_t list);

void mv_lists_add_member(struct mv_work *work, int64_t list, int64_t client);

void mv_lists_add(struct mv_ask *ask);
void mv_lists_remove(struct mv_ask *ask);

#endif
