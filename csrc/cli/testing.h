/* Hosts with sandboxes beside them inside the program, for the tests of bots: what
 * lua/mavilua/testing.lua asks when it runs under `mavilua run`. */
#ifndef MV_CLI_TESTING_H
#define MV_CLI_TESTING_H

#include <jansson.h>

#include "base/error.h"

/* All that one script has started. Zeroed: nothing. */
struct mv_testing {
  struct mv_test_pair *first;
  json_int_t last_id;
};

/* `owner`: a struct mv_testing. A new reference, or NULL and `err`.
 *   start {script, db, log, seed?, now?, workers?} -> {id, sandbox, host, admin}: their addresses
 *   stop {id} -> {} */
json_t *mv_testing_ask(void *owner, const char *name, const json_t *arguments,
                       struct mv_error *err);

/* Stops what still runs. */
void mv_testing_stop(struct mv_testing *testing);

#endif
