/* The intake: takes webhooks and hook calls and answers when they are in the journal.
 *
 *   POST /webhook/<secret>      the platform; a JSON object, one message
 *   GET|POST /hook/<name>       custom hooks of the scripts
 *
 * Whatever is wrong with path or secret is answered alike: 404. */
#ifndef MV_HOST_INTAKE_H
#define MV_HOST_INTAKE_H

#include "base/clock.h"
#include "host/gap.h"
#include "host/journal.h"
#include "host/metrics.h"
#include "host/routes.h"
#include "host/waiters.h"

struct mv_intake;

struct mv_intake_options {
  struct mv_journal *journal;
  struct mv_waiters *waiters;
  struct mv_metrics *metrics;
  struct mv_log *log;
  const struct mv_clock *clock; /* NULL: the machine's */
  struct mv_gap *gap;           /* told of webhooks that are not stored */
};

struct mv_intake *mv_intake_new(const struct mv_intake_options *options);
void mv_intake_free(struct mv_intake *intake); /* after the server */

/* From now on these routes; takes the reference over. Until the first call all is 404. */
void mv_intake_route(struct mv_intake *intake, struct mv_routes *routes);

/* An mv_server_options.refused: counts what never reached mv_intake_handle. */
void mv_intake_refused(void *owner, unsigned status);

/* See mv_host_post; `err` is not NULL. */
int mv_intake_post(struct mv_intake *intake, const char *hook, const void *body, size_t length,
                   int64_t *id, struct mv_error *err);

/* The listener's handler; `owner` is the intake. */
void mv_intake_handle(struct mv_call *call, void *owner);

#endif
