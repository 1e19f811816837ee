/* The settings of a host, as `mavilua serve` takes them: one table from which the command line, the
 * environment, configuration files, the help and the documentation come.
 *
 * A new setting is a field of mv_host_options (or of the struct below) and a row in config.c. */
#ifndef MV_CLI_CONFIG_H
#define MV_CLI_CONFIG_H

#include "cli/args.h"
#include "host/host.h"
#include "sandbox/sandbox.h"

struct mv_config {
  struct mv_host_options host;
  bool sandbox; /* start one as well */
  struct mv_sandbox_options platform;
  const char *sandbox_clock;
  const char *log_level;
  bool log_json;
  const char *config;
  bool print_config;
};

extern const struct mv_flag mv_config_rows[]; /* ends with a row without name */

/* What no single row can tell: that TLS has certificate and key, that the webhook's secret fits into
 * a URL, that files are there. 0, or tells what is wrong and returns the exit status. `serving`: a
 * missing secret is wrong, too. */
int mv_config_check(const struct mv_command *command, const struct mv_config *config, bool serving);

/* Secrets never appear in the log. */
void mv_config_hide(const struct mv_config *config, struct mv_log *log);

#endif
