/* When clients last changed, where that is not in the database yet.
 *
 * A message would rewrite the row of its client for nothing but updated_at, which is a quarter of
 * what the message costs. A sandbox in memory keeps these moments here until the column may be read
 * or there are many. Only what was committed comes here.
 *
 * Also known here: whose messages are ready to be sent, as the one before was (messages.h), until
 * anything but such a message is changed. Guarded by the sandbox's lock. */
#ifndef MV_SANDBOX_TOUCHES_H
#define MV_SANDBOX_TOUCHES_H

#include <stdint.h>

#include "sandbox/db.h"

struct mv_touches;

struct mv_touches *mv_touches_new(void); /* NULL: out of memory */
void mv_touches_free(struct mv_touches *touches);

/* The client changed at `ms`. False when there are too many already: write them first. */
bool mv_touches_put(struct mv_touches *touches, int64_t client, int64_t ms);

/* Messages to this client of the project are ready to be sent. If it has been put. */
void mv_touches_ready(struct mv_touches *touches, int64_t client, int64_t project);

/* Whether that is so; false: it is not known. `touches` may be NULL. */
bool mv_touches_is_ready(const struct mv_touches *touches, int64_t client, int64_t project);

/* Something may change: nobody is ready any more. `touches` may be NULL. */
void mv_touches_doubt(struct mv_touches *touches);

/* When the client last changed, if that is known here; else `stored`. `touches` may be NULL. */
int64_t mv_touches_get(const struct mv_touches *touches, int64_t client, int64_t stored);

/* Writes all into the database, in a transaction of its own. On failure they stay here. `touches`
 * may be NULL. */
void mv_touches_write(struct mv_touches *touches, struct mv_db *db);

/* The database is another one now. `touches` may be NULL. */
void mv_touches_forget(struct mv_touches *touches);

#endif
