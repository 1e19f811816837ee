/* The admin's listener: health, metrics, and what an operator sees and does. JSON.
 *
 *   GET  /healthz  /readyz  /metrics  /api/summary  /api/schedules  /api/handlers
 *
 * and what operate.h has. */
#ifndef MV_HOST_ADMIN_H
#define MV_HOST_ADMIN_H

#include <jansson.h>

#include "host/journal.h"
#include "host/metrics.h"
#include "host/planner.h"

struct mv_admin;

struct mv_admin_options {
  const char *listen;
  const char *token; /* asked for as "Authorization: Bearer …"; NULL: not, then only on loopback */
  const struct mv_clock *clock;
  struct mv_log *log;
  struct mv_journal *journal;
  struct mv_planner *planner;
  struct mv_metrics *metrics;
  void *owner; /* handed to the functions below */
  bool (*ready)(void *owner);
  json_t *(*definitions)(void *owner); /* new reference, without secrets */
  void (*gauges)(void *owner);         /* sets the workers' metrics */
};

/* Listens. NULL and `err`. */
struct mv_admin *mv_admin_start(const struct mv_admin_options *options, struct mv_error *err);
const char *mv_admin_url(const struct mv_admin *admin);
void mv_admin_stop(struct mv_admin *admin); /* before mv_journal_free; NULL is fine */

#endif
