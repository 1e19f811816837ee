/* The configuration file: its assignments go into the rows of the same names. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/action.h"
#include "base/bytes.h"
#include "cli/given.h"
#include "cli/secret.h"
#include "lua/config.h"

#define USUAL_NAME "mavilua.conf.lua"
#define MOST_SECONDS 3 /* of processor time; steps are counted besides, so only a call into C takes so long */

struct reader {
  struct mv_given *given;
  const struct mv_command *command;
  const char *path;
  char *folder; /* "conf/", or "" */
  struct mv_error *err;
};

/* ---- finding it ------------------------------------------------------------------------------- */

/* "conf/" of "conf/bot.lua", "" of "bot.lua"; free with free(). */
static char *folder_of(const char *path) {
  const char *slash = path ? strrchr(path, '/') : NULL;
  return slash ? mv_memdup(path, (size_t)(slash - path) + 1) : mv_strdup("");
}

static char *join(const char *folder, const char *name) {
  struct mv_bytes path = {0};
  mv_bytes_printf(&path, "%s%s", folder, name);
  return mv_bytes_steal(&path, NULL);
}

/* The usual file's path, kept, or NULL when there is none. */
static const char *find(struct mv_given *given, const char *script) {
  if (access(USUAL_NAME, F_OK) == 0)
    return USUAL_NAME;
  char *folder = folder_of(script);
  const char *path = folder ? mv_given_keep(given, join(folder, USUAL_NAME)) : NULL;
  free(folder);
  return path && access(path, F_OK) == 0 ? path : NULL;
}

static int check_readable(const char *path, struct mv_error *err) {
  struct stat info;
  if (stat(path, &info) || access(path, R_OK))
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
  if (S_ISDIR(info.st_mode))
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "%s: a configuration file is expected, this is a directory", path);
  return 0;
}

/* ---- its rows --------------------------------------------------------------------------------- */

/* What it may set: each row, and the file of each secret. */
struct names {
  char texts[2 * MV_ARGS_MOST][72];
  const char *list[2 * MV_ARGS_MOST];
  size_t count;
};

static void add_name(struct names *names, const struct mv_flag *flag, const char *ending) {
  char setting[64];
  if (names->count == 2 * MV_ARGS_MOST)
    return;
  mv_flag_setting(flag, setting, sizeof setting);
  char *text = names->texts[names->count];
  snprintf(text, sizeof names->texts[0], "%s%s", setting, ending);
  names->list[names->count++] = text;
}

static int unknown(const struct reader *r, const char *name, int line) {
  struct names names = {.count = 0};
  for (const struct mv_flag *flag = r->command->flags; flag->name; flag++) {
    if (flag->traits & MV_FLAG_NO_SETTING)
      continue;
    add_name(&names, flag, "");
    if (flag->traits & MV_FLAG_SECRET)
      add_name(&names, flag, "_file");
  }
  const char *nearest = mv_nearest(name, names.list, names.count);
  if (nearest)
    return mv_error_set(r->err, MV_ERROR_CONFIG, "%s:%d: unknown setting \"%.60s\"; did you mean %s?", r->path,
                        line, name, nearest);
  return mv_error_set(r->err, MV_ERROR_CONFIG,
                      "%s:%d: unknown setting \"%.60s\"; mavilua help %s lists them (a variable of "
                      "your own needs `local`)",
                      r->path, line, name, r->command->name);
}

/* The row that `name` sets; `file`: as the file of a secret. */
static const struct mv_flag *find_row(const struct mv_command *command, const char *name,
                                      bool *file) {
  for (const struct mv_flag *flag = command->flags; flag->name; flag++) {
    char setting[64];
    mv_flag_setting(flag, setting, sizeof setting);
    size_t length = strlen(setting);
    if (flag->traits & MV_FLAG_NO_SETTING || strncmp(name, setting, length) != 0)
      continue;
    *file = flag->traits & MV_FLAG_SECRET && strcmp(name + length, "_file") == 0;
    if (*file || name[length] == '\0')
      return flag;
  }
  return NULL;
}

/* A relative path is seen from the file's folder. Kept. */
static const char *place_path(const struct reader *r, const char *path) {
  bool as_is = *path == '/' || *path == ':' || strcmp(path, "-") == 0;
  return mv_given_keep(r->given, join(as_is ? "" : r->folder, path));
}

static const char *keep_path(const struct reader *r, const json_t *value) {
  const char *path = json_string_value(value);
  return path && *path ? place_path(r, path) : NULL;
}

/* "bot.lua" or { "bot.lua", "shop.lua" }. */
static int take_operands(const struct reader *r, const struct mv_flag *flag, const char *source,
                         const json_t *value) {
  size_t size = json_is_array(value) ? json_array_size(value) : 1;
  const char **list = calloc(size + 1, sizeof *list);
  if (!mv_given_keep(r->given, (char *)list))
    return mv_error_set(r->err, MV_ERROR_SYSTEM, "out of memory");
  for (size_t i = 0; i < size; i++) {
    const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
    list[i] = keep_path(r, item);
    if (!list[i])
      return mv_flag_take(flag, source, item, r->given->options, r->err);
  }
  if (size == 0)
    return mv_flag_take(flag, source, value, r->given->options, r->err);
  memcpy((char *)r->given->options + flag->offset, &list, sizeof list);
  return 0;
}

/* A secret in a file that the configuration names. */
static int take_file(const struct reader *r, const struct mv_flag *flag, const char *source,
                     const json_t *value) {
  const char *path = keep_path(r, value);
  if (!path)
    return mv_error_set(r->err, MV_ERROR_CONFIG, "%s: the name of a file is expected", source);
  return mv_given_store_file(r->given, r->command, flag, source, path, r->err);
}

/* Texts and paths that the options go on pointing to. */
static int take_value(const struct reader *r, const struct mv_flag *flag, const char *source,
                      const json_t *value) {
  if (mv_flag_take(flag, source, value, r->given->options, r->err))
    return -1;
  if (json_is_string(value) && flag->type != MV_FLAG_SIZE) {
    const char *text = flag->type == MV_FLAG_FILE
                           ? place_path(r, json_string_value(value))
                           : mv_given_keep(r->given, mv_strdup(json_string_value(value)));
    memcpy((char *)r->given->options + flag->offset, &text, sizeof text);
  }
  return 0;
}

/* Into a copy of the options when another source has given the value: it is checked all the same. */
static int check_only(const struct reader *r, const struct mv_flag *flag, const char *source,
                      const json_t *value) {
  struct mv_given spare = {.options = calloc(1, r->command->size)};
  struct reader other = *r;
  other.given = &spare;
  int failed = !spare.options ? mv_error_set(r->err, MV_ERROR_SYSTEM, "out of memory")
               : flag->type == MV_FLAG_OPERANDS ? take_operands(&other, flag, source, value)
                                                : take_value(&other, flag, source, value);
  mv_args_free(&spare);
  return failed;
}

/* `set`: which rows this file has given so far. */
static int take_entry(const struct reader *r, const json_t *entry, bool *set) {
  const char *name = json_string_value(json_object_get(entry, "name"));
  const json_t *value = json_object_get(entry, "value");
  int line = (int)json_integer_value(json_object_get(entry, "line"));
  char source[512];
  bool file;
  const struct mv_flag *flag = find_row(r->command, name, &file);
  if (!flag)
    return unknown(r, name, line);
  snprintf(source, sizeof source, "%.480s:%d", r->path, line);
  bool *twice = &set[flag - r->command->flags];
  if (*twice)
    return mv_error_set(r->err, MV_ERROR_CONFIG, "%s: %s: the secret and its file are both set: leave one of them out",
                        source, name);
  *twice = true;
  if (!mv_given_lacks(r->given, r->command, flag))
    return file ? 0 : check_only(r, flag, source, value);
  if (file)
    return take_file(r, flag, source, value);
  int failed = flag->type == MV_FLAG_OPERANDS ? take_operands(r, flag, source, value)
                                              : take_value(r, flag, source, value);
  if (!failed)
    mv_given_note(r->given, r->command, flag, source);
  return failed;
}

/* Secrets in a file that everybody may read. */
static void warn_of_secrets(const struct reader *r, const json_t *entries) {
  struct stat info;
  size_t index;
  json_t *entry;
  bool file, secret = false;
  json_array_foreach(entries, index, entry) {
    const struct mv_flag *flag =
        find_row(r->command, json_string_value(json_object_get(entry, "name")), &file);
    secret = secret || (flag && flag->traits & MV_FLAG_SECRET && !file);
  }
  if (secret && stat(r->path, &info) == 0 && S_ISREG(info.st_mode) && info.st_mode & S_IROTH)
    mv_bytes_printf(&r->given->warnings,
                    "%s holds a secret and can be read by every user of the machine: chmod 600 it\n", r->path);
}

static int take_entries(const struct reader *r, const json_t *entries) {
  bool set[MV_ARGS_MOST] = {false};
  size_t index;
  json_t *entry;
  json_array_foreach(entries, index, entry) {
    if (take_entry(r, entry, set))
      return -1;
  }
  warn_of_secrets(r, entries);
  return 0;
}

static void too_long(int number) {
  static const char text[] = "mavilua: the configuration file computes for more than 3 s: is there a "
                             "loop that does not end?\n";
  (void)number;
  (void)!write(STDERR_FILENO, text, sizeof text - 1);
  _exit(EX_CONFIG);
}

/* Runs the file. A single call into C (a slow pattern) can only be stopped with the process. */
static json_t *read_file(const char *path, struct mv_error *err) {
  const struct itimerval limit = {.it_value = {.tv_sec = MOST_SECONDS}}, none = {.it_value = {.tv_sec = 0}};
  signal(SIGVTALRM, too_long);
  setitimer(ITIMER_VIRTUAL, &limit, NULL);
  json_t *entries = mv_config_read(path, err);
  setitimer(ITIMER_VIRTUAL, &none, NULL);
  signal(SIGVTALRM, SIG_DFL);
  return entries;
}

int mv_given_config(struct mv_given *given, const struct mv_command *command, const char *path,
                    const char *script, struct mv_error *err) {
  struct reader r = {given, command, path ? path : find(given, script), NULL, err};
  if (!r.path)
    return 0;
  if (check_readable(r.path, err))
    return -1;
  json_t *entries = read_file(r.path, err);
  r.folder = folder_of(r.path);
  int failed = -1;
  if (entries)
    failed = r.folder ? take_entries(&r, entries) : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  free(r.folder);
  json_decref(entries);
  return failed;
}
