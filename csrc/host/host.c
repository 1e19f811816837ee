#include "host/host.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/admin.h"
#include "host/definitions.h"
#include "host/gap.h"
#include "host/generation.h"
#include "host/intake.h"
#include "host/journal.h"
#include "host/planner.h"
#include "host/settings.h"
#include "host/watch.h"
#include "net/server.h"

#define HOOK_PATIENCE_MS 10000
#define STOP_POLL_MS 5
#define MAX_HEAD ((size_t)8 << 10) /* of senders of webhooks; each request costs as much memory cleared */

struct mv_host {
  struct mv_settings settings; /* the options, copied and completed */
  struct mv_log *log;
  struct mv_metrics *metrics;
  struct mv_waiters *waiters;
  struct mv_limiter *limiter;
  struct mv_journal *journal;
  struct mv_planner *planner;
  struct mv_gap *gap;
  struct mv_intake *intake;
  struct mv_server *server;
  struct mv_admin *admin;
  struct mv_watch *watch;
  struct mv_worker_shared shared;
  pthread_mutex_t reload_lock; /* one reload at a time */
  pthread_mutex_t lock;        /* guards what follows */
  struct mv_generation *current;
  struct mv_generation *retired; /* they finish what they have */
  json_t *definitions;           /* never changed, only replaced; without secrets */
  bool ready;
};

/* ---- what the parts ask of the host --------------------------------------------------------- */

/* On the journal's thread. */
static void deliver(void *owner, unsigned worker, struct mv_event *events) {
  struct mv_host *host = owner;
  pthread_mutex_lock(&host->lock);
  struct mv_worker *to = host->current->workers[worker];
  pthread_mutex_unlock(&host->lock);
  mv_worker_deliver(to, events);
}

/* On the journal's thread. The run may be on workers that finish what they have. */
static void stop_run(void *owner, int64_t id, int64_t token) {
  struct mv_host *host = owner;
  pthread_mutex_lock(&host->lock);
  if (host->current)
    mv_generation_cancel(host->current, id, token);
  for (struct mv_generation *each = host->retired; each; each = each->next)
    mv_generation_cancel(each, id, token);
  pthread_mutex_unlock(&host->lock);
}

/* On the journal's thread. */
static bool is_busy(void *owner) {
  struct mv_host *host = owner;
  pthread_mutex_lock(&host->lock);
  bool busy = host->current && mv_generation_busy(host->current);
  pthread_mutex_unlock(&host->lock);
  return busy;
}

/* On the journal's thread. */
static void beat(void *owner, struct mv_journal *journal) {
  struct mv_host *host = owner;
  mv_gap_beat(host->gap, journal);
}

static bool next_stuck(struct mv_host *host, struct mv_vm_stuck *out) {
  pthread_mutex_lock(&host->lock);
  bool stuck = host->current && mv_generation_stuck(host->current, out);
  for (struct mv_generation *each = host->retired; each && !stuck; each = each->next)
    stuck = mv_generation_stuck(each, out);
  pthread_mutex_unlock(&host->lock);
  return stuck;
}

/* On the planner's thread. */
static void tell_stuck(void *owner) {
  struct mv_host *host = owner;
  struct mv_vm_stuck stuck;
  while (next_stuck(host, &stuck)) {
    json_t *fields = json_pack("{s:I, s:i, s:s}", "event", (json_int_t)stuck.event, "attempt",
                               stuck.attempt, "handler", stuck.handler);
    mv_metrics_add(host->metrics, MV_METRIC_STUCK, stuck.handler, NULL, 1);
    mv_log(host->log, MV_LOG_WARN, fields,
           "the handler has run for %.1f s without waiting, over its limit of %g s, and cannot be "
           "stopped: is it in one call into C, such as string.find with a slow pattern? Its worker "
           "does nothing else meanwhile",
           stuck.seconds, stuck.limit);
  }
}

static bool is_ready(void *owner) {
  struct mv_host *host = owner;
  pthread_mutex_lock(&host->lock);
  bool ready = host->ready;
  pthread_mutex_unlock(&host->lock);
  return ready;
}

static void set_ready(struct mv_host *host, bool ready) {
  pthread_mutex_lock(&host->lock);
  host->ready = ready;
  pthread_mutex_unlock(&host->lock);
}

static json_t *definitions(void *owner) {
  struct mv_host *host = owner;
  pthread_mutex_lock(&host->lock);
  json_t *known = json_incref(host->definitions);
  pthread_mutex_unlock(&host->lock);
  return known;
}

static void set_gauges(void *owner) {
  struct mv_host *host = owner;
  char name[16];
  int64_t day = mv_clock_wall(host->settings.options.clock) / 86400000;
  mv_metrics_add_today(host->metrics, MV_METRIC_API_QUOTA, day, 0);
  pthread_mutex_lock(&host->lock);
  for (unsigned i = 0; host->current && i < host->current->count; i++) {
    const struct mv_worker *worker = host->current->workers[i];
    snprintf(name, sizeof name, "%u", i);
    mv_metrics_set(host->metrics, MV_METRIC_RUNNING, name, NULL, (double)mv_worker_running(worker));
    mv_metrics_set(host->metrics, MV_METRIC_LUA_BYTES, name, NULL, (double)mv_worker_memory(worker));
  }
  pthread_mutex_unlock(&host->lock);
}

/* ---- a version of the scripts --------------------------------------------------------------- */

/* What a version of the scripts brings, complete and checked before anything is switched over. */
struct version {
  struct mv_generation *generation;
  struct mv_routes *routes;
  json_t *definitions; /* as the scripts gave them */
  json_t *shown;       /* without secrets */
};

static json_t *without_secrets(json_t *definitions) {
  json_t *copy = json_deep_copy(definitions), *hook;
  size_t index;
  json_array_foreach(json_object_get(copy, "hooks"), index, hook) {
    bool secret = json_is_string(json_object_get(hook, "secret"));
    json_object_set_new(hook, "secret", json_boolean(secret));
  }
  return copy;
}

/* Gives up a version that never served. */
static void version_drop(struct version *version) {
  if (version->generation) {
    mv_generation_stop(version->generation, 0);
    mv_generation_free(version->generation);
  }
  mv_routes_release(version->routes);
  json_decref(version->shown);
}

static int version_load(struct mv_host *host, struct version *version, struct mv_error *err) {
  memset(version, 0, sizeof *version);
  version->generation = mv_generation_start(&host->shared, host->settings.options.workers, err);
  if (!version->generation)
    return -1;
  version->definitions = mv_worker_definitions(version->generation->workers[0]);
  version->shown = without_secrets(version->definitions);
  if (mv_definitions_check(version->definitions, err) == 0)
    version->routes = mv_routes_new(version->definitions, host->settings.options.webhook_secret,
                                    host->log, err);
  if (version->routes)
    return 0;
  version_drop(version);
  return -1;
}

/* Under the lock, so that a run can be found at any time. */
static void retire(struct mv_host *host, struct mv_generation *generation) {
  if (!generation)
    return;
  generation->next = host->retired;
  host->retired = generation;
}

/* Frees the retired generations that are through. */
static void reap(struct mv_host *host) {
  struct mv_generation *ended = NULL;
  pthread_mutex_lock(&host->lock);
  for (struct mv_generation **slot = &host->retired; *slot;) {
    struct mv_generation *generation = *slot;
    if (!mv_generation_ended(generation)) {
      slot = &generation->next;
      continue;
    }
    *slot = generation->next;
    generation->next = ended;
    ended = generation;
  }
  pthread_mutex_unlock(&host->lock);
  while (ended) {
    struct mv_generation *next = ended->next;
    mv_generation_free(ended);
    ended = next;
  }
}

/* Inside a transaction. `context`: the definitions. */
static int note_reports(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                        struct mv_error *err) {
  const json_t *definitions = context;
  (void)now, (void)wake_at;
  return mv_store_report_dead(store, json_array_size(json_object_get(definitions, "reports")) > 0,
                              err);
}

/* Switches over: events delivered from now on go to the new version. Takes it over; on failure it
 * is dropped and the old one goes on. */
static int version_install(struct mv_host *host, struct version *version, struct mv_error *err) {
  mv_journal_pause(host->journal, true);
  if (mv_planner_load(host->planner, version->definitions, err) ||
      mv_journal_call_wait(host->journal, note_reports, version->definitions, err)) {
    if (host->current)
      mv_journal_pause(host->journal, false);
    version_drop(version);
    return -1;
  }
  pthread_mutex_lock(&host->lock);
  struct mv_generation *old = host->current;
  json_t *old_definitions = host->definitions;
  host->current = version->generation;
  host->definitions = version->shown;
  mv_gap_load(host->gap, host->definitions);
  retire(host, old);
  pthread_mutex_unlock(&host->lock);
  json_decref(old_definitions);
  mv_intake_route(host->intake, version->routes);
  mv_journal_pause(host->journal, false);
  if (old)
    mv_generation_drain(old);
  return 0;
}

static int install_scripts(struct mv_host *host, struct mv_error *err) {
  struct version version;
  if (version_load(host, &version, err))
    return -1;
  return version_install(host, &version, err);
}

int mv_host_reload(struct mv_host *host, struct mv_error *err) {
  struct mv_error own = {0};
  pthread_mutex_lock(&host->reload_lock);
  reap(host);
  int failed = install_scripts(host, &own);
  mv_metrics_add(host->metrics, MV_METRIC_RELOADS, failed ? "failed" : "ok", NULL, 1);
  if (failed)
    mv_log(host->log, MV_LOG_ERROR, NULL, "reload: %s; the scripts loaded before go on", own.text);
  else
    mv_log(host->log, MV_LOG_INFO, NULL, "scripts reloaded");
  pthread_mutex_unlock(&host->reload_lock);
  if (err)
    *err = own;
  return failed;
}

static void scripts_changed(void *owner) {
  mv_host_reload(owner, NULL);
}

/* ---- start ---------------------------------------------------------------------------------- */

static int start_journal(struct mv_host *host, struct mv_error *err) {
  const struct mv_host_options *o = &host->settings.options;
  struct mv_journal_options options = {.store = {.path = o->database},
                                       .limits = {.done_ms = (int64_t)(o->keep_done * 1000),
                                                  .skipped_ms = (int64_t)(o->keep_skipped * 1000),
                                                  .dead_ms = (int64_t)(o->keep_dead * 1000),
                                                  .max_bytes = (int64_t)o->max_db},
                                       .clock = o->clock,
                                       .log = host->log,
                                       .metrics = host->metrics,
                                       .workers = o->workers,
                                       .concurrency = o->concurrency,
                                       .paused = true,
                                       .owner = host,
                                       .deliver = deliver,
                                       .stop = stop_run,
                                       .busy = is_busy,
                                       .beat = beat};
  host->journal = mv_journal_start(&options, err);
  return host->journal ? 0 : -1;
}

static int start_planner(struct mv_host *host, struct mv_error *err) {
  struct mv_planner_options options = {.journal = host->journal, .metrics = host->metrics,
                                       .log = host->log, .clock = host->settings.options.clock,
                                       .clock_told = host->settings.options.clock_told,
                                       .look = tell_stuck, .owner = host};
  host->planner = mv_planner_start(&options, err);
  return host->planner ? 0 : -1;
}

static int make_intake(struct mv_host *host, struct mv_error *err) {
  struct mv_intake_options options = {.journal = host->journal, .waiters = host->waiters,
                                      .metrics = host->metrics, .log = host->log,
                                      .clock = host->settings.options.clock, .gap = host->gap};
  host->intake = mv_intake_new(&options);
  return host->intake ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

static void watch_modules(void *owner, const json_t *modules) {
  struct mv_host *host = owner;
  size_t index;
  json_t *path;
  json_array_foreach(modules, index, path)
    if (host->watch)
      mv_watch_add(host->watch, json_string_value(path));
}

static void share_with_workers(struct mv_host *host) {
  const struct mv_host_options *o = &host->settings.options;
  host->shared = (struct mv_worker_shared){.journal = host->journal,
                                           .waiters = host->waiters,
                                           .limiter = host->limiter,
                                           .metrics = host->metrics,
                                           .log = host->log,
                                           .vm = {.clock = o->clock,
                                                  .log = host->log,
                                                  .memory = o->memory,
                                                  .memory_limit = o->memory_limit,
                                                  .cpu_limit = o->cpu_limit,
                                                  .wall_limit = o->wall_limit,
                                                  .api_key = o->api_key,
                                                  .base_url = o->base_url},
                                           .scripts = o->scripts,
                                           .owner = host,
                                           .loaded = watch_modules};
}

static int start_listeners(struct mv_host *host, struct mv_error *err) {
  const struct mv_host_options *o = &host->settings.options;
  struct mv_server_options server = {.listen = o->listen, .handler = mv_intake_handle,
                                     .refused = mv_intake_refused,
                                     .owner = host->intake, .log = host->log,
                                     .max_body = o->max_body, .max_head = MAX_HEAD,
                                     .connections = o->connections,
                                     .per_address = o->per_address,
                                     .idle_timeout = o->idle_timeout, .tls_cert = o->tls_cert,
                                     .tls_key = o->tls_key};
  struct mv_admin_options admin = {.listen = o->admin, .token = o->admin_token, .clock = o->clock,
                                   .log = host->log, .journal = host->journal,
                                   .planner = host->planner, .metrics = host->metrics,
                                   .owner = host, .ready = is_ready,
                                   .definitions = definitions, .gauges = set_gauges};
  if (o->admin && !(host->admin = mv_admin_start(&admin, err)))
    return -1;
  host->server = mv_server_start(&server, err);
  return host->server ? 0 : -1;
}

static int start_watch(struct mv_host *host, struct mv_error *err) {
  const struct mv_host_options *o = &host->settings.options;
  if (!o->watch)
    return 0;
  host->watch = mv_watch_start(scripts_changed, host, err);
  for (const char *const *script = o->scripts; host->watch && *script; script++)
    mv_watch_add(host->watch, *script);
  return host->watch ? 0 : -1;
}

/* The watch comes before what it watches: what changes meanwhile is loaded after this. */
static int load_first(struct mv_host *host, struct mv_error *err) {
  pthread_mutex_lock(&host->reload_lock);
  int failed = start_watch(host, err) || install_scripts(host, err) ? -1 : 0;
  pthread_mutex_unlock(&host->reload_lock);
  return failed;
}

static int start_all(struct mv_host *host, struct mv_error *err) {
  if (start_journal(host, err) || start_planner(host, err) || make_intake(host, err))
    return -1;
  share_with_workers(host);
  if (load_first(host, err) || start_listeners(host, err))
    return -1;
  if (mv_journal_last_accepted(host->journal) > 0)
    mv_gap_open(host->gap, mv_journal_last_accepted(host->journal), "down");
  mv_gap_beat(host->gap, host->journal);
  set_ready(host, true);
  return 0;
}

static struct mv_host *make(const struct mv_host_options *options, struct mv_error *err) {
  struct mv_host *host = calloc(1, sizeof *host);
  if (!host) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  pthread_mutex_init(&host->reload_lock, NULL);
  pthread_mutex_init(&host->lock, NULL);
  host->log = options->log;
  host->metrics = mv_metrics_new();
  host->waiters = mv_waiters_new(HOOK_PATIENCE_MS);
  host->gap = mv_gap_new(options->log, options->clock);
  host->limiter = mv_limiter_new();
  bool made = host->metrics && host->waiters && host->gap && host->limiter;
  if (made && mv_settings_init(&host->settings, options, err) == 0)
    return host;
  if (!made)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  mv_host_stop(host, true);
  return NULL;
}

struct mv_host *mv_host_start(const struct mv_host_options *options, struct mv_error *err) {
  struct mv_host *host = make(options, err);
  if (host && start_all(host, err)) {
    mv_host_stop(host, true);
    host = NULL;
  }
  return host;
}

int mv_host_post(struct mv_host *host, const char *hook, const void *body, size_t length,
                 int64_t *id, struct mv_error *err) {
  size_t most = host->settings.options.max_body;
  if (length > most)
    return mv_error_set(err, MV_ERROR_USAGE, "the body has %zu bytes, max_body allows %zu", length, most);
  return mv_intake_post(host->intake, hook, body, length, id, err);
}

/* The transaction that holds this claims what is due. */
static int nothing(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                   struct mv_error *err) {
  (void)store, (void)context, (void)now, (void)wake_at, (void)err;
  return 0;
}

void mv_host_tick(struct mv_host *host) {
  mv_planner_tick(host->planner);
  mv_journal_call_wait(host->journal, nothing, NULL, NULL);
}

const char *mv_host_url(const struct mv_host *host) {
  return mv_server_url(host->server);
}

const char *mv_host_admin_url(const struct mv_host *host) {
  return host->admin ? mv_admin_url(host->admin) : NULL;
}

/* ---- stop ----------------------------------------------------------------------------------- */

/* Moves all generations into `retired` and tells them to end. */
static void stop_workers(struct mv_host *host, int64_t deadline) {
  pthread_mutex_lock(&host->lock);
  if (host->current) {
    host->current->next = host->retired;
    host->retired = host->current;
    host->current = NULL;
  }
  for (struct mv_generation *each = host->retired; each; each = each->next)
    mv_generation_stop(each, deadline);
  pthread_mutex_unlock(&host->lock);
}

static bool in_a_hurry(const struct mv_host *host) {
  const atomic_bool *hurry = host->settings.options.hurry;
  return hurry && atomic_load(hurry);
}

static void wait_for_workers(struct mv_host *host) {
  const struct timespec poll = {.tv_nsec = STOP_POLL_MS * 1000000L};
  for (reap(host); host->retired; reap(host)) {
    if (in_a_hurry(host))
      stop_workers(host, 0);
    nanosleep(&poll, NULL);
  }
}

/* From the outside in: nothing comes any more, nothing begins any more, what runs may end. */
static void stop_running(struct mv_host *host, bool now) {
  double patience = now ? 0 : host->settings.options.stop_timeout;
  mv_watch_stop(host->watch);
  set_ready(host, false);
  if (host->server)
    mv_server_quiesce(host->server);
  mv_planner_stop(host->planner);
  if (host->journal)
    mv_journal_pause(host->journal, true);
  stop_workers(host, mv_clock_monotonic(NULL) + (int64_t)(patience * 1000));
  wait_for_workers(host);
}

void mv_host_stop(struct mv_host *host, bool now) {
  if (!host)
    return;
  stop_running(host, now);
  mv_admin_stop(host->admin);
  if (host->journal)
    mv_journal_stop(host->journal);
  if (host->waiters)
    mv_waiters_flush(host->waiters);
  mv_server_stop(host->server);
  mv_journal_free(host->journal);
  mv_gap_free(host->gap);
  mv_planner_free(host->planner);
  mv_intake_free(host->intake);
  mv_waiters_free(host->waiters);
  mv_limiter_free(host->limiter);
  mv_metrics_free(host->metrics);
  json_decref(host->definitions);
  mv_settings_free(&host->settings);
  pthread_mutex_destroy(&host->lock);
  pthread_mutex_destroy(&host->reload_lock);
  free(host);
}
