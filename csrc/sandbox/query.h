/* Clients by conditions upon their variables or those of their orders, made into SQL. */
#ifndef MV_SANDBOX_QUERY_H
#define MV_SANDBOX_QUERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/work.h"

enum { MV_QUERY_CONDITIONS = 100 }; /* most at once */

/* Holds when the variable is one of the values; negative: when it is there and none of them. */
struct mv_condition {
  const char *name;
  bool negative;
  json_t *keys;    /* array: what texts are compared with (mv_cell_key) */
  json_t *numbers; /* array: what numbers are compared with */
  int64_t id;      /* of the name; set by mv_query_each */
};

/* References to be freed with mv_condition_free, also after a failure. */
void mv_condition_init(struct mv_condition *condition, const char *name);
void mv_condition_free(struct mv_condition *condition);

/* Adds a value: a number is compared with numbers and with texts that are one; a text or a boolean
 * with the text of the variable. 0, or -1 when it is none of these or memory is out. */
int mv_condition_add(struct mv_condition *condition, const json_t *value);

/* Adds a text, whatever it looks like; NULs in it count. */
int mv_condition_add_text(struct mv_condition *condition, const char *text, size_t length);

struct mv_query {
  struct mv_condition *conditions;
  size_t count;
  bool any;       /* one of the conditions must hold, not all */
  bool in_orders; /* in one and the same order */
};

/* Whether a condition with numbers meets holders in the project that have none: then the platform
 * fails. */
bool mv_query_is_mixed(struct mv_work *work, const struct mv_query *query);

/* Is told of a client. */
typedef void mv_query_take(void *owner, int64_t id);

/* Tells of the clients, ascending and once each. A rare condition is looked up first, the others
 * are checked at what was found. */
void mv_query_each(struct mv_work *work, const struct mv_query *query, mv_query_take *take,
                   void *owner);

#endif
