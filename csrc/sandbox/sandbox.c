#include "sandbox/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sandbox/inside.h"
#include "sandbox/messages.h"
#include "sandbox/projects.h"
#include "sandbox/router.h"
#include "sandbox/seed.h"
#include "sandbox/settings.h"
#include "sandbox/work.h"

enum {
  MOST_RECORDED = 10000, /* entries of the journal */
  MOST_RECORDED_BYTES = 16 << 20,
  MOST_BODY = 64 << 20, /* snapshots are long */
  STOP_MS = 1000,       /* for webhooks under way */
};

static int read_file(const char *path, struct mv_bytes *out, struct mv_error *err) {
  FILE *file = fopen(path, "rbe");
  char part[16384];
  size_t got;
  if (!file) {
    return mv_error_set(err, MV_ERROR_USAGE, "seed %s: %s", path, strerror(errno));
  }
  while ((got = fread(part, 1, sizeof part, file)) > 0) {
    mv_bytes_append(out, part, got);
  }
  bool broken = ferror(file) || out->failed;
  fclose(file);
  return broken ? mv_error_set(err, MV_ERROR_SYSTEM, "seed %s: cannot be read", path) : 0;
}

/* It is held for some microseconds: who waits for it spins a little before it sleeps. */
static void init_lock(pthread_mutex_t *lock) {
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
  pthread_mutex_init(lock, &kind);
  pthread_mutexattr_destroy(&kind);
}

static int seed_empty(struct mv_work *work, const char *path, struct mv_error *err) {
  if (mv_db_integer(work->db, 0, "SELECT count(*) FROM projects", "") > 0) {
    return 0;
  }
  struct mv_bytes text = {0};
  int bad = path && read_file(path, &text, err);
  if (!bad && mv_seed_first(work, path ? text.data : NULL, text.length, err)) {
    bad = path ? mv_error_prefix(err, "seed %s", path) : -1;
  }
  mv_bytes_free(&text);
  return bad;
}

static int prepare(struct mv_sandbox *sandbox, const char *seed, int64_t virtual_now,
                   struct mv_error *err) {
  struct mv_work work;
  struct mv_error other;
  mv_work_begin(&work, sandbox);
  mv_vclock_load(&sandbox->vclock, work.db);
  if (virtual_now) {
    mv_vclock_set(&sandbox->vclock, virtual_now);
    mv_vclock_save(&sandbox->vclock, work.db);
  }
  work.now = mv_clock_wall(sandbox->clock);
  int bad = seed_empty(&work, seed, err);
  mv_messages_continue_ids(&work);
  return mv_work_end(&work, !bad, bad ? &other : err) || bad ? -1 : 0;
}

static int serve(struct mv_sandbox *sandbox, const struct mv_sandbox_options *options,
                 struct mv_error *err) {
  struct mv_server_options server = {
      .listen = options->listen ? options->listen : "127.0.0.1:0",
      .handler = mv_router_handle,
      .owner = sandbox,
      .log = sandbox->log,
      .threads = 1, /* calls take turns at the database: a second would mostly wait, or be woken */
      .max_body = MOST_BODY,
      .tls_cert = options->tls_cert,
      .tls_key = options->tls_key,
  };
  sandbox->server = mv_server_start(&server, err);
  return sandbox->server ? 0 : -1;
}

static int start(struct mv_sandbox *sandbox, const struct mv_sandbox_options *options,
                 struct mv_error *err) {
  sandbox->later = mv_later_start(err);
  if (!sandbox->later) {
    return -1;
  }
  sandbox->record = mv_record_new(MOST_RECORDED, MOST_RECORDED_BYTES, sandbox->later);
  sandbox->facts = mv_facts_new();
  sandbox->faults = mv_faults_new();
  sandbox->limits = mv_limits_new();
  bool in_memory = !options->database || strcmp(options->database, ":memory:") == 0;
  if (in_memory && !(sandbox->touches = mv_touches_new())) {
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  }
  if (!sandbox->record || !sandbox->facts || !sandbox->faults || !sandbox->limits) {
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  }
  if (options->answers &&
      !(sandbox->witness = mv_witness_open(options->answers, sandbox->log, err))) {
    return -1;
  }
  sandbox->outbox =
      mv_outbox_start(sandbox->record, sandbox->later, sandbox->clock, sandbox->log, err);
  if (!sandbox->outbox || prepare(sandbox, options->seed, options->virtual_now, err)) {
    return -1;
  }
  if (options->webhook_url && mv_sandbox_set_webhook(sandbox, options->webhook_url, err)) {
    return -1;
  }
  sandbox->ticker = mv_ticker_start(sandbox, err);
  return sandbox->ticker ? serve(sandbox, options, err) : -1;
}

struct mv_sandbox *mv_sandbox_start(const struct mv_sandbox_options *options,
                                    struct mv_error *err) {
  struct mv_sandbox *sandbox = calloc(1, sizeof *sandbox);
  if (!sandbox) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  init_lock(&sandbox->lock);
  mv_vclock_init(&sandbox->vclock, options->clock);
  sandbox->clock = &sandbox->vclock.face;
  sandbox->clock_changed = options->clock_changed;
  sandbox->owner = options->owner;
  sandbox->log = options->log;
  if (mv_db_open(&sandbox->db, options->database ? options->database : ":memory:", err) ||
      start(sandbox, options, err)) {
    mv_sandbox_stop(sandbox);
    return NULL;
  }
  return sandbox;
}

const struct mv_clock *mv_sandbox_clock(const struct mv_sandbox *sandbox) {
  return sandbox->clock;
}

const char *mv_sandbox_url(const struct mv_sandbox *sandbox) {
  return mv_server_url(sandbox->server);
}

int mv_sandbox_set_webhook(struct mv_sandbox *sandbox, const char *url, struct mv_error *err) {
  struct mv_work work;
  json_t *values = json_pack("{s:s?}", "webhook_url", url);
  mv_work_begin(&work, sandbox);
  work.project = mv_projects_first(work.db);
  int bad = values ? mv_settings_set(&work, values, err)
                   : mv_error_set(err, MV_ERROR_USAGE, "webhook_url: not UTF-8");
  json_decref(values);
  struct mv_error other;
  return mv_work_end(&work, !bad, bad ? &other : err) || bad ? -1 : 0;
}

void mv_sandbox_stop(struct mv_sandbox *sandbox) {
  if (!sandbox) {
    return;
  }
  if (sandbox->server) {
    mv_server_quiesce(sandbox->server);
  }
  mv_ticker_close(sandbox->ticker);
  mv_later_close(sandbox->later);
  if (sandbox->server) {
    mv_server_stop(sandbox->server);
  }
  mv_ticker_free(sandbox->ticker);
  mv_outbox_stop(sandbox->outbox, STOP_MS);
  mv_later_free(sandbox->later);
  mv_facts_free(sandbox->facts);
  mv_touches_free(sandbox->touches);
  mv_faults_free(sandbox->faults);
  mv_limits_free(sandbox->limits);
  if (sandbox->db.sql) {
    mv_db_close(&sandbox->db);
  }
  mv_record_free(sandbox->record);
  mv_witness_close(sandbox->witness);
  pthread_mutex_destroy(&sandbox->lock);
  free(sandbox);
}
