#include "service/pair.h"

#include <string.h>

#include "base/bytes.h"
#include "time/moment.h"

/* On the thread that set the sandbox's clock. */
static void clock_changed(void *owner) {
  struct mv_pair *pair = owner;
  pthread_mutex_lock(&pair->lock);
  if (pair->host)
    mv_host_tick(pair->host);
  pthread_mutex_unlock(&pair->lock);
}

static int start_sandbox(struct mv_pair *pair, struct mv_sandbox_options *options,
                         struct mv_error *err) {
  options->clock_changed = clock_changed;
  options->owner = pair;
  pair->sandbox = mv_sandbox_start(options, err);
  return pair->sandbox ? 0 : mv_error_prefix(err, "sandbox");
}

static int start_host(struct mv_pair *pair, struct mv_host_options *options, struct mv_error *err) {
  if (pair->sandbox) {
    options->api_key = "sandbox";
    options->base_url = mv_sandbox_url(pair->sandbox);
    options->clock = mv_sandbox_clock(pair->sandbox);
    options->clock_told = true;
  }
  struct mv_host *host = mv_host_start(options, err);
  pthread_mutex_lock(&pair->lock);
  pair->host = host;
  pthread_mutex_unlock(&pair->lock);
  return host ? 0 : -1;
}

static int wire(struct mv_pair *pair, const char *secret, struct mv_error *err) {
  struct mv_bytes url = {0};
  mv_bytes_printf(&url, "%s/webhook/%s", mv_host_url(pair->host), secret);
  int failed = url.failed ? mv_error_set(err, MV_ERROR_SYSTEM, "out of memory")
                          : mv_sandbox_set_webhook(pair->sandbox, url.data, err);
  mv_bytes_free(&url);
  return failed;
}

void mv_pair_init(struct mv_pair *pair) {
  *pair = (struct mv_pair){.host = NULL};
  pthread_mutex_init(&pair->lock, NULL);
}

int mv_pair_start(struct mv_pair *pair, struct mv_sandbox_options *sandbox,
                  struct mv_host_options *host, struct mv_error *err) {
  if ((sandbox && start_sandbox(pair, sandbox, err)) || start_host(pair, host, err))
    return -1;
  return sandbox ? wire(pair, host->webhook_secret, err) : 0;
}

int mv_pair_start_config(struct mv_pair *pair, const struct mv_config *config, struct mv_log *log,
                         struct mv_error *err) {
  struct mv_sandbox_options sandbox = config->platform;
  struct mv_host_options host = config->host;
  char secret[33];
  host.log = sandbox.log = log;
  if (!config->sandbox)
    return mv_pair_start(pair, NULL, &host, err);
  if (mv_moment_clock(config->sandbox_clock, &sandbox.virtual_now, err))
    return -1;
  if (!host.webhook_secret) {
    if (mv_random_hex(secret, 16))
      return mv_error_set(err, MV_ERROR_SYSTEM, "no random bytes");
    mv_log_hide(log, secret);
    host.webhook_secret = secret;
  }
  return mv_pair_start(pair, &sandbox, &host, err);
}

void mv_pair_stop_host(struct mv_pair *pair, bool now) {
  pthread_mutex_lock(&pair->lock);
  struct mv_host *host = pair->host;
  pair->host = NULL;
  pthread_mutex_unlock(&pair->lock);
  mv_host_stop(host, now);
}

void mv_pair_stop(struct mv_pair *pair) {
  mv_pair_stop_host(pair, true);
  mv_sandbox_stop(pair->sandbox);
  pair->sandbox = NULL;
  pthread_mutex_destroy(&pair->lock);
}
