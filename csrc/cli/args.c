/* The words of a command line, and the order of what fills a command's options. */
#include "cli/args.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "cli/given.h"
#include "cli/secret.h"

/* Where the reading of the words stands. */
struct reader {
  const struct mv_command *command;
  char **next;
  struct mv_given *given;
  struct mv_error *err;
};

/* ---- finding the row -------------------------------------------------------------------------- */

static bool is_named(const struct mv_flag *flag, const char *ending, const char *word, size_t length) {
  size_t own = strlen(flag->name), more = strlen(ending);
  return own + more == length && memcmp(flag->name, word, own) == 0 &&
         memcmp(ending, word + own, more) == 0;
}

/* The row of --NAME; `file`: of --NAME-file, for a secret. */
static const struct mv_flag *find_long(const struct mv_command *command, const char *name,
                                       size_t length, bool *file) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++) {
    *file = flag->traits & MV_FLAG_SECRET && is_named(flag, "-file", name, length);
    if (flag->type != MV_FLAG_OPERANDS && (*file || is_named(flag, "", name, length)))
      return flag;
  }
  return NULL;
}

static const struct mv_flag *find_letter(const struct mv_command *command, char letter) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    if (flag->letter == letter)
      return flag;
  return NULL;
}

static int unknown(const struct mv_command *command, const char *word, struct mv_error *err) {
  const char *names[2 * MV_ARGS_MOST + 2];
  char files[MV_ARGS_MOST][72], name[64];
  size_t count = 0, secrets = 0;
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++) {
    if (!(flag->traits & MV_FLAG_NO_OPTION))
      names[count++] = flag->name;
    if (flag->traits & MV_FLAG_SECRET) {
      snprintf(files[secrets], sizeof files[0], "%s-file", flag->name);
      names[count++] = files[secrets++];
    }
  }
  names[count++] = "help";
  names[count++] = "version";
  snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
  const char *bare = name + strspn(name, "-");
  const char *nearest = mv_nearest(bare, names, count);
  if (nearest)
    return mv_error_set(err, MV_ERROR_USAGE, "unknown option \"%s\"; did you mean --%s?", name, nearest);
  return mv_error_set(err, MV_ERROR_USAGE, "unknown option \"%s\"; see mavilua %s --help", name,
                      command->name);
}

/* ---- taking its value ------------------------------------------------------------------------- */

/* A copy is used, as the word itself can be seen by everybody on the machine. */
static int take_secret(struct reader *r, const struct mv_flag *flag, const char *source, char *word) {
  char *text = mv_given_keep(r->given, mv_strdup(word));
  mv_secret_wipe(word);
  if (!text)
    return mv_error_set(r->err, MV_ERROR_SYSTEM, "out of memory");
  return mv_given_store(r->given, r->command, flag, source, text, r->err);
}

static int take_value(struct reader *r, const struct mv_flag *flag, const char *source,
                      char *attached) {
  if (flag->type == MV_FLAG_SWITCH) {
    if (attached)
      return mv_error_set(r->err, MV_ERROR_USAGE, "%s takes no value", source);
    return mv_given_store(r->given, r->command, flag, source, "on", r->err);
  }
  char expected[128];
  mv_flag_describe(flag, expected, sizeof expected);
  if (!attached && !*r->next)
    return mv_error_set(r->err, MV_ERROR_USAGE, "%s needs %s behind it", source, expected);
  char *value = attached ? attached : *r->next++;
  if (flag->traits & MV_FLAG_SECRET)
    return take_secret(r, flag, source, value);
  return mv_given_store(r->given, r->command, flag, source, value, r->err);
}

/* --NAME-file */
static int take_file(struct reader *r, const struct mv_flag *flag, const char *source,
                     const char *attached) {
  if (!attached && !*r->next)
    return mv_error_set(r->err, MV_ERROR_USAGE, "%s needs the name of a file behind it", source);
  return mv_given_store_file(r->given, r->command, flag, source, attached ? attached : *r->next++,
                             r->err);
}

/* --no-NAME */
static int take_off(struct reader *r, const char *word, size_t length) {
  bool file;
  const struct mv_flag *flag =
      strncmp(word, "--no-", 5) == 0 ? find_long(r->command, word + 5, length - 3, &file) : NULL;
  if (!flag || flag->type != MV_FLAG_SWITCH || word[2 + length])
    return unknown(r->command, word, r->err);
  return mv_given_store(r->given, r->command, flag, word, "off", r->err);
}

static int take_long(struct reader *r, char *word) {
  size_t length = strcspn(word + 2, "=");
  bool file;
  const struct mv_flag *flag = find_long(r->command, word + 2, length, &file);
  char source[80], *attached = word[2 + length] ? word + 3 + length : NULL;
  if (!flag)
    return take_off(r, word, length);
  snprintf(source, sizeof source, "--%s%s", flag->name, file ? "-file" : "");
  if (file)
    return take_file(r, flag, source, attached);
  if (flag->traits & MV_FLAG_NO_OPTION)
    return mv_error_set(r->err, MV_ERROR_USAGE,
                        "%s would be seen by every user of the machine: use %s or %s-file", source,
                        flag->env, source);
  return take_value(r, flag, source, attached);
}

static int take_letter(struct reader *r, char *word) {
  const struct mv_flag *flag = find_letter(r->command, word[1]);
  const char source[] = {'-', word[1], '\0'};
  if (!flag)
    return unknown(r->command, word, r->err);
  return take_value(r, flag, source, word[2] ? word + 2 : NULL);
}

static enum mv_args_outcome read_words(struct reader *r, char **operands, int *count) {
  bool options_end = false;
  while (*r->next) {
    char *word = *r->next++;
    if (options_end || *word != '-' || word[1] == '\0') {
      operands[(*count)++] = word;
      options_end = options_end || r->command->stops;
    } else if (strcmp(word, "--") == 0) {
      options_end = true;
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
      return MV_ARGS_HELP;
    } else if (strcmp(word, "--version") == 0) {
      return MV_ARGS_VERSION;
    } else if (word[1] == '-' ? take_long(r, word) : take_letter(r, word)) {
      return MV_ARGS_BAD;
    }
  }
  return MV_ARGS_RUN;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static const struct mv_flag *find_row(const struct mv_command *command, const char *name) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    if (strcmp(flag->name, name) == 0)
      return flag;
  return NULL;
}

/* The row of the operands, if they are a setting, too. */
static const struct mv_flag *operands_row(const struct mv_command *command) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    if (flag->type == MV_FLAG_OPERANDS)
      return flag;
  return NULL;
}

static void note_operands(struct mv_given *given, const struct mv_command *command, char **operands) {
  const struct mv_flag *flag = operands_row(command);
  if (!flag || !*operands)
    return;
  memcpy((char *)given->options + flag->offset, &operands, sizeof operands);
  mv_given_note(given, command, flag, "the command line");
}

static int read_config(struct mv_given *given, const struct mv_command *command, const char *script,
                       struct mv_error *err) {
  const char *path;
  if (!command->configured)
    return 0;
  memcpy(&path, (char *)given->options + find_row(command, "config")->offset, sizeof path);
  return mv_given_config(given, command, path, script, err);
}

static int store_presets(struct mv_given *given, const struct mv_command *command,
                         struct mv_error *err) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    if (flag->preset && mv_given_lacks(given, command, flag) &&
        mv_flag_read(flag, flag->name, flag->preset, given->options, err))
      return -1;
  return 0;
}

static int check_operands(const struct mv_command *command, const struct mv_given *given, int count,
                          char **operands, struct mv_error *err) {
  const struct mv_flag *row = operands_row(command);
  if (count < command->least && (!row || mv_given_lacks(given, command, row)))
    return mv_error_set(err, MV_ERROR_USAGE, "%s is missing; usage: mavilua %s %s", command->operands,
                        command->name, command->operands);
  if (command->most >= 0 && count > command->most)
    return mv_error_set(err, MV_ERROR_USAGE, "\"%.60s\" is one argument too many; usage: mavilua %s%s%s",
                        operands[command->most], command->name, *command->operands ? " " : "",
                        command->operands);
  return 0;
}

static bool wants_print(const struct mv_given *given, const struct mv_command *command) {
  bool on = false;
  if (command->configured)
    memcpy(&on, (char *)given->options + find_row(command, "print-config")->offset, sizeof on);
  return on;
}

enum mv_args_outcome mv_args_parse(const struct mv_command *command, char **argv,
                                   struct mv_given *given, struct mv_error *err) {
  struct reader r = {command, argv, given, err};
  int count = 0;
  *given = (struct mv_given){.options = calloc(1, command->size ? command->size : 1)};
  if (!given->options) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return MV_ARGS_BAD;
  }
  enum mv_args_outcome outcome = read_words(&r, argv, &count);
  if (outcome != MV_ARGS_RUN) /* --help must work whatever the other sources hold */
    return outcome;
  argv[count] = NULL;
  note_operands(given, command, argv);
  if (mv_given_environment(given, command, err) || read_config(given, command, argv[0], err) ||
      store_presets(given, command, err))
    return MV_ARGS_BAD;
  if (wants_print(given, command))
    return MV_ARGS_PRINT;
  return check_operands(command, given, count, argv, err) ? MV_ARGS_BAD : MV_ARGS_RUN;
}

static void print_row(const struct mv_flag *flag, const char *source, const void *options) {
  char name[64];
  mv_flag_setting(flag, name, sizeof name);
  if (!source && !flag->preset && flag->type != MV_FLAG_SWITCH) {
    printf("-- %s is not set\n", name);
    return;
  }
  printf("%s%s = ", flag->traits & MV_FLAG_SECRET ? "-- " : "", name);
  mv_flag_print(flag, options, stdout);
  printf(" -- %s\n", source ? source : "preset");
}

void mv_args_print(const struct mv_command *command, const struct mv_given *given) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    if (!(flag->traits & MV_FLAG_NO_SETTING))
      print_row(flag, given->sources[flag - command->flags], given->options);
}
