/* The values of a command's rows and where they come from; the environment. */
#include "cli/given.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "cli/secret.h"

char *mv_given_keep(struct mv_given *given, char *text) {
  void **more = text ? realloc(given->kept, (given->count + 1) * sizeof *more) : NULL;
  if (!more) {
    free(text);
    return NULL;
  }
  given->kept = more;
  given->kept[given->count++] = text;
  return text;
}

void mv_args_free(struct mv_given *given) {
  for (size_t i = 0; i < given->count; i++)
    free(given->kept[i]);
  free(given->kept);
  free(given->options);
  mv_bytes_free(&given->warnings);
  *given = (struct mv_given){.options = NULL};
}

bool mv_given_lacks(const struct mv_given *given, const struct mv_command *command,
                    const struct mv_flag *flag) {
  return !given->sources[flag - command->flags];
}

void mv_given_note(struct mv_given *given, const struct mv_command *command,
                   const struct mv_flag *flag, const char *source) {
  const char *kept = mv_given_keep(given, mv_strdup(source));
  given->sources[flag - command->flags] = kept ? kept : "";
}

int mv_given_store(struct mv_given *given, const struct mv_command *command,
                   const struct mv_flag *flag, const char *source, const char *text,
                   struct mv_error *err) {
  if (mv_flag_read(flag, source, text, given->options, err))
    return -1;
  mv_given_note(given, command, flag, source);
  return 0;
}

int mv_given_store_file(struct mv_given *given, const struct mv_command *command,
                        const struct mv_flag *flag, const char *source, const char *path,
                        struct mv_error *err) {
  char whole[512];
  bool exposed;
  char *text = mv_given_keep(given, mv_secret_read(path, &exposed, err));
  if (!text)
    return mv_error_prefix(err, "%s", source);
  snprintf(whole, sizeof whole, "%s (%.400s)", source, path);
  if (exposed)
    mv_bytes_printf(&given->warnings, "%s can be read by every user of the machine: chmod 600 it\n", whole);
  return mv_given_store(given, command, flag, whole, text, err);
}

/* ---- the environment -------------------------------------------------------------------------- */

/* An empty variable counts as unset. */
static const char *variable(const char *name) {
  const char *value = name ? getenv(name) : NULL;
  return value && *value ? value : NULL;
}

/* MAVILUA_API_KEY_FILE, and what systemd put into $CREDENTIALS_DIRECTORY as mavilua_api_key. */
static int from_files(struct mv_given *given, const struct mv_command *command,
                      const struct mv_flag *flag, const char *value, struct mv_error *err) {
  char name[96], path[512], setting[64];
  snprintf(name, sizeof name, "%s_FILE", flag->env);
  const char *file = variable(name), *folder = variable("CREDENTIALS_DIRECTORY");
  if (file && value)
    return mv_error_set(err, MV_ERROR_USAGE, "%s and %s are both set: leave one of them out", flag->env, name);
  if (!mv_given_lacks(given, command, flag))
    return 0;
  if (file)
    return mv_given_store_file(given, command, flag, name, file, err);
  mv_flag_setting(flag, setting, sizeof setting);
  snprintf(path, sizeof path, "%s/mavilua_%s", folder ? folder : "", setting);
  if (!folder || value || !mv_secret_is_there(path))
    return 0;
  return mv_given_store_file(given, command, flag, "CREDENTIALS_DIRECTORY", path, err);
}

/* What is not used, as the command line gave it, must be good, too. */
static int from_variable(struct mv_given *given, const struct mv_command *command,
                         const struct mv_flag *flag, const char *value, struct mv_error *err) {
  union {
    const char *text;
    double number;
    long whole;
  } field;
  struct mv_flag spare = *flag;
  spare.offset = 0;
  if (mv_given_lacks(given, command, flag))
    return mv_given_store(given, command, flag, flag->env, value, err);
  return mv_flag_read(&spare, flag->env, value, &field, err);
}

int mv_given_environment(struct mv_given *given, const struct mv_command *command,
                         struct mv_error *err) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++) {
    const char *value = variable(flag->env);
    if (flag->traits & MV_FLAG_SECRET && from_files(given, command, flag, value, err))
      return -1;
    if (value && from_variable(given, command, flag, value, err))
      return -1;
  }
  return 0;
}
