#include "host/settings.h"

#include <stdlib.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

/* The strings among the options: copied and freed by this table. */
static const size_t strings[] = {
    offsetof(struct mv_host_options, listen),         offsetof(struct mv_host_options, admin),
    offsetof(struct mv_host_options, admin_token),    offsetof(struct mv_host_options, database),
    offsetof(struct mv_host_options, webhook_secret), offsetof(struct mv_host_options, api_key),
    offsetof(struct mv_host_options, base_url),       offsetof(struct mv_host_options, tls_cert),
    offsetof(struct mv_host_options, tls_key),
};
enum { STRINGS = sizeof strings / sizeof *strings };

static const char **string_at(struct mv_host_options *options, size_t index) {
  return (const char **)(void *)((char *)options + strings[index]);
}

static int copy_strings(struct mv_host_options *to) {
  int failed = 0;
  for (size_t i = 0; i < STRINGS; i++) {
    const char **slot = string_at(to, i), *given = *slot;
    *slot = mv_strdup(given);
    if (given && !*slot)
      failed = -1;
  }
  return failed;
}

static int copy_scripts(struct mv_host_options *to, const char *const *scripts) {
  size_t count = 0;
  while (scripts && scripts[count])
    count++;
  char **copy = calloc(count + 1, sizeof *copy);
  to->scripts = (const char *const *)copy;
  for (size_t i = 0; copy && i < count; i++) {
    if (!(copy[i] = strdup(scripts[i])))
      return -1;
  }
  return copy ? 0 : -1;
}

static unsigned cores(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : (unsigned)count;
}

static void complete(struct mv_host_options *o) {
  o->workers = o->workers ? o->workers : cores();
  o->concurrency = o->concurrency ? o->concurrency : 256;
  o->max_body = o->max_body ? o->max_body : (size_t)1 << 20;
  o->memory_limit = o->memory_limit ? o->memory_limit : (size_t)256 << 20;
  o->wall_limit = o->wall_limit > 0 ? o->wall_limit : 60;
  o->cpu_limit = o->cpu_limit > 0 ? o->cpu_limit : 2;
  o->stop_timeout = o->stop_timeout > 0 ? o->stop_timeout : MV_HOST_STOP_TIMEOUT;
}

static void hide(const struct mv_host_options *o) {
  const char *const secrets[] = {o->admin_token, o->webhook_secret, o->api_key};
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    if (secrets[i])
      mv_log_hide(o->log, secrets[i]);
  }
}

int mv_settings_init(struct mv_settings *settings, const struct mv_host_options *options,
                     struct mv_error *err) {
  settings->options = *options;
  int failed = copy_strings(&settings->options);
  failed |= copy_scripts(&settings->options, options->scripts);
  if (failed)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  complete(&settings->options);
  hide(&settings->options);
  if (!options->listen || !options->database || !options->scripts || !options->scripts[0])
    return mv_error_set(err, MV_ERROR_USAGE, "a host needs an address, a database and a script");
  return 0;
}

void mv_settings_free(struct mv_settings *settings) {
  for (size_t i = 0; i < STRINGS; i++)
    free((char *)(uintptr_t)*string_at(&settings->options, i));
  for (const char *const *script = settings->options.scripts; script && *script; script++)
    free((char *)(uintptr_t)*script);
  free((void *)(uintptr_t)settings->options.scripts);
  memset(settings, 0, sizeof *settings);
}
