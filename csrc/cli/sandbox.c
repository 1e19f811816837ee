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
    {"listen", .type = MV_FLAG_ADDRESS, .value = "ADDRESS:PORT", .preset = "127.0.0.1:8082",
     .env = "MAVILUA_SANDBOX_LISTEN", .offset = offsetof(struct options, listen),
     .doc = "where it answers"},
    {"db", .type = MV_FLAG_TEXT, .value = "FILE", .preset = ":memory:",
     .env = "MAVILUA_SANDBOX_DB", .offset = offsetof(struct options, db),
     .doc = "where it keeps what it knows; :memory: forgets"},
    {"seed", .type = MV_FLAG_TEXT, .value = "FILE", .env = "MAVILUA_SANDBOX_SEED",
     .offset = offsetof(struct options, seed),
     .doc = "JSON for an empty one; otherwise the built-in shop"},
    {"webhook", .type = MV_FLAG_URL, .value = "URL", .offset = offsetof(struct options, webhook),
     .doc = "where messages are told"},
    {"tls-cert", .type = MV_FLAG_TEXT, .value = "FILE", .env = "MAVILUA_SANDBOX_TLS_CERT",
     .offset = offsetof(struct options, tls_cert),
     .doc = "serve HTTPS with this certificate (PEM)"},
    {"tls-key", .type = MV_FLAG_TEXT, .value = "FILE", .env = "MAVILUA_SANDBOX_TLS_KEY",
     .offset = offsetof(struct options, tls_key), .doc = "its private key (PEM)"},
    {"clock", .type = MV_FLAG_TEXT, .value = "MOMENT", .env = "MAVILUA_SANDBOX_CLOCK",
     .offset = offsetof(struct options, clock),
     .doc = "a virtual clock that begins here, as \"2026-01-05 09:00\" (UTC)"},
    {"check-answers", .type = MV_FLAG_TEXT, .value = "FILE", .env = "MAVILUA_SANDBOX_CHECK",
     .offset = offsetof(struct options, answers),
     .doc = "append answers that are not as documented, and samples of all"},
    MV_FLAG_LOG_ROWS(struct options),
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
