/* Answers against the statuses and shapes that the document promises. */
#include <stdio.h>
#include <string.h>

#include "api/openapi.h"
#include "api/openapi_answers.h"
#include "api/schema.h"

json_t *mv_openapi_answer(const struct mv_action *action) {
  char notation[1400];
  bool is_ok = strcmp(action->answer, "ok") == 0;
  snprintf(notation, sizeof notation, "%s%s%s", is_ok ? "{status: 'success'}" : action->answer,
           action->refusal ? "|" : "", action->refusal ? action->refusal : "");
  return mv_schema_of(notation, NULL);
}

const struct mv_openapi_failure mv_openapi_failures[] = {
    {400, "wrong_parameters", "{status: 'fail', message: string}",
     "A parameter is missing or wrong, or the body cannot be read; the reason is in the message. "
     "(The shape is assumed.)"},
    {401, "wrong_key", "{status: 'fail', message: string}", "There is no such API key. (Assumed.)"},
    {403, "not_allowed", "{status: 'fail', message: string}",
     "The API key lacks the permission. (Assumed.)"},
    {404, "not_found", "{status: 'client_not_found'}|{status: 'fail', message: string}",
     "There is no such client, block or list. (For some actions assumed.)"},
    {429, "too_many", "{status: 'fail', message: string}",
     "Too many requests: try again after Retry-After seconds. (Assumed.)"},
    {503, "unavailable", "{status: 'fail', message: string}",
     "Overloaded, or down. 502 and 504 occur as well; the body may be anything, a page of a proxy "
     "for instance."},
    {0, NULL, NULL, NULL},
};

bool mv_openapi_may_fail(const struct mv_action *action, const struct mv_openapi_failure *failure) {
  return failure->status != 404 || !action || action->may_miss;
}

/* NULL: the document does not have the status. */
static json_t *schema_of(const struct mv_action *action, unsigned status, const json_t *answer) {
  if (status == 200) {
    bool is_text = action && json_is_string(answer) && strcmp(action->answer, "ok") == 0;
    return is_text ? mv_schema_of("ok", NULL) : action ? mv_openapi_answer(action) : NULL;
  }
  for (const struct mv_openapi_failure *f = mv_openapi_failures; f->status; f++) {
    if (f->status == status && mv_openapi_may_fail(action, f)) {
      return mv_schema_of(f->notation, NULL);
    }
  }
  return NULL;
}

int mv_openapi_check(const struct mv_action *action, unsigned status, const json_t *answer,
                     struct mv_error *err) {
  json_t *schema = schema_of(action, status, answer);
  if (!schema) {
    return mv_error_set(err, MV_ERROR_DECODE, "status %u is not documented", status);
  }
  int result = mv_schema_check(schema, answer, err);
  json_decref(schema);
  return result;
}
