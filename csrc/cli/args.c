#include "cli/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/bytes.h"

#define MOST_FLAGS 48

static bool is_number(const char *text, long low, long high, long *out) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if ((!isdigit((unsigned char)*text) && *text != '-') || *end || errno || value < low || value > high)
    return false;
  *out = value;
  return true;
}

/* "host:port", "[::1]:80", ":8080". */
static bool is_address(const char *text) {
  const char *colon = strrchr(text, ':');
  long port;
  return colon && is_number(colon + 1, 0, 65535, &port);
}

static bool is_url(const char *text) {
  return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static bool is_choice(const char *words, const char *text) {
  size_t length = strlen(text);
  for (const char *word = words; *word; word += strcspn(word, "|"), word += *word == '|')
    if (length > 0 && strcspn(word, "|") == length && memcmp(word, text, length) == 0)
      return true;
  return false;
}

static void describe(const struct mv_flag *flag, char *out, size_t size) {
  switch (flag->type) {
  case MV_FLAG_NUMBER:
    snprintf(out, size, "a whole number from %ld to %ld", flag->low, flag->high);
    return;
  case MV_FLAG_ADDRESS:
    snprintf(out, size, "an address and a port such as 127.0.0.1:8080 (port 0: any free one)");
    return;
  case MV_FLAG_URL:
    snprintf(out, size, "a URL that begins with http:// or https://");
    return;
  case MV_FLAG_CHOICE:
    snprintf(out, size, "one of %s", flag->value);
    return;
  default:
    snprintf(out, size, "a value");
  }
}

static bool fits(const struct mv_flag *flag, const char *text) {
  long ignored;
  switch (flag->type) {
  case MV_FLAG_NUMBER:
    return is_number(text, flag->low, flag->high, &ignored);
  case MV_FLAG_ADDRESS:
    return is_address(text);
  case MV_FLAG_URL:
    return is_url(text);
  case MV_FLAG_CHOICE:
    return is_choice(flag->value, text);
  default:
    return *text != '\0';
  }
}

/* `source`: "--listen" or the variable's name. A secret could be in `text`: only checked kinds are
 * quoted in the message. */
static int store(const struct mv_flag *flag, const char *source, const char *text, void *options,
                 struct mv_error *err) {
  char *field = (char *)options + flag->offset;
  char expected[128];
  if (!fits(flag, text)) {
    describe(flag, expected, sizeof expected);
    return mv_error_set(err, MV_ERROR_USAGE, "%s takes %s, not \"%.60s\"", source, expected, text);
  }
  if (flag->type == MV_FLAG_NUMBER) {
    long value = strtol(text, NULL, 10);
    memcpy(field, &value, sizeof value);
  } else {
    memcpy(field, &text, sizeof text);
  }
  return 0;
}

static void switch_on(const struct mv_flag *flag, void *options) {
  bool on = true;
  memcpy((char *)options + flag->offset, &on, sizeof on);
}

/* "1", "true", "yes", "on" switch on; "", "0", "false", "no", "off" do not. */
static int switch_by(const struct mv_flag *flag, const char *text, void *options,
                     struct mv_error *err) {
  if (is_choice("1|true|yes|on", text))
    switch_on(flag, options);
  else if (!is_choice("0|false|no|off", text))
    return mv_error_set(err, MV_ERROR_USAGE, "%s takes 1 or 0, not \"%.60s\"", flag->env, text);
  return 0;
}

static int store_presets(const struct mv_command *command, void *options, struct mv_error *err) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++) {
    const char *variable = flag->env ? getenv(flag->env) : NULL;
    if (variable && !*variable)
      variable = NULL;
    if (variable && flag->type == MV_FLAG_SWITCH) {
      if (switch_by(flag, variable, options, err))
        return -1;
    } else if (variable) {
      if (store(flag, flag->env, variable, options, err))
        return -1;
    } else if (flag->preset && store(flag, flag->name, flag->preset, options, err)) {
      return -1;
    }
  }
  return 0;
}

static const struct mv_flag *find_long(const struct mv_command *command, const char *name,
                                       size_t length) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    if (strlen(flag->name) == length && memcmp(flag->name, name, length) == 0)
      return flag;
  return NULL;
}

static const struct mv_flag *find_letter(const struct mv_command *command, char letter) {
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    if (flag->letter == letter)
      return flag;
  return NULL;
}

static int unknown(const struct mv_command *command, const char *word, struct mv_error *err) {
  const char *names[MOST_FLAGS + 2];
  char name[64];
  size_t count = 0;
  for (const struct mv_flag *flag = command->flags; flag && flag->name && count < MOST_FLAGS; flag++)
    names[count++] = flag->name;
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

/* Where the reading of the words stands. */
struct reader {
  const struct mv_command *command;
  char **next;
  void *options;
  struct mv_error *err;
};

static int take_value(struct reader *r, const struct mv_flag *flag, const char *source,
                      const char *attached) {
  if (flag->type == MV_FLAG_SWITCH) {
    if (attached)
      return mv_error_set(r->err, MV_ERROR_USAGE, "%s takes no value", source);
    switch_on(flag, r->options);
    return 0;
  }
  char expected[128];
  describe(flag, expected, sizeof expected);
  if (!attached && !*r->next)
    return mv_error_set(r->err, MV_ERROR_USAGE, "%s needs %s behind it", source, expected);
  return store(flag, source, attached ? attached : *r->next++, r->options, r->err);
}

static int take_long(struct reader *r, const char *word) {
  size_t length = strcspn(word + 2, "=");
  const struct mv_flag *flag = find_long(r->command, word + 2, length);
  char source[64];
  if (!flag)
    return unknown(r->command, word, r->err);
  snprintf(source, sizeof source, "--%s", flag->name);
  return take_value(r, flag, source, word[2 + length] ? word + 3 + length : NULL);
}

static int take_letter(struct reader *r, const char *word) {
  const struct mv_flag *flag = find_letter(r->command, word[1]);
  const char source[] = {'-', word[1], '\0'};
  if (!flag)
    return unknown(r->command, word, r->err);
  return take_value(r, flag, source, word[2] ? word + 2 : NULL);
}

static int check_operands(const struct mv_command *command, int count, char **operands,
                          struct mv_error *err) {
  if (count < command->least)
    return mv_error_set(err, MV_ERROR_USAGE, "%s is missing; usage: mavilua %s %s", command->operands,
                        command->name, command->operands);
  if (command->most >= 0 && count > command->most)
    return mv_error_set(err, MV_ERROR_USAGE, "\"%.60s\" is one argument too many; usage: mavilua %s%s%s",
                        operands[command->most], command->name, *command->operands ? " " : "",
                        command->operands);
  return 0;
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

enum mv_args_outcome mv_args_parse(const struct mv_command *command, char **argv, void *options,
                                   struct mv_error *err) {
  struct reader r = {command, argv, options, err};
  struct mv_error preset_error = {0};
  int count = 0;
  memset(options, 0, command->size);
  int bad_preset = store_presets(command, options, &preset_error);
  enum mv_args_outcome outcome = read_words(&r, argv, &count);
  if (outcome != MV_ARGS_RUN)
    return outcome;
  argv[count] = NULL;
  if (bad_preset) { /* told only now: --help must work whatever the environment holds */
    *err = preset_error;
    return MV_ARGS_BAD;
  }
  return check_operands(command, count, argv, err) ? MV_ARGS_BAD : MV_ARGS_RUN;
}

#define LEFT 80 /* room for "-n, --count NUMBER" */

/* "-n, --count NUMBER"; its length. */
static int name_flag(const struct mv_flag *flag, char *out) {
  bool takes = flag->type != MV_FLAG_SWITCH;
  int length = snprintf(out, LEFT, "%s%c%s--%s%s%s", flag->letter ? "-" : "",
                        flag->letter ? flag->letter : ' ', flag->letter ? ", " : "   ", flag->name,
                        takes ? " " : "", takes ? flag->value : "");
  return length < LEFT ? length : LEFT - 1;
}

static void help_line(const struct mv_flag *flag, int width) {
  char left[LEFT];
  name_flag(flag, left);
  printf("  %-*s  %s", width, left, flag->doc);
  if (flag->preset || flag->env)
    printf(" [%s%s%s]", flag->preset ? flag->preset : "", flag->preset && flag->env ? "; " : "",
           flag->env ? flag->env : "");
  putchar('\n');
}

/* Of the column with the names. */
static int widest(const struct mv_command *command) {
  char left[LEFT];
  int width = (int)sizeof "    --version" - 1;
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++) {
    int length = name_flag(flag, left);
    width = length > width ? length : width;
  }
  return width;
}

void mv_args_help(const struct mv_command *command) {
  int width = widest(command);
  printf("usage: mavilua %s%s%s%s\n\n%s\n", command->name, command->flags ? " [OPTION…]" : "",
         *command->operands ? " " : "", command->operands, command->doc);
  if (command->more)
    printf("\n%s", command->more);
  printf("\noptions [preset; environment variable]:\n");
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    help_line(flag, width);
  printf("  %-*s  %s\n  %-*s  %s\n", width, "-h, --help", "this text", width, "    --version",
         "the version");
}
