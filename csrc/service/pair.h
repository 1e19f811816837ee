/* A host, and if need be a sandbox beside it: neither knows of the other, here they are wired. The
 * sandbox is the host's platform, tells it of messages, and gives it its clock. */
#ifndef MV_SERVICE_PAIR_H
#define MV_SERVICE_PAIR_H

#include <pthread.h>

#include "host/host.h"
#include "sandbox/sandbox.h"
#include "service/config.h"

struct mv_pair {
  pthread_mutex_t lock; /* guards `host` against the sandbox's clock */
  struct mv_sandbox *sandbox;
  struct mv_host *host;
};

/* Nothing runs yet; the struct stays where it is until mv_pair_stop. */
void mv_pair_init(struct mv_pair *pair);

/* `sandbox` NULL: the host alone. Fills in what wires them. 0, or -1 and `err`. */
int mv_pair_start(struct mv_pair *pair, struct mv_sandbox_options *sandbox,
                  struct mv_host_options *host, struct mv_error *err);

/* The same from the settings: with a sandbox if they say so. Without a webhook secret the sandbox is
 * told one that is made up; without a sandbox there are no webhooks of the platform then. `log`
 * instead of theirs. */
int mv_pair_start_config(struct mv_pair *pair, const struct mv_config *config, struct mv_log *log,
                         struct mv_error *err);

/* Stops the host as mv_host_stop does; the sandbox goes on. */
void mv_pair_stop_host(struct mv_pair *pair, bool now);

/* Stops what still runs, at once. Once. */
void mv_pair_stop(struct mv_pair *pair);

#endif
