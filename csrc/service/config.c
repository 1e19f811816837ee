#include "service/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORTEST_SECRET 16
#define LONGEST_SECRET 64

/* The field of a row. */
#define IN(field)                                                                                  \
  .offset = offsetof(struct mv_config, field), .size = sizeof(((struct mv_config *)0)->field)

const struct mv_flag mv_config_rows[] = {
    {"scripts", .type = MV_FLAG_OPERANDS, .value = "SCRIPT…", .traits = MV_FLAG_NO_OPTION,
     IN(host.scripts), .doc = "the scripts, when the command line names none"},
    {"listen", .type = MV_FLAG_ADDRESS, .value = "ADDRESS:PORT", .preset = "127.0.0.1:8080",
     .env = "MAVILUA_LISTEN", IN(host.listen), .doc = "where webhooks arrive"},
    {"tls-cert", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_TLS_CERT", IN(host.tls_cert),
     .doc = "the certificate (PEM) with which --listen speaks TLS; with --tls-key"},
    {"tls-key", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_TLS_KEY", IN(host.tls_key),
     .doc = "its private key (PEM)"},
    {"connections", .type = MV_FLAG_NUMBER, .value = "N", .preset = "0", .env = "MAVILUA_CONNECTIONS",
     .high = 1000000, IN(host.connections),
     .doc = "most at once at --listen; 0: 8192, or half of the files the process may open"},
    {"per-address", .type = MV_FLAG_NUMBER, .value = "N", .preset = "0", .env = "MAVILUA_PER_ADDRESS",
     .high = 1000000, IN(host.per_address),
     .doc = "most of them from one address; 0: half, as a proxy in front is one address"},
    {"idle-timeout", .type = MV_FLAG_NUMBER, .value = "SECONDS", .preset = "30",
     .env = "MAVILUA_IDLE_TIMEOUT", .low = 1, .high = 3600, IN(host.idle_timeout),
     .doc = "a connection that sends nothing for so long is closed; headers may take twice, a body four "
            "times as long"},
    {"max-body", .type = MV_FLAG_SIZE, .value = "SIZE", .preset = "1MiB", .env = "MAVILUA_MAX_BODY",
     .low = 1024, .high = 1L << 30, IN(host.max_body), .doc = "largest body of a webhook or hook; beyond it 413"},
    {"admin", .type = MV_FLAG_ADDRESS, .value = "ADDRESS:PORT", .preset = "127.0.0.1:8081",
     .env = "MAVILUA_ADMIN", IN(host.admin), .doc = "health, metrics, operations"},
    {"admin-token", .type = MV_FLAG_TEXT, .value = "TOKEN", .env = "MAVILUA_ADMIN_TOKEN",
     .traits = MV_FLAG_SECRET, IN(host.admin_token),
     .doc = "asked for there; needed when --admin is not on loopback; better from a file or the environment"},
    {"db", .type = MV_FLAG_FILE, .value = "FILE", .preset = "mavilua.db", .env = "MAVILUA_DB",
     IN(host.database), .doc = "where accepted events are kept"},
    {"keep-done", .type = MV_FLAG_SECONDS, .value = "SECONDS", .preset = "604800", .env = "MAVILUA_KEEP_DONE",
     .low = 1, .high = 3200000000L, IN(host.keep_done), .doc = "done and cancelled events are kept so long (7 days)"},
    {"keep-skipped", .type = MV_FLAG_SECONDS, .value = "SECONDS", .preset = "604800",
     .env = "MAVILUA_KEEP_SKIPPED", .low = 1, .high = 3200000000L, IN(host.keep_skipped),
     .doc = "skipped events are kept so long (7 days)"},
    {"keep-dead", .type = MV_FLAG_SECONDS, .value = "SECONDS", .preset = "7776000", .env = "MAVILUA_KEEP_DEAD",
     .low = 1, .high = 3200000000L, IN(host.keep_dead), .doc = "dead events are kept so long (90 days)"},
    {"max-db", .type = MV_FLAG_SIZE, .value = "SIZE", .preset = "0", .env = "MAVILUA_MAX_DB", .high = 1L << 46,
     IN(host.max_db), .doc = "above it done, cancelled and skipped events go early, oldest first; 0: no limit"},
    {"workers", .type = MV_FLAG_NUMBER, .value = "N", .preset = "0", .env = "MAVILUA_WORKERS", .high = 256,
     IN(host.workers), .doc = "threads that run handlers; 0: one a core"},
    {"concurrency", .type = MV_FLAG_NUMBER, .value = "N", .preset = "256", .env = "MAVILUA_CONCURRENCY",
     .low = 1, .high = 65536, IN(host.concurrency), .doc = "runs of handlers at once on a worker"},
    {"memory-limit", .type = MV_FLAG_SIZE, .value = "SIZE", .preset = "256MiB",
     .env = "MAVILUA_MEMORY_LIMIT", .low = 4L << 20, .high = 1L << 40, IN(host.memory_limit),
     .doc = "memory that the scripts of a worker may use"},
    {"wall-limit", .type = MV_FLAG_SECONDS, .value = "SECONDS", .preset = "60", .env = "MAVILUA_WALL_LIMIT",
     .high = 86400, IN(host.wall_limit), .doc = "a run may take so long, waiting included"},
    {"cpu-limit", .type = MV_FLAG_SECONDS, .value = "SECONDS", .preset = "2", .env = "MAVILUA_CPU_LIMIT",
     .high = 3600, IN(host.cpu_limit), .doc = "a run may compute so long without waiting"},
    {"stop-timeout", .type = MV_FLAG_SECONDS, .value = "SECONDS", .preset = "30",
     .env = "MAVILUA_STOP_TIMEOUT", .high = 86400, IN(host.stop_timeout),
     .doc = "running handlers get so long when the host is told to stop"},
    {"watch", .type = MV_FLAG_SWITCH, .env = "MAVILUA_WATCH", IN(host.watch),
     .doc = "load scripts anew when they change (as SIGHUP does)"},
    {"webhook-secret", .type = MV_FLAG_TEXT, .value = "SECRET", .env = "MAVILUA_WEBHOOK_SECRET",
     .traits = MV_FLAG_SECRET, IN(host.webhook_secret),
     .doc = "of POST /webhook/SECRET, 16 to 64 letters, digits and -._~; better from a file or the environment"},
    {"api-key", .type = MV_FLAG_TEXT, .value = "KEY", .env = "MAVILUA_API_KEY",
     .traits = MV_FLAG_SECRET | MV_FLAG_NO_OPTION, IN(host.api_key), .doc = "the key of the platform's API"},
    {"base-url", .type = MV_FLAG_URL, .value = "URL", .env = "MAVILUA_BASE_URL", IN(host.base_url),
     .doc = "the platform's address; https://chatter.mavibot.ai unless set"},
    {"sandbox", .type = MV_FLAG_SWITCH, .env = "MAVILUA_SANDBOX", IN(sandbox),
     .doc = "start a sandbox as well, wired to the host; no account is needed"},
    {"sandbox-listen", .type = MV_FLAG_ADDRESS, .value = "ADDRESS:PORT", .preset = "127.0.0.1:8082",
     .env = "MAVILUA_SANDBOX_LISTEN", IN(platform.listen), .doc = "where the sandbox answers"},
    {"sandbox-db", .type = MV_FLAG_FILE, .value = "FILE", .preset = ":memory:", .env = "MAVILUA_SANDBOX_DB",
     IN(platform.database), .doc = "where the sandbox keeps what it knows"},
    {"sandbox-seed", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_SANDBOX_SEED",
     IN(platform.seed), .doc = "JSON for an empty sandbox; otherwise the built-in shop"},
    {"sandbox-clock", .type = MV_FLAG_TEXT, .value = "MOMENT", .env = "MAVILUA_SANDBOX_CLOCK",
     IN(sandbox_clock),
     .doc = "a virtual clock that begins here, as \"2026-01-05 09:00\" (UTC); the host goes by it, too"},
    {"sandbox-check-answers", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_SANDBOX_CHECK",
     IN(platform.answers), .doc = "append answers that are not as documented, and samples of all"},
    MV_FLAG_LOG_ROWS(struct mv_config),
    MV_FLAG_CONFIG_ROWS(struct mv_config),
    {0}};

static int check_secret(const char *secret, struct mv_error *err) {
  size_t length = strlen(secret);
  if (length < SHORTEST_SECRET || length > LONGEST_SECRET)
    return mv_error_set(err, MV_ERROR_CONFIG,
                        "the webhook's secret has %zu characters, it needs %d to %d: "
                        "`openssl rand -hex 16` makes one",
                        length, SHORTEST_SECRET, LONGEST_SECRET);
  if (strspn(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != length)
    return mv_error_set(err, MV_ERROR_CONFIG,
                        "the webhook's secret stands in a URL: it may have letters, digits and -._~ only");
  return 0;
}

static int check_tls(const struct mv_config *config, struct mv_error *err) {
  if (!config->host.tls_cert != !config->host.tls_key)
    return mv_error_set(err, MV_ERROR_USAGE, "tls-cert and tls-key go together: one of them is missing");
  if (config->host.tls_cert && config->sandbox)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "a sandbox speaks plain HTTP with the host beside it: leave tls-cert out");
  return 0;
}

int mv_config_check_file(const char *path, const char *what, struct mv_error *err) {
  struct stat info;
  if (!path)
    return 0;
  if (stat(path, &info) || access(path, R_OK))
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "%s: %s (%s is expected there)", path, strerror(errno), what);
  if (S_ISDIR(info.st_mode))
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "%s: %s is expected, this is a directory", path, what);
  return 0;
}

int mv_config_check_script(const char *path, struct mv_error *err) {
  return strcmp(path, "-") == 0 ? 0 : mv_config_check_file(path, "a script", err);
}

static int check_files(const struct mv_config *config, struct mv_error *err) {
  int failed = mv_config_check_file(config->host.tls_cert, "a certificate", err) ||
               mv_config_check_file(config->host.tls_key, "a key", err) ||
               (config->sandbox && mv_config_check_file(config->platform.seed, "a seed", err));
  for (const char *const *script = config->host.scripts; script && *script && !failed; script++)
    failed = mv_config_check_script(*script, err);
  return failed ? -1 : 0;
}

int mv_config_check(const struct mv_config *config, bool serving, struct mv_error *err) {
  if (check_tls(config, err))
    return -1;
  if (config->host.webhook_secret && check_secret(config->host.webhook_secret, err))
    return -1;
  if (!config->host.webhook_secret && serving && !config->sandbox)
    return mv_error_set(err, MV_ERROR_CONFIG,
                        "the webhook has no secret: set MAVILUA_WEBHOOK_SECRET to the output of "
                        "`openssl rand -hex 16`, or start with --sandbox");
  return check_files(config, err);
}

void mv_config_hide(const struct mv_config *config, struct mv_log *log) {
  for (const struct mv_flag *row = mv_config_rows; row->name; row++) {
    const char *secret;
    if (!(row->traits & MV_FLAG_SECRET))
      continue;
    memcpy(&secret, (const char *)config + row->offset, sizeof secret);
    if (secret)
      mv_log_hide(log, secret);
  }
}
