/* One API call on its way: parameters in, answer out. */
#ifndef MV_SANDBOX_ASK_H
#define MV_SANDBOX_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/action.h"
#include "base/bytes.h"
#include "sandbox/work.h"

struct mv_played;
struct mv_query; /* query.h */

enum { MV_ASK_PARAMS = 16 }; /* an action has no more */

struct mv_ask {
  struct mv_work *work;
  struct mv_db *db; /* the work's */
  const struct mv_action *action; /* NULL: there is none of that name */
  const struct mv_played *played; /* how it is played (actions.h) */
  json_t *params[MV_ASK_PARAMS]; /* in the order of the row, of its types; NULL: absent (params.h) */
  json_t *extras; /* object: parameters the row does not name; NULL: none */
  unsigned status;
  struct mv_bytes written; /* the answer as JSON; empty: it is `answer`, or `text` */
  json_t *answer;          /* owned, or NULL */
  const char *text;        /* plain, or NULL */
  char headers[64];        /* further headers of the answer, or "" */
  bool failed;             /* a refusal: what was changed is rolled back */
};

/* Answers; a later one replaces an earlier. */

/* What is appended between these two is the JSON of the answer. `failed`: a refusal. */
struct mv_bytes *mv_answer_begin(struct mv_ask *ask, unsigned status, bool failed);
void mv_answer_end(struct mv_ask *ask);

void mv_answer_success(struct mv_ask *ask); /* {"status":"success"} */
void mv_answer_result(struct mv_ask *ask, const char *name,
                      json_t *value); /* and name = value (taken) */

/* {"status":"success","client_ids":[…]}: those who are asked for, written as they are found, as there
 * may be a million. */
void mv_answer_clients(struct mv_ask *ask, const struct mv_query *query);

void mv_answer_ok(struct mv_ask *ask);                   /* "ok", or JSON by setting ok_body */
void mv_answer_json(struct mv_ask *ask, json_t *answer); /* 200; the reference is taken */
void mv_answer_word(struct mv_ask *ask, unsigned status, const char *word); /* {"status": word} */
void mv_answer_fail(struct mv_ask *ask, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* {"status":"fail","message":…} */

#endif
