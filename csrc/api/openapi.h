/* The action table as an OpenAPI 3.1 document, and answers checked against what it says. */
#ifndef MV_API_OPENAPI_H
#define MV_API_OPENAPI_H

#include <jansson.h>

#include "api/action.h"

/* The whole document. A new reference, or NULL when memory is out. */
json_t *mv_openapi_document(void);

/* Whether an answer is one that the document promises: its status, and the shape that goes with it.
 * `action` NULL: an action that is not in the table. `answer`: a JSON string for plain text.
 * 0, or -1 and `err` with the place in the answer. */
int mv_openapi_check(const struct mv_action *action, unsigned status, const json_t *answer,
                     struct mv_error *err);

/* The schema of the object of all parameters, its rules included; of a bare_array row the array's.
 * A new reference. */
json_t *mv_openapi_request(const struct mv_action *action);

/* The schema of one parameter. A new reference. */
json_t *mv_openapi_value(const struct mv_action *action, const struct mv_param *param);

/* "a b" as the array of its words; a new reference. */
json_t *mv_openapi_words(const char *text);

#endif
