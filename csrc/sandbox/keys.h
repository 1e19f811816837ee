/* API keys: each lets into one project, with some of the permissions R, W, X, CR and CW. */
#ifndef MV_SANDBOX_KEYS_H
#define MV_SANDBOX_KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/work.h"

#define MV_KEYS_ALL 31 /* every permission: a bit for each enum mv_permission */
#define MV_KEYS_TAKE "up to 100 letters, digits, \"-\", \"_\" and \".\""

/* Whether a key can be given in a URL as it is. */
bool mv_keys_are_well_formed(const char *key);

/* The bits of ["R", "CW", …]; -1 when it is no such list. */
int mv_keys_permissions(const json_t *names, int64_t *permissions);

/* Whether there is one, in any project. */
bool mv_keys_exists(struct mv_work *work, const char *key);

/* Adds it to the work's project; the database fails when there is one of that name. */
void mv_keys_add(struct mv_work *work, const char *key, int64_t permissions);

/* 32 hex digits that nobody can guess. 0 or -1. */
int mv_keys_make(char key[33]);

/* Removes it from the work's project; false: it has no such key. */
bool mv_keys_remove(struct mv_work *work, const char *key);

/* [{key, permissions}] of a project. New reference. */
json_t *mv_keys_list(struct mv_work *work, int64_t project);

#endif
