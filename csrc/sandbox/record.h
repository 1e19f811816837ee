/* What happened, for tests and people to read: API calls and webhooks, the latest ones, in memory.
 */
#ifndef MV_SANDBOX_RECORD_H
#define MV_SANDBOX_RECORD_H

#include <jansson.h>
#include <stdint.h>

struct mv_record;

/* Keeps up to `entries` entries and about `bytes` bytes; older ones are forgotten. */
struct mv_record *mv_record_new(size_t entries, size_t bytes);
void mv_record_free(struct mv_record *record);

/* Adds an entry (an object, whose reference is taken over) and gives it the next "seq". Any thread.
 */
void mv_record_add(struct mv_record *record, json_t *entry);

/* The entries after `since`, at most `limit`, that have this "kind" ("" or NULL: any), as JSON
 * text:
 * {"entries":[…],"next":seq} — `next` is the cursor for the following call. To be freed with
 * free(); NULL when memory is out. */
char *mv_record_read(struct mv_record *record, int64_t since, int64_t limit, const char *kind,
                     size_t *length);

#endif
