/* `mavilua serve`: the host, and with --sandbox the platform beside it, until it is told to stop. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/pair.h"
#include "cli/script.h"
#include "time/moment.h"

#define SHORTEST_SECRET 16
#define STUCK_MS 10000 /* beyond what the host takes to stop: something is stuck */

struct options {
  const char *listen, *tls_cert, *tls_key, *admin, *admin_token, *db;
  long connections, per_address, idle_timeout, workers;
  bool watch;
  const char *webhook_secret;
  bool sandbox;
  const char *sandbox_listen, *sandbox_db, *sandbox_seed, *sandbox_clock, *sandbox_answers;
  const char *log_level;
  bool log_json;
};

static const struct mv_flag flags[] = {
    {"listen", 0, MV_FLAG_ADDRESS, "ADDRESS:PORT", "127.0.0.1:8080", "MAVILUA_LISTEN", 0, 0,
     offsetof(struct options, listen), "where webhooks arrive"},
    {"tls-cert", 0, MV_FLAG_TEXT, "FILE", NULL, "MAVILUA_TLS_CERT", 0, 0, offsetof(struct options, tls_cert),
     "the certificate (PEM) with which --listen speaks TLS; with --tls-key"},
    {"tls-key", 0, MV_FLAG_TEXT, "FILE", NULL, "MAVILUA_TLS_KEY", 0, 0, offsetof(struct options, tls_key),
     "its private key (PEM)"},
    {"connections", 0, MV_FLAG_NUMBER, "N", "0", "MAVILUA_CONNECTIONS", 0, 1000000,
     offsetof(struct options, connections),
     "most at once at --listen; 0: 8192, or half of the files the process may open"},
    {"per-address", 0, MV_FLAG_NUMBER, "N", "0", "MAVILUA_PER_ADDRESS", 0, 1000000,
     offsetof(struct options, per_address),
     "most of them from one address; 0: half, as a proxy in front is one address"},
    {"idle-timeout", 0, MV_FLAG_NUMBER, "SECONDS", "30", "MAVILUA_IDLE_TIMEOUT", 1, 3600,
     offsetof(struct options, idle_timeout),
     "a connection that sends nothing for so long is closed; headers may take twice, a body four times as long"},
    {"admin", 0, MV_FLAG_ADDRESS, "ADDRESS:PORT", "127.0.0.1:8081", "MAVILUA_ADMIN", 0, 0,
     offsetof(struct options, admin), "health, metrics, operations"},
    {"admin-token", 0, MV_FLAG_TEXT, "TOKEN", NULL, "MAVILUA_ADMIN_TOKEN", 0, 0,
     offsetof(struct options, admin_token), "asked for there; needed when --admin is not on loopback"},
    {"db", 0, MV_FLAG_TEXT, "FILE", "mavilua.db", "MAVILUA_DB", 0, 0, offsetof(struct options, db),
     "where accepted events are kept"},
    {"workers", 0, MV_FLAG_NUMBER, "N", "0", "MAVILUA_WORKERS", 0, 256, offsetof(struct options, workers),
     "threads that run handlers; 0: one a core"},
    {"watch", 0, MV_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, offsetof(struct options, watch),
     "load scripts anew when they change (as SIGHUP does)"},
    {"webhook-secret", 0, MV_FLAG_TEXT, "SECRET", NULL, "MAVILUA_WEBHOOK_SECRET", 0, 0,
     offsetof(struct options, webhook_secret), "of POST /webhook/SECRET; better in the environment"},
    {"sandbox", 0, MV_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, offsetof(struct options, sandbox),
     "start a sandbox as well, wired to the host; no account is needed"},
    {"sandbox-listen", 0, MV_FLAG_ADDRESS, "ADDRESS:PORT", "127.0.0.1:8082", "MAVILUA_SANDBOX_LISTEN", 0, 0,
     offsetof(struct options, sandbox_listen), "where the sandbox answers"},
    {"sandbox-db", 0, MV_FLAG_TEXT, "FILE", ":memory:", "MAVILUA_SANDBOX_DB", 0, 0,
     offsetof(struct options, sandbox_db), "where the sandbox keeps what it knows"},
    {"sandbox-seed", 0, MV_FLAG_TEXT, "FILE", NULL, "MAVILUA_SANDBOX_SEED", 0, 0,
     offsetof(struct options, sandbox_seed), "JSON for an empty sandbox; otherwise the built-in shop"},
    {"sandbox-clock", 0, MV_FLAG_TEXT, "MOMENT", NULL, "MAVILUA_SANDBOX_CLOCK", 0, 0,
     offsetof(struct options, sandbox_clock),
     "a virtual clock that begins here, as \"2026-01-05 09:00\" (UTC); the host goes by it, too"},
    {"sandbox-check-answers", 0, MV_FLAG_TEXT, "FILE", NULL, "MAVILUA_SANDBOX_CHECK", 0, 0,
     offsetof(struct options, sandbox_answers), "append answers that are not as documented, and samples of all"},
    MV_CLI_LOG_FLAGS(struct options),
    {0}};

/* What runs, and what has to be given back. */
struct server {
  const struct mv_command *command;
  const struct options *options;
  struct mv_log *log;
  int signals;
  int stopped; /* an eventfd: the host has stopped */
  atomic_bool hurry; /* a second signal came while it stopped */
  struct mv_pair pair;
  char secret[65];
};

/* The secret of the webhook's path: given, or made up when only the sandbox has to know it. */
static int find_secret(struct server *s, struct mv_error *err) {
  const char *given = s->options->webhook_secret;
  if (!given && s->options->sandbox)
    return mv_random_hex(s->secret, 16) ? mv_error_set(err, MV_ERROR_SYSTEM, "no random bytes") : 0;
  if (!given)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "the webhook has no secret: set MAVILUA_WEBHOOK_SECRET to the output of "
                        "`openssl rand -hex 16`, or start with --sandbox");
  size_t length = strlen(given);
  if (length < SHORTEST_SECRET || length >= sizeof s->secret)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "the webhook's secret has %zu characters, it needs %d to %zu: "
                        "`openssl rand -hex 16` makes one",
                        length, SHORTEST_SECRET, sizeof s->secret - 1);
  if (strspn(given, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != length)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "the webhook's secret stands in a URL: it may have letters, digits and -._~ only");
  memcpy(s->secret, given, length + 1);
  return 0;
}

static int sandbox_options(const struct server *s, struct mv_sandbox_options *out,
                           struct mv_error *err) {
  *out = (struct mv_sandbox_options){.listen = s->options->sandbox_listen,
                                     .database = s->options->sandbox_db,
                                     .seed = s->options->sandbox_seed,
                                     .answers = s->options->sandbox_answers,
                                     .log = s->log};
  return mv_moment_clock(s->options->sandbox_clock, &out->virtual_now, err);
}

static int start(struct server *s, char **scripts, struct mv_error *err) {
  struct mv_sandbox_options sandbox;
  struct mv_host_options host = {.listen = s->options->listen,
                                 .tls_cert = s->options->tls_cert,
                                 .tls_key = s->options->tls_key,
                                 .connections = (unsigned)s->options->connections,
                                 .per_address = (unsigned)s->options->per_address,
                                 .idle_timeout = (unsigned)s->options->idle_timeout,
                                 .admin = s->options->admin,
                                 .admin_token = s->options->admin_token,
                                 .database = s->options->db,
                                 .webhook_secret = s->secret,
                                 .scripts = (const char *const *)scripts,
                                 .workers = (unsigned)s->options->workers,
                                 .watch = s->options->watch,
                                 .hurry = &s->hurry,
                                 .log = s->log};
  if (sandbox_options(s, &sandbox, err))
    return -1;
  if (mv_pair_start(&s->pair, s->options->sandbox ? &sandbox : NULL, &host, err))
    return -1;
  if (s->pair.sandbox)
    mv_cli_ready("mavilua: sandbox ready at %s", mv_sandbox_url(s->pair.sandbox));
  mv_cli_ready("mavilua: host ready at %s (admin %s)", mv_host_url(s->pair.host),
               mv_host_admin_url(s->pair.host));
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
  int64_t until = mv_clock_monotonic(NULL) + MV_HOST_STOP_TIMEOUT * 1000 + STUCK_MS;
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
  while (mv_cli_wait_signal(s->signals) == SIGHUP)
    mv_host_reload(s->pair.host, NULL); /* a failure is in the log, and the old scripts go on */
  mv_log(s->log, MV_LOG_INFO, NULL, "stopping; a second signal stops at once");
  stop_gently(s);
}

static void hide_secrets(const struct server *s) {
  const char *key = getenv("MAVILUA_API_KEY");
  mv_log_hide(s->log, s->secret);
  if (key)
    mv_log_hide(s->log, key);
  if (s->options->admin_token)
    mv_log_hide(s->log, s->options->admin_token);
}

static int serve(struct server *s, char **scripts) {
  struct mv_error err = {0};
  int status = EX_OK;
  mv_cli_more_files();
  s->signals = mv_cli_signals(&err);
  if (s->signals < 0)
    return mv_cli_fail_with(s->command, &err);
  mv_pair_init(&s->pair);
  if (start(s, scripts, &err))
    status = mv_cli_fail_with(s->command, &err);
  else
    serve_until_told(s);
  mv_pair_stop(&s->pair);
  close(s->signals);
  return status;
}

static int check_tls(const struct mv_command *command, const struct options *options) {
  if (!options->tls_cert != !options->tls_key)
    return mv_cli_fail(command, EX_USAGE, "--tls-cert and --tls-key go together");
  if (options->tls_cert && options->sandbox)
    return mv_cli_fail(command, EX_USAGE, "--sandbox speaks plain HTTP with the host beside it: leave --tls-cert out");
  return 0;
}

/* What is named on the command line is there. */
static int check_files(const struct mv_command *command, const struct options *options,
                       char **scripts) {
  int status = mv_cli_check_file(command, options->tls_cert, "a certificate");
  if (!status)
    status = mv_cli_check_file(command, options->tls_key, "a key");
  if (!status && options->sandbox)
    status = mv_cli_check_file(command, options->sandbox_seed, "a seed");
  for (char **script = scripts; *script && !status; script++)
    status = mv_script_check(command, *script);
  return status;
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  struct server s = {.command = command, .options = given};
  struct mv_error err = {0};
  int bad = check_tls(command, s.options);
  if (!bad && find_secret(&s, &err))
    bad = mv_cli_fail(command, EX_CONFIG, "%s", err.text);
  if (!bad)
    bad = check_files(command, s.options, operands);
  if (bad)
    return bad;
  s.log = mv_cli_log(s.options->log_level, s.options->log_json);
  hide_secrets(&s);
  int status = serve(&s, operands);
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
            "MAVILUA_API_KEY, the platform's address from MAVILUA_BASE_URL. HUP loads the scripts anew,\n"
            "TERM and INT stop; a second one stops at once.\n\n"
            "  mavilua serve --sandbox bot.lua\n"
            "  MAVILUA_WEBHOOK_SECRET=… MAVILUA_API_KEY=… mavilua serve bot.lua\n",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
