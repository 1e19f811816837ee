/* What a command's rows tell: for people, and as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/args.h"

#define LEFT 80 /* room for "-n, --count NUMBER" */

/* "-n, --count NUMBER"; its length. */
static int name_flag(const struct mv_flag *flag, char *out) {
  bool takes = flag->type != MV_FLAG_SWITCH;
  int length = snprintf(out, LEFT, "%s%c%s--%s%s%s", flag->letter ? "-" : "",
                        flag->letter ? flag->letter : ' ', flag->letter ? ", " : "   ", flag->name,
                        takes ? " " : "", takes ? flag->value : "");
  return length < LEFT ? length : LEFT - 1;
}

/* "--api-key-file FILE" as a row of its own; `name` and `env` hold its texts. */
static struct mv_flag file_row(const struct mv_flag *flag, char name[72], char env[72]) {
  snprintf(name, 72, "%s-file", flag->name);
  snprintf(env, 72, "%s_FILE", flag->env ? flag->env : "");
  return (struct mv_flag){name, .type = MV_FLAG_FILE, .value = "FILE", .env = env,
                          .doc = "a file that holds it and nothing else"};
}

/* Calls `each` for every option, those for the files of secrets among them. */
static void each_option(const struct mv_command *command,
                        void (*each)(const struct mv_flag *flag, void *owner), void *owner) {
  char name[72], env[72];
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++) {
    if (!(flag->traits & MV_FLAG_NO_OPTION))
      each(flag, owner);
    if (flag->traits & MV_FLAG_SECRET) {
      struct mv_flag file = file_row(flag, name, env);
      each(&file, owner);
    }
  }
}

static void print_option(const struct mv_flag *flag, void *width) {
  char left[LEFT];
  name_flag(flag, left);
  printf("  %-*s  %s", *(const int *)width, left, flag->doc);
  if (flag->preset || flag->env)
    printf(" [%s%s%s]", flag->preset ? flag->preset : "", flag->preset && flag->env ? "; " : "",
           flag->env ? flag->env : "");
  putchar('\n');
}

static void widen(const struct mv_flag *flag, void *width) {
  char left[LEFT];
  int length = name_flag(flag, left), *widest = width;
  *widest = length > *widest ? length : *widest;
}

/* What only the environment and a configuration file give. */
static void print_settings(const struct mv_command *command, int width) {
  bool first = true;
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++) {
    char name[64];
    if (!(flag->traits & MV_FLAG_NO_OPTION))
      continue;
    if (first)
      printf("\nsettings without an option [environment variable]:\n");
    first = false;
    mv_flag_setting(flag, name, sizeof name);
    printf("  %-*s  %s", width, name, flag->doc);
    if (flag->env)
      printf(" [%s]", flag->env);
    putchar('\n');
  }
}

void mv_args_help(const struct mv_command *command) {
  int width = (int)sizeof "    --version" - 1;
  each_option(command, widen, &width);
  printf("usage: mavilua %s%s%s%s\n\n%s\n", command->name, command->flags ? " [OPTION…]" : "",
         *command->operands ? " " : "", command->operands, command->doc);
  if (command->more)
    printf("\n%s", command->more);
  printf("\noptions [preset; environment variable]:\n");
  each_option(command, print_option, &width);
  printf("  %-*s  %s\n  %-*s  %s\n", width, "-h, --help", "this text", width, "    --version",
         "the version");
  print_settings(command, width);
}

static void set_text(json_t *row, const char *member, const char *text) {
  if (text)
    json_object_set_new(row, member, json_string(text));
}

/* By enum mv_flag_type: what programs call it. */
static const char *const types[] = {
    [MV_FLAG_SWITCH] = "switch",     [MV_FLAG_TEXT] = "text",       [MV_FLAG_FILE] = "file",
    [MV_FLAG_ADDRESS] = "address",   [MV_FLAG_URL] = "url",         [MV_FLAG_CHOICE] = "choice",
    [MV_FLAG_NUMBER] = "number",     [MV_FLAG_SIZE] = "size",       [MV_FLAG_SECONDS] = "seconds",
    [MV_FLAG_OPERANDS] = "operands",
};

static json_t *describe(const struct mv_flag *flag) {
  char takes[128], setting[64];
  const char letter[] = {flag->letter, '\0'};
  json_t *row = json_object();
  mv_flag_describe(flag, takes, sizeof takes);
  mv_flag_setting(flag, setting, sizeof setting);
  set_text(row, "setting", flag->traits & MV_FLAG_NO_SETTING ? NULL : setting);
  bool option = !(flag->traits & MV_FLAG_NO_OPTION) && flag->type != MV_FLAG_OPERANDS;
  set_text(row, "option", option ? flag->name : NULL);
  set_text(row, "letter", flag->letter ? letter : NULL);
  set_text(row, "type", types[flag->type]);
  set_text(row, "takes", takes);
  set_text(row, "value", flag->value);
  set_text(row, "preset", flag->preset);
  set_text(row, "variable", flag->env);
  set_text(row, "doc", flag->doc);
  json_object_set_new(row, "secret", json_boolean(flag->traits & MV_FLAG_SECRET));
  return row;
}

json_t *mv_args_describe(const struct mv_command *command) {
  json_t *rows = json_array();
  for (const struct mv_flag *flag = command->flags; flag && flag->name; flag++)
    json_array_append_new(rows, describe(flag));
  json_t *whole = json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", command->name, "operands",
                            command->operands, "stops", command->stops, "doc", command->doc,
                            "options", rows);
  set_text(whole, "more", command->more);
  return whole;
}
