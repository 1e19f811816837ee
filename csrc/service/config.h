/* The settings of a host, as `mavilua serve` and the library take them: one table from which the
 * command line, the environment, configuration files, mavilua_host_set, the help and the
 * documentation come.
 *
 * A new setting is a field of mv_host_options (or of the struct below) and a row in config.c. */
#ifndef MV_SERVICE_CONFIG_H
#define MV_SERVICE_CONFIG_H

#include "host/host.h"
#include "sandbox/sandbox.h"
#include "service/flag.h"

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
 * a URL, that files are there. `serving`: a missing secret is wrong, too. 0, or -1 and `err` of kind
 * USAGE, CONFIG or NOT_FOUND. */
int mv_config_check(const struct mv_config *config, bool serving, struct mv_error *err);

/* Whether `path` is a file that can be read; `what` is expected there ("a key"). NULL is fine. 0, or
 * -1 and `err` (NOT_FOUND). */
int mv_config_check_file(const char *path, const char *what, struct mv_error *err);

/* The same of a script, which may be "-", standard input. */
int mv_config_check_script(const char *path, struct mv_error *err);

/* Secrets never appear in the log. */
void mv_config_hide(const struct mv_config *config, struct mv_log *log);

#endif
