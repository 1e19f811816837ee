/* `mavilua serve`: the host, and with --sandbox the platform beside it, until it is told to stop. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/notify.h"
#include "service/config.h"
#include "service/pair.h"

#define STUCK_MS 10000 /* beyond what the host takes to stop: something is stuck */

/* What runs, and what has to be given back. */
struct server {
  const struct mv_command *command;
  const struct mv_config *config;
  struct mv_log *log;
  int signals;
  int stopped; /* an eventfd: the host has stopped */
  atomic_bool hurry; /* a second signal came while it stopped */
  struct mv_pair pair;
};

static int start(struct server *s, struct mv_error *err) {
  struct mv_config config = *s->config;
  config.host.hurry = &s->hurry;
  if (mv_pair_start_config(&s->pair, &config, s->log, err))
    return -1;
  if (s->pair.sandbox)
    mv_cli_ready("mavilua: sandbox ready at %s", mv_sandbox_url(s->pair.sandbox));
  mv_cli_ready("mavilua: host ready at %s (admin %s)", mv_host_url(s->pair.host),
               mv_host_admin_url(s->pair.host));
  mv_notify("READY=1");
  return 0;
}

static void *stop_host(void *owner) {
  struct server *s = owner;
  uint64_t one = 1;
  mv_pair_stop_host(&s->pair, false);
  (void)!write(s->stopped, &one, sizeof one);
  return NULL;
}

/* A call into C that does not come back cannot be broken off; the process has to end without it. */
static void leave(struct server *s) {
  mv_log(s->log, MV_LOG_ERROR, NULL,
         "a handler does not come back from a call into C (a slow pattern, a __gc metamethod); leaving "
         "without it: what is under way counts as crashed");
  _exit(EX_SOFTWARE);
}

/* Takes a signal that came while the host stops; until when (ms, monotonic) it may take. */
static int64_t hear(struct server *s, int64_t until) {
  if (mv_cli_wait_signal(s->signals) == SIGHUP)
    return until;
  if (!atomic_exchange(&s->hurry, true))
    return mv_clock_monotonic(NULL) + STUCK_MS;
  return until;
}

/* Waits for running handlers, unless a second signal comes. Signals are this thread's alone, so the
 * stopping is done by another. */
static void stop_gently(struct server *s) {
  pthread_t thread;
  int64_t until = mv_clock_monotonic(NULL) + (int64_t)(s->config->host.stop_timeout * 1000) + STUCK_MS;
  s->stopped = eventfd(0, EFD_CLOEXEC);
  if (s->stopped < 0 || pthread_create(&thread, NULL, stop_host, s)) {
    mv_pair_stop_host(&s->pair, false);
    return;
  }
  struct pollfd waits[] = {{s->signals, POLLIN, 0}, {s->stopped, POLLIN, 0}};
  while (!(waits[1].revents & POLLIN)) {
    if (poll(waits, 2, 500) > 0 && waits[0].revents & POLLIN)
      until = hear(s, until);
    else if (mv_clock_monotonic(NULL) > until)
      leave(s);
  }
  pthread_join(thread, NULL);
  close(s->stopped);
}

static void serve_until_told(struct server *s) {
  while (mv_cli_wait_signal(s->signals) == SIGHUP) {
    mv_notify_reloading();
    mv_host_reload(s->pair.host, NULL); /* a failure is in the log, and the old scripts go on */
    mv_notify("READY=1");
  }
  mv_notify("STOPPING=1");
  mv_log(s->log, MV_LOG_INFO, NULL, "stopping; a second signal stops at once");
  stop_gently(s);
}

static int serve(struct server *s) {
  struct mv_error err = {0};
  int status = EX_OK;
  mv_cli_more_files();
  s->signals = mv_cli_signals(&err);
  if (s->signals < 0)
    return mv_cli_fail_with(s->command, &err);
  mv_pair_init(&s->pair);
  if (start(s, &err))
    status = mv_cli_fail_with(s->command, &err);
  else
    serve_until_told(s);
  mv_pair_stop(&s->pair);
  close(s->signals);
  return status;
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  struct server s = {.command = command, .config = given};
  (void)operands; /* they are in the configuration */
  int bad = mv_cli_check_config(command, s.config, true);
  if (bad)
    return bad;
  s.log = mv_cli_log(s.config->log_level, s.config->log_json);
  mv_config_hide(s.config, s.log);
  int status = serve(&s);
  mv_log_free(s.log);
  return status;
}

const struct mv_command mv_command_serve = {
    .name = "serve",
    .operands = "SCRIPT…",
    .least = 1,
    .most = -1,
    .doc = "run scripts for every webhook and on schedules",
    .more = "Webhooks arrive at POST /webhook/SECRET, custom hooks at /hook/NAME. The API key comes from\n"
            "MAVILUA_API_KEY or MAVILUA_API_KEY_FILE. HUP loads the scripts anew, TERM and INT stop; a second\n"
            "one stops at once. What the options do not give comes from the environment, then from\n"
            "mavilua.conf.lua (tls_cert = \"…\" is --tls-cert); --no-watch switches --watch off.\n\n"
            "  mavilua serve --sandbox bot.lua\n"
            "  MAVILUA_WEBHOOK_SECRET=… MAVILUA_API_KEY=… mavilua serve bot.lua\n",
    .configured = true,
    .flags = mv_config_rows,
    .size = sizeof(struct mv_config),
    .run = run,
};
