/* Faults that are asked for: calls and webhooks that match one are spoiled, reproducibly. */
#ifndef MV_SANDBOX_FAULTS_H
#define MV_SANDBOX_FAULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct mv_faults;

struct mv_faults *mv_faults_new(void);
void mv_faults_free(struct mv_faults *faults); /* NULL is fine */

/* Adds a fault (an object) or several (a list), for one project or (0) for all:
 * {action, kind, status, body, retry_after, delay_ms, fraction, every, times, probability, seed}.
 * 0, or -1 and `err` with the path of the mistake; then none was added. */
int mv_faults_add(struct mv_faults *faults, int64_t project, const json_t *list,
                  struct mv_error *err);

/* As they were given, with "id", "seen" (calls that they could have hit) and "hit". `project` 0:
 * of all. New reference. */
json_t *mv_faults_list(struct mv_faults *faults, int64_t project);

/* Ends those with this id (0: any) and project (0: any). How many there were. */
int mv_faults_remove(struct mv_faults *faults, int64_t project, int64_t id);

/* What is to become of a call. */
struct mv_spoiling {
  const char *kind;    /* of the fault that decides, for the journal; NULL: none hit */
  int64_t delay;       /* ms before the answer goes out; the work is done at once */
  unsigned status;     /* nothing is done, this is answered; 0: no */
  char *body;          /* with `status`: instead of the usual words; or NULL. Owned */
  int64_t retry_after; /* with `status`: seconds for the header Retry-After; 0: none */
  bool drop_before;    /* nothing is done, the connection breaks */
  bool drop_after;     /* all is done, the connection breaks instead of an answer */
  double fraction;     /* the connection breaks after this part of the answer; 0: no */
};

/* Asked once for each call of the API. Free spoiling->body. */
void mv_faults_call(struct mv_faults *faults, int64_t project, const char *action,
                    struct mv_spoiling *spoiling);

/* What is to become of a webhook. */
struct mv_mishap {
  bool drop, duplicate;
  int64_t delay; /* ms */
};

/* Asked once for each webhook. `action`: of the call that caused it, or NULL. */
struct mv_mishap mv_faults_webhook(struct mv_faults *faults, int64_t project, const char *action);

#endif
