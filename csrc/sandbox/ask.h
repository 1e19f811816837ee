/* One API call on its way: parameters in, answer out. */
#ifndef MV_SANDBOX_ASK_H
#define MV_SANDBOX_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/action.h"
#include "base/bytes.h"
#include "sandbox/work.h"

struct mv_ask {
  struct mv_work *work;
  struct mv_db *db; /* the work's */
  const struct mv_action *action;
  json_t *params; /* object; what the row names is of the row's type, null is absent (params.h) */
  json_t *extras; /* object: parameters the row does not name */
  unsigned status;
  json_t *answer; /* owned; NULL: `text` */
  const char *text;
  struct mv_bytes written; /* not empty: JSON text that stands for `answer` */
  char headers[64];        /* further headers of the answer, or "" */
  bool failed;             /* a refusal: what was changed is rolled back */
};

/* Answers; a later one replaces an earlier. */
void mv_answer_success(struct mv_ask *ask); /* {"status":"success"} */
void mv_answer_result(struct mv_ask *ask, const char *name,
                      json_t *value); /* and name = value (taken) */

/* {"status":"success", name: [the first column of every row]}: integers, written as they are found,
 * as there may be a million. The statement (NULL: no rows) is given back. */
void mv_answer_ids(struct mv_ask *ask, const char *name, struct mv_stmt *stmt);

void mv_answer_ok(struct mv_ask *ask);                   /* "ok", or JSON by setting ok_body */
void mv_answer_json(struct mv_ask *ask, json_t *answer); /* 200; the reference is taken */
void mv_answer_word(struct mv_ask *ask, unsigned status, const char *word); /* {"status": word} */
void mv_answer_fail(struct mv_ask *ask, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* {"status":"fail","message":…} */

#endif
