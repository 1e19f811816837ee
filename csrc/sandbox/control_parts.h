/* The calls of the control API; for control*.c only. */
#ifndef MV_SANDBOX_CONTROL_PARTS_H
#define MV_SANDBOX_CONTROL_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/server.h"
#include "sandbox/inside.h"
#include "sandbox/work.h"

/* One call; a route fills in the answer. */
struct mv_control {
  struct mv_sandbox *sandbox;
  struct mv_work work;  /* of the project that is meant; not for the routes without a work */
  struct mv_call *call; /* NULL once a route has taken it over, and answers it later */
  int64_t project;      /* what ?project= says; 0: nothing */
  json_t *query;        /* object */
  json_t *body;         /* object, or what the route takes */
  unsigned status;
  json_t *answer;
  bool failed; /* what was changed is rolled back */
};

/* The answer 200; the reference is taken over. */
void mv_control_answer(struct mv_control *c, json_t *value);

/* {"status":"fail","message":…} */
void mv_control_fail(struct mv_control *c, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The number that a member of query or body is (a text of one, too), or `absent`. */
int64_t mv_control_number(const json_t *object, const char *name, int64_t absent);

/* The same into *value, which keeps what it holds when there is none. 0, or -1 when it is none, or
 * below `least` (answered with 400). */
int mv_control_whole(struct mv_control *c, const json_t *object, const char *name, int64_t least,
                     int64_t *value);

/* Seconds (a number or a text of one; may be fractional) as milliseconds. 1, 0 when absent, -1 when
 * it is no number between `least` and `most` seconds (answered with 400). */
int mv_control_seconds(struct mv_control *c, const json_t *object, const char *name, double least,
                       double most, int64_t *ms);

/* The client that the member client_id names; 0 when there is none (answered). */
int64_t mv_control_client(struct mv_control *c, const json_t *object);

/* Sends JSON (taken over). */
void mv_control_send(struct mv_call *call, unsigned status, json_t *value);

/* control_messages.c */
void mv_control_post_message(struct mv_control *c);
void mv_control_get_messages(struct mv_control *c);
/* control_clients.c */
void mv_control_get_client(struct mv_control *c);
void mv_control_post_client(struct mv_control *c);
/* control_state.c */
void mv_control_post_reset(struct mv_control *c);
void mv_control_post_seed(struct mv_control *c);
void mv_control_get_settings(struct mv_control *c);
void mv_control_post_settings(struct mv_control *c);
void mv_control_get_funnels(struct mv_control *c);
void mv_control_get_assumptions(struct mv_control *c);
/* control_snapshot.c: without a work */
void mv_control_get_snapshot(struct mv_control *c);
void mv_control_put_snapshot(struct mv_control *c);
/* control_time.c */
void mv_control_get_clock(struct mv_control *c);
void mv_control_post_clock(struct mv_control *c); /* without a work */
void mv_control_get_timeline(struct mv_control *c);
/* control_projects.c */
void mv_control_get_keys(struct mv_control *c);
void mv_control_post_keys(struct mv_control *c);
void mv_control_delete_keys(struct mv_control *c);
void mv_control_get_projects(struct mv_control *c);
void mv_control_post_projects(struct mv_control *c);
void mv_control_delete_projects(struct mv_control *c);
/* control_faults.c: without a work */
void mv_control_get_faults(struct mv_control *c);
void mv_control_post_faults(struct mv_control *c);
void mv_control_delete_faults(struct mv_control *c);
/* control_journal.c: without a work */
void mv_control_get_journal(struct mv_control *c);
void mv_control_get_idle(struct mv_control *c);
/* control_statements.c */
void mv_control_get_statements(struct mv_control *c);

#endif
