/* The host: runs scripts per incoming webhook and on a schedule. What it has acknowledged is on
 * disk; what is on disk is run; what could not run is visible. */
#ifndef MV_HOST_HOST_H
#define MV_HOST_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

struct mv_host;

#define MV_HOST_STOP_TIMEOUT 30 /* seconds */

struct mv_host_options {
  const char *listen;         /* webhooks; "127.0.0.1:8080" */
  const char *admin;          /* health, metrics, operations; "127.0.0.1:8081"; NULL: none */
  const char *admin_token;    /* needed when `admin` is not on loopback */
  const char *database;       /* a file; ":memory:" for tests */
  const char *webhook_secret; /* of POST /webhook/<secret>; NULL: no platform webhooks */
  const char *api_key, *base_url; /* defaults of mavilua.client; NULL: environment */
  const char *const *scripts; /* NULL-terminated */
  unsigned workers;           /* 0: number of cores */
  unsigned concurrency;       /* runs at once on a worker; 0: 256 */
  size_t max_body;            /* 0: 1 MiB */
  unsigned connections, per_address, idle_timeout; /* of `listen`; see mv_server_options */
  size_t memory_limit;        /* bytes a worker; 0: 256 MiB */
  double wall_limit, cpu_limit; /* seconds; 0: 60 and 2 */
  double stop_timeout;        /* seconds running handlers get; 0: MV_HOST_STOP_TIMEOUT */
  double keep_done, keep_skipped, keep_dead; /* seconds; 0: 7, 7 and 90 days */
  size_t max_db;              /* bytes of the database above which done ones go early; 0: none */
  bool watch;                 /* reload when a script file changes */
  const char *tls_cert, *tls_key; /* PEM files for `listen`; NULL: plain HTTP */
  const atomic_bool *hurry;   /* once true, a stop under way waits no longer; a signal handler may
                                 set it. NULL: none */
  const struct mv_clock *clock;
  bool clock_told;            /* mv_host_tick follows each leap of the clock; otherwise it is looked
                                 at again and again, if it is not the machine's */
  const struct mv_memory *memory; /* of the scripts' states; NULL: the C library's. Outlives the host */
  struct mv_log *log;
};

/* Opens the database, loads the scripts on every worker, listens. NULL and `err`. */
struct mv_host *mv_host_start(const struct mv_host_options *options, struct mv_error *err);

const char *mv_host_url(const struct mv_host *host);       /* "http://127.0.0.1:8080" */
const char *mv_host_admin_url(const struct mv_host *host); /* "http://127.0.0.1:8081"; NULL: none */

/* Loads the scripts anew beside the old ones and switches over when they are good. 0, or -1. */
int mv_host_reload(struct mv_host *host, struct mv_error *err);

/* Takes an event that the program itself brings, through the door of requests: with the hook's key
 * and dedupe (`hook` NULL: a webhook of the platform). 0 when it is on disk, and *id is its id, or
 * that of the event it duplicates. -1 and `err`: USAGE (too large, no webhook), NOT_FOUND (no such
 * hook), BUSY or SYSTEM (not stored). Any thread of the program; waits for the commit. */
int mv_host_post(struct mv_host *host, const char *hook, const void *body, size_t length,
                 int64_t *id, struct mv_error *err);

/* The clock has leapt: the schedules' moments that are due by now have their events when this
 * returns, and these, with due jobs and retries, are on their way. Any thread. */
void mv_host_tick(struct mv_host *host);

/* Closes the listener, waits for running handlers (at most stop_timeout; 0 with `now`), leaves the
 * rest for the next start, and frees. */
void mv_host_stop(struct mv_host *host, bool now);

/* Loads the scripts without running anything: their definitions (see mv_vm_definitions), with
 * everything that keeps a host from serving them added to the array `faults`, each a string that
 * begins with the place. NULL and `err` (CONFIG) when nothing is registered and nothing is wrong
 * either, or nothing could be looked at. For `mavilua check`. */
json_t *mv_host_check(const char *const *scripts, struct mv_log *log, json_t *faults,
                      struct mv_error *err);

#endif
