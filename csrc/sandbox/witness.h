/* Watches that every answer of the API is one that the action table promises, for tests.
 *
 * Appends to a file, one JSON object a line: of every action and status a few answers as they were
 * ({action, status, answer}), and each that is wrong with what is wrong (mismatch). Several
 * sandboxes may share the file. */
#ifndef MV_SANDBOX_WITNESS_H
#define MV_SANDBOX_WITNESS_H

#include <jansson.h>

#include "api/action.h"
#include "base/error.h"
#include "base/log.h"

struct mv_witness;

/* NULL and `err`. */
struct mv_witness *mv_witness_open(const char *path, struct mv_log *log, struct mv_error *err);

/* `action` NULL: there is none of that name. `answer`: a string for plain text. May be called from
 * any thread; `witness` NULL does nothing. */
void mv_witness_see(struct mv_witness *witness, const struct mv_action *action, const char *name,
                    unsigned status, json_t *answer);

void mv_witness_close(struct mv_witness *witness);

#endif
