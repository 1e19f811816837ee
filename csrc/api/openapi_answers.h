/* What is answered; shared by the document and the check. */
#ifndef MV_API_OPENAPI_ANSWERS_H
#define MV_API_OPENAPI_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>

#include "api/action.h"

/* A failure that all actions, or those that may_miss, have in common. */
struct mv_openapi_failure {
  unsigned status;
  const char *name;     /* of the component */
  const char *notation; /* its shape (see action.h) */
  const char *doc;
};

/* Ends with a row without status. */
extern const struct mv_openapi_failure mv_openapi_failures[];

/* Whether the action (NULL: one that is not in the table) may answer so. */
bool mv_openapi_may_fail(const struct mv_action *action, const struct mv_openapi_failure *failure);

/* The schema of the JSON that comes with 200: success or refusal. A new reference. */
json_t *mv_openapi_answer(const struct mv_action *action);

#endif
