/* What every call asks for and hardly ever changes: keys, settings, channels, as they are in the
 * database. Guarded by the sandbox's lock. */
#ifndef MV_SANDBOX_FACTS_H
#define MV_SANDBOX_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct mv_facts;

struct mv_facts *mv_facts_new(void);
void mv_facts_free(struct mv_facts *facts);

/* To be called when keys, settings, channels or projects may have changed. */
void mv_facts_forget(struct mv_facts *facts);

/* Whether a key is known, and then its project and permissions. `facts` may be NULL in all of
 * these: nothing is known, nothing kept. */
bool mv_facts_key(const struct mv_facts *facts, const char *key, int64_t *project,
                  int64_t *permissions);
void mv_facts_keep_key(struct mv_facts *facts, const char *key, int64_t project,
                       int64_t permissions);

/* The value of a setting (by the number that settings.c gives it): a new reference, or NULL. */
json_t *mv_facts_setting(const struct mv_facts *facts, int64_t project, size_t setting);
void mv_facts_keep_setting(struct mv_facts *facts, int64_t project, size_t setting, json_t *value);

/* A borrowed value, for as long as the lock is held. */
const json_t *mv_facts_peek(const struct mv_facts *facts, int64_t project, size_t setting);

/* Whether all channels of a project are open: 1, 0; -1 when it is not known. */
int mv_facts_open(const struct mv_facts *facts, int64_t project);
void mv_facts_keep_open(struct mv_facts *facts, int64_t project, bool open);

#endif
