/* Which requests the intake takes: an immutable snapshot made from the scripts' definitions, so that
 * a reload swaps it whole. */
#ifndef MV_HOST_ROUTES_H
#define MV_HOST_ROUTES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"
#include "host/signature.h"
#include "net/server.h"

/* A custom hook: host.hook(name, {secret=, signature=, key=, dedupe=}, fn). */
struct mv_route {
  char *name;
  char *secret; /* NULL: open to anyone */
  struct mv_signature signature; /* with one, the secret itself opens nothing */
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

/* Whether mv_routes_new would take the definitions. 0, or -1 and `err`, which names the place in the
 * script. */
int mv_routes_check(json_t *definitions, struct mv_error *err);

/* Whether the call is a platform webhook with the right secret. */
bool mv_routes_is_webhook(const struct mv_routes *routes, const struct mv_call *call);

/* The hook of this name, for who needs no secret; or NULL. */
const struct mv_route *mv_routes_named(const struct mv_routes *routes, const char *name);

/* The hook that the call is for, if it may come in, else NULL: its secret is right (?secret=,
 * X-Secret, Authorization: Bearer, or /hook/<name>/<secret>), or its signature is at `now` (ms). */
const struct mv_route *mv_routes_hook(const struct mv_routes *routes, const struct mv_call *call,
                                      int64_t now);

#endif
