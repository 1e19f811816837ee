/* What happened, for tests and people to read: API calls and webhooks, the latest ones, in memory.
 */
#ifndef MV_SANDBOX_RECORD_H
#define MV_SANDBOX_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct mv_later;
struct mv_record;

/* Which entries are meant. */
struct mv_record_filter {
  int64_t since;   /* those with a greater seq */
  char kind[16];   /* "": any */
  char action[64]; /* "": any; webhooks have none */
  int64_t client;  /* 0: any */
  int64_t project; /* 0: any */
};

/* Keeps up to `entries` entries and about `bytes` bytes; older ones are forgotten.
 * `later` (or NULL) is poked when one comes. */
struct mv_record *mv_record_new(size_t entries, size_t bytes, struct mv_later *later);
void mv_record_free(struct mv_record *record);

/* What an entry is found by. */
struct mv_record_head {
  const char *kind;
  const char *action; /* NULL: none */
  int64_t client, project; /* 0: none */
};

/* Adds an entry and gives it the next "seq". `members`: those of its JSON object, without the
 * braces; the memory is taken over. Any thread. */
void mv_record_put(struct mv_record *record, const struct mv_record_head *head,
                   struct mv_bytes *members);

/* The same for an entry (an object, whose reference is taken over). */
void mv_record_add(struct mv_record *record, json_t *entry);

/* The entries that are meant, at most `limit`, as JSON text:
 * {"entries":[…],"next":seq} — `next` is the cursor for the following call. To be freed with
 * free(); NULL when memory is out. */
char *mv_record_read(struct mv_record *record, const struct mv_record_filter *filter, int64_t limit,
                     size_t *length);

/* Whether there is one. If not, filter->since is moved to the latest entry. */
bool mv_record_has(struct mv_record *record, struct mv_record_filter *filter);

#endif
