/* `mavilua sandbox`: the platform on one file, until it is told to stop. */
#include <signal.h>
#include <unistd.h>

#include "cli/cli.h"
#include "sandbox/sandbox.h"
#include "time/moment.h"

struct options {
  const char *listen, *db, *seed, *webhook, *tls_cert, *tls_key, *clock, *answers;
  const char *log_level;
  bool log_json;
};

static const struct mv_flag flags[] = {
    {"listen", 0, MV_FLAG_ADDRESS, "ADDRESS:PORT", "127.0.0.1:8082", "MAVILUA_SANDBOX_LISTEN", 0, 0,
     offsetof(struct options, listen), "where it answers"},
    {"db", 0, MV_FLAG_TEXT, "FILE", ":memory:", "MAVILUA_SANDBOX_DB", 0, 0, offsetof(struct options, db),
     "where it keeps what it knows; :memory: forgets"},
    {"seed", 0, MV_FLAG_TEXT, "FILE", NULL, "MAVILUA_SANDBOX_SEED", 0, 0, offsetof(struct options, seed),
     "JSON for an empty one; otherwise the built-in shop"},
    {"webhook", 0, MV_FLAG_URL, "URL", NULL, NULL, 0, 0, offsetof(struct options, webhook),
     "where messages are told"},
    {"tls-cert", 0, MV_FLAG_TEXT, "FILE", NULL, "MAVILUA_SANDBOX_TLS_CERT", 0, 0,
     offsetof(struct options, tls_cert), "serve HTTPS with this certificate (PEM)"},
    {"tls-key", 0, MV_FLAG_TEXT, "FILE", NULL, "MAVILUA_SANDBOX_TLS_KEY", 0, 0,
     offsetof(struct options, tls_key), "its private key (PEM)"},
    {"clock", 0, MV_FLAG_TEXT, "MOMENT", NULL, "MAVILUA_SANDBOX_CLOCK", 0, 0,
     offsetof(struct options, clock), "a virtual clock that begins here, as \"2026-01-05 09:00\" (UTC)"},
    {"check-answers", 0, MV_FLAG_TEXT, "FILE", NULL, "MAVILUA_SANDBOX_CHECK", 0, 0,
     offsetof(struct options, answers), "append answers that are not as documented, and samples of all"},
    MV_CLI_LOG_FLAGS(struct options),
    {0}};

/* HUP has nothing to reload here. */
static void wait_for_end(int signals) {
  while (mv_cli_wait_signal(signals) == SIGHUP)
    continue;
}

static int serve(const struct mv_command *command, const struct options *options,
                 struct mv_log *log) {
  struct mv_error err = {0};
  struct mv_sandbox_options settings = {.listen = options->listen,
                                        .database = options->db,
                                        .seed = options->seed,
                                        .webhook_url = options->webhook,
                                        .tls_cert = options->tls_cert,
                                        .tls_key = options->tls_key,
                                        .answers = options->answers,
                                        .log = log};
  if (mv_moment_clock(options->clock, &settings.virtual_now, &err))
    return mv_cli_fail_with(command, &err);
  mv_cli_more_files();
  int signals = mv_cli_signals(&err);
  if (signals < 0)
    return mv_cli_fail_with(command, &err);
  struct mv_sandbox *sandbox = mv_sandbox_start(&settings, &err);
  if (!sandbox) {
    close(signals);
    return mv_cli_fail_with(command, &err);
  }
  mv_cli_ready("mavilua: sandbox ready at %s", mv_sandbox_url(sandbox));
  wait_for_end(signals);
  mv_sandbox_stop(sandbox);
  close(signals);
  return EX_OK;
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  const struct options *options = given;
  (void)operands;
  int missing = mv_cli_check_file(command, options->seed, "a seed");
  if (missing)
    return missing;
  struct mv_log *log = mv_cli_log(options->log_level, options->log_json);
  int status = serve(command, options, log);
  mv_log_free(log);
  return status;
}

const struct mv_command mv_command_sandbox = {
    .name = "sandbox",
    .operands = "",
    .doc = "play the platform on this machine: its API, its webhooks, its clients",
    .more = "The API key \"sandbox\" may do everything: MAVILUA_API_KEY=sandbox MAVILUA_BASE_URL=<its URL>.\n"
            "Talk to a bot on it with mavilua chat; GET /_sandbox/journal shows what happened.\n",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
