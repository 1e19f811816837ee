/* The platform on one SQLite file: its HTTP API, its webhooks, and a control API for tests. */
#ifndef MV_SANDBOX_SANDBOX_H
#define MV_SANDBOX_SANDBOX_H

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

struct mv_sandbox;

struct mv_sandbox_options {
  const char *listen;   /* "127.0.0.1:0" */
  const char *database; /* a file, or ":memory:" */
  const char *seed;     /* a JSON file, NULL: the built-in shop; only used for an empty database */
  const char *tls_cert, *tls_key; /* PEM files: HTTPS; both or none */
  const char *webhook_url;      /* where messages are told; NULL: as stored, or nowhere */
  const char *answers;          /* a file that witness.h appends to; NULL: none */
  const struct mv_clock *clock; /* NULL: the machine's */
  int64_t virtual_now; /* ms: a virtual clock that begins here; 0: as stored, or `clock` */
  void (*clock_changed)(void *owner); /* the clock was set, by whom ever; NULL: nobody asks */
  void *owner;
  struct mv_log *log;
};

struct mv_sandbox *mv_sandbox_start(const struct mv_sandbox_options *options, struct mv_error *err);

/* "http://127.0.0.1:43211" */
const char *mv_sandbox_url(const struct mv_sandbox *sandbox);

/* Its time, which may be virtual: `clock_changed` is called after each leap. As long as it runs. */
const struct mv_clock *mv_sandbox_clock(const struct mv_sandbox *sandbox);

/* Sets where messages are told from now on. 0 or -1. */
int mv_sandbox_set_webhook(struct mv_sandbox *sandbox, const char *url, struct mv_error *err);

/* Waits for webhooks under way, up to a second, and frees. */
void mv_sandbox_stop(struct mv_sandbox *sandbox);

#endif
