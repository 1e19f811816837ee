/* Which requests the intake takes: an immutable snapshot made from the scripts' definitions, so that
 * a reload swaps it whole. */
#ifndef MV_HOST_ROUTES_H
#define MV_HOST_ROUTES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"
#include "net/server.h"

/* A custom hook: host.hook(name, {secret=, key=, dedupe=}, fn). */
struct mv_route {
  char *name;
  char *secret; /* NULL: open to anyone */
  char *key;    /* dotted path of the ordering key, or NULL */
  char *dedupe; /* dotted path of what makes a request unique, "body" for all of it, or NULL */
};

struct mv_routes;

/* From mv_vm_definitions; `webhook_secret` NULL: no platform webhooks. Secrets become hidden in
 * `log`. NULL and `err`. */
struct mv_routes *mv_routes_new(json_t *definitions, const char *webhook_secret,
                                struct mv_log *log, struct mv_error *err);
struct mv_routes *mv_routes_retain(struct mv_routes *routes);
void mv_routes_release(struct mv_routes *routes);

/* Whether the call is a platform webhook with the right secret. */
bool mv_routes_is_webhook(const struct mv_routes *routes, const struct mv_call *call);

/* The hook that the call is for, if its secret is right (?secret=, X-Secret, Authorization: Bearer,
 * or /hook/<name>/<secret>), else NULL. */
const struct mv_route *mv_routes_hook(const struct mv_routes *routes, const struct mv_call *call);

#endif
