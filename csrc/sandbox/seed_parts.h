/* Parts of reading a seed: members, lists, and the clients with all that is theirs. */
#ifndef MV_SANDBOX_SEED_PARTS_H
#define MV_SANDBOX_SEED_PARTS_H

#include <jansson.h>
#include <stdint.h>

#include "sandbox/shape.h"
#include "sandbox/work.h"

/* `owner`: the id of what the list belongs to (a funnel, a client), 0 for the seed's own lists. */
typedef int (*mv_seed_loader)(struct mv_work *work, int64_t owner, const struct mv_place *at,
                              const json_t *part, struct mv_error *err);

/* Loads each element of the list `name` of `object`, if there is one. */
int mv_seed_each(struct mv_work *work, int64_t owner, const struct mv_place *up,
                 const json_t *object, const char *name, mv_seed_loader load, struct mv_error *err);

/* Whether what was just stored is (ids may be there already); else the fault. */
int mv_seed_stored(struct mv_work *work, const struct mv_place *at, struct mv_error *err);

int64_t mv_seed_integer(const json_t *object, const char *name, int64_t absent);
const char *mv_seed_text(const json_t *object, const char *name); /* NULL: absent */

/* Which of the words (NULL ends them) the member is; *index stays when it is absent. */
int mv_seed_choice(const struct mv_place *at, const json_t *object, const char *name,
                   const char *const *words, int *index, struct mv_error *err);

/* The member "state": an id, or a name; *state stays when it is absent. */
int mv_seed_state(struct mv_work *work, const struct mv_place *at, const json_t *object,
                  int64_t *state, struct mv_error *err);

/* One project with all that is its. It becomes the work's. `webhook_url`: of the project unless the
 * seed sets it; NULL: none. */
int mv_seed_project(struct mv_work *work, const struct mv_place *up, const json_t *seed,
                    json_t *webhook_url, struct mv_error *err);

/* A client with variables, orders and messages. */
int mv_seed_client(struct mv_work *work, int64_t owner, const struct mv_place *at,
                   const json_t *client, struct mv_error *err);

#endif
