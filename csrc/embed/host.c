/* A host inside a program: its settings and hooks, and who may use it while it runs. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "embed/chosen.h"
#include "embed/failure.h"
#include "embed/hooks.h"
#include "service/pair.h"

enum state { STOPPED, STARTING, RUNNING, STOPPING };

struct mavilua_host {
  struct mv_chosen chosen;
  struct mv_hooks hooks;
  struct mv_log *log;   /* from the start to the stop */
  struct mv_pair pair;  /* likewise */
  atomic_bool hurry;    /* a stop under way waits no longer */
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t changed;
  enum state state;
  unsigned users; /* calls under way that need it to run */
};

mavilua_host *mavilua_host_new(void) {
  mavilua_host *host = calloc(1, sizeof *host);
  if (!host)
    return NULL;
  pthread_mutex_init(&host->lock, NULL);
  pthread_cond_init(&host->changed, NULL);
  return host;
}

void mavilua_host_free(mavilua_host *host) {
  if (!host)
    return;
  mavilua_host_stop(host, 1);
  mv_chosen_free(&host->chosen);
  pthread_cond_destroy(&host->changed);
  pthread_mutex_destroy(&host->lock);
  free(host);
}

/* ---- state -------------------------------------------------------------------------------------- */

static bool is_in(mavilua_host *host, enum state state) {
  pthread_mutex_lock(&host->lock);
  bool is = host->state == state;
  pthread_mutex_unlock(&host->lock);
  return is;
}

static void enter(mavilua_host *host, enum state state) {
  pthread_mutex_lock(&host->lock);
  host->state = state;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->lock);
}

/* Keeps the host running until `leave`. 0, or -1 and `err`. */
static int use(mavilua_host *host, struct mv_error *err) {
  pthread_mutex_lock(&host->lock);
  enum state state = host->state;
  host->users += state == RUNNING;
  pthread_mutex_unlock(&host->lock);
  if (state == STOPPING)
    return mv_error_set(err, MV_ERROR_BUSY, "the host is stopping");
  if (state != RUNNING)
    return mv_error_set(err, MV_ERROR_USAGE, "the host does not run: mavilua_host_start first");
  return 0;
}

static void leave(mavilua_host *host) {
  pthread_mutex_lock(&host->lock);
  host->users--;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->lock);
}

/* Threads started in between have all signals blocked, but for those of their own faults. */
static void block_signals(sigset_t *before) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  sigset_t all;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    sigdelset(&all, faults[i]);
  pthread_sigmask(SIG_BLOCK, &all, before);
}

static void restore_signals(const sigset_t *before) {
  pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* ---- settings ----------------------------------------------------------------------------------- */

static int check_stopped(mavilua_host *host, char **err) {
  mv_failure_none(err);
  if (is_in(host, STOPPED))
    return 0;
  return mv_failure_text(MAVILUA_USAGE, "the host runs: settings and hooks come before its start", err);
}

int mavilua_host_set(mavilua_host *host, const char *name, const char *value, char **err) {
  struct mv_error own = {0};
  int bad = check_stopped(host, err);
  if (bad)
    return bad;
  return mv_chosen_set(&host->chosen, NULL, name, value, &own) ? mv_failure_tell(&own, err) : MAVILUA_OK;
}

int mavilua_host_add_script(mavilua_host *host, const char *path, char **err) {
  struct mv_error own = {0};
  int bad = check_stopped(host, err);
  if (bad)
    return bad;
  return mv_chosen_add_script(&host->chosen, path, &own) ? mv_failure_tell(&own, err) : MAVILUA_OK;
}

int mavilua_host_set_allocator(mavilua_host *host, mavilua_allocate_fn allocate,
                               mavilua_resize_fn resize, mavilua_release_fn release, void *user) {
  int bad = check_stopped(host, NULL);
  if (!bad)
    host->hooks.memory = (struct mv_memory){allocate, resize, release, user};
  return bad;
}

int mavilua_host_set_logger(mavilua_host *host, mavilua_log_fn log, void *user) {
  int bad = check_stopped(host, NULL);
  if (bad)
    return bad;
  host->hooks.log = log;
  host->hooks.log_user = user;
  return MAVILUA_OK;
}

int mavilua_host_set_clock(mavilua_host *host, mavilua_clock_fn wall, mavilua_clock_fn monotonic,
                           void *user) {
  int bad = check_stopped(host, NULL);
  if (!bad)
    host->hooks.clock = (struct mv_clock){wall, monotonic, user};
  return bad;
}

/* ---- start and stop ----------------------------------------------------------------------------- */

/* That the settings are whole and go together. */
static int check(mavilua_host *host, struct mv_error *err) {
  const struct mv_config *config = &host->chosen.config;
  if (mv_chosen_complete(&host->chosen, "admin", err))
    return -1;
  if (!config->host.scripts)
    return mv_error_set(err, MV_ERROR_CONFIG, "a host needs a script: mavilua_host_add_script");
  if (config->sandbox && mv_hooks_clock(&host->hooks))
    return mv_error_set(err, MV_ERROR_CONFIG,
                        "a sandbox brings a clock of its own (sandbox_clock): leave mavilua_host_set_clock out");
  return mv_config_check(config, false, err);
}

static int start(mavilua_host *host, struct mv_error *err) {
  sigset_t before;
  struct mv_config config = host->chosen.config;
  config.host.clock = mv_hooks_clock(&host->hooks);
  config.host.memory = mv_hooks_memory(&host->hooks);
  config.host.hurry = &host->hurry;
  atomic_store(&host->hurry, false);
  host->log = mv_hooks_log(&host->hooks, config.log_level, config.log_json);
  if (!host->log)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  mv_config_hide(&config, host->log);
  mv_pair_init(&host->pair);
  block_signals(&before);
  int failed = mv_pair_start_config(&host->pair, &config, host->log, err);
  restore_signals(&before);
  return failed;
}

/* Ends what `start` began, and forgets it. */
static void end(mavilua_host *host, bool now) {
  mv_pair_stop_host(&host->pair, now);
  mv_pair_stop(&host->pair);
  mv_log_free(host->log);
  host->log = NULL;
}

int mavilua_host_start(mavilua_host *host, char **err) {
  struct mv_error own = {0};
  mv_failure_none(err);
  if (!is_in(host, STOPPED))
    return mv_failure_text(MAVILUA_USAGE, "the host has been started already", err);
  if (check(host, &own))
    return mv_failure_tell(&own, err);
  enter(host, STARTING);
  int failed = start(host, &own);
  if (failed && host->log)
    end(host, true);
  enter(host, failed ? STOPPED : RUNNING);
  return failed ? mv_failure_tell(&own, err) : MAVILUA_OK;
}

/* Waits for who stops it already. Whether it is left to the caller to stop it. */
static bool take_to_stop(mavilua_host *host) {
  pthread_mutex_lock(&host->lock);
  while (host->state == STOPPING || host->state == STARTING)
    pthread_cond_wait(&host->changed, &host->lock);
  bool mine = host->state == RUNNING;
  if (mine)
    host->state = STOPPING;
  while (mine && host->users > 0)
    pthread_cond_wait(&host->changed, &host->lock);
  pthread_mutex_unlock(&host->lock);
  return mine;
}

void mavilua_host_stop(mavilua_host *host, int now) {
  if (now)
    atomic_store(&host->hurry, true);
  if (!take_to_stop(host))
    return;
  end(host, now != 0);
  enter(host, STOPPED);
}

/* ---- while it runs ------------------------------------------------------------------------------ */

/* The pair's parts stay in place from the start to the stop. */
static const char *url_of(mavilua_host *host, const char *(*tell)(const struct mv_pair *pair)) {
  if (use(host, NULL))
    return NULL;
  const char *url = tell(&host->pair);
  leave(host);
  return url;
}

static const char *host_url(const struct mv_pair *pair) {
  return mv_host_url(pair->host);
}

static const char *admin_url(const struct mv_pair *pair) {
  return mv_host_admin_url(pair->host);
}

static const char *sandbox_url(const struct mv_pair *pair) {
  return pair->sandbox ? mv_sandbox_url(pair->sandbox) : NULL;
}

const char *mavilua_host_url(mavilua_host *host) {
  return url_of(host, host_url);
}

const char *mavilua_host_admin_url(mavilua_host *host) {
  return url_of(host, admin_url);
}

const char *mavilua_host_sandbox_url(mavilua_host *host) {
  return url_of(host, sandbox_url);
}

int mavilua_host_port(mavilua_host *host) {
  const char *url = mavilua_host_url(host), *colon = url ? strrchr(url, ':') : NULL;
  return colon ? atoi(colon + 1) : 0;
}

int mavilua_host_post(mavilua_host *host, const char *hook, const void *body, size_t length,
                      int64_t *id, char **err) {
  struct mv_error own = {0};
  int64_t event = 0;
  mv_failure_none(err);
  if (!body && length > 0)
    return mv_failure_text(MAVILUA_USAGE, "the body is NULL, but its length is not 0", err);
  if (use(host, &own))
    return mv_failure_tell(&own, err);
  int failed = mv_host_post(host->pair.host, hook, body, length, &event, &own);
  leave(host);
  if (failed)
    return mv_failure_tell(&own, err);
  if (id)
    *id = event;
  return MAVILUA_OK;
}

int mavilua_host_reload(mavilua_host *host, char **err) {
  struct mv_error own = {0};
  sigset_t before;
  mv_failure_none(err);
  if (use(host, &own))
    return mv_failure_tell(&own, err);
  block_signals(&before);
  int failed = mv_host_reload(host->pair.host, &own);
  restore_signals(&before);
  leave(host);
  return failed ? mv_failure_tell(&own, err) : MAVILUA_OK;
}

void mavilua_host_tick(mavilua_host *host) {
  if (use(host, NULL))
    return;
  mv_host_tick(host->pair.host);
  leave(host);
}
