/* `mavilua check`: what the scripts register, and when their schedules will fire. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "service/config.h"
#include "host/host.h"
#include "host/schedule.h"
#include "time/moment.h"

#define MOMENTS 3 /* told of each schedule */

struct options {
  bool json;
  const char *config;
};

static const struct mv_flag flags[] = {
    {"json", .type = MV_FLAG_SWITCH, .offset = offsetof(struct options, json),
     .doc = "JSON instead of text"},
    {"config", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_CONFIG",
     .offset = offsetof(struct options, config), .doc = "the settings that serve would be given"},
    {0}};

static const char *text_of(const json_t *row, const char *member) {
  const char *text = json_string_value(json_object_get(row, member));
  return text ? text : "";
}

static void print_place(const json_t *row) {
  printf("  (%s:%lld)\n", text_of(row, "file"),
         (long long)json_integer_value(json_object_get(row, "line")));
}

/* " text="/start"": what a handler wants of an event. */
static void print_match(const json_t *row) {
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(row, "match"), name, value) {
    char *text = mv_json_text(value);
    printf(" %s=%s", name, text ? text : "?");
    free(text);
  }
}

static void print_handler(const json_t *row) {
  printf("  on %s", text_of(row, "event"));
  print_match(row);
  print_place(row);
}

static void print_hook(const json_t *row) {
  const json_t *secret = json_object_get(row, "secret"), *key = json_object_get(row, "key");
  printf("  POST /hook/%s%s", text_of(row, "name"), secret && !json_is_null(secret) ? "" : " (no secret)");
  if (json_is_string(key))
    printf(" key %s", json_string_value(key));
  print_place(row);
}

static void print_job(const json_t *row) {
  printf("  %s", text_of(row, "name"));
  print_place(row);
}

static void print_moments(const json_t *row) {
  struct mv_schedule schedule;
  int64_t moment = mv_clock_wall(NULL) / 1000;
  int bad = mv_schedule_init(&schedule, text_of(row, "kind"), text_of(row, "expression"),
                             text_of(row, "timezone"), NULL);
  for (int i = 0; !bad && i < MOMENTS; i++) {
    char text[64];
    bool shifted;
    moment = mv_schedule_next(&schedule, moment, &shifted);
    if (moment != INT64_MAX)
      printf("    %s%s\n", mv_moment_format(schedule.zone, moment, text),
             shifted ? "  moved by daylight saving" : "");
  }
  mv_schedule_free(&schedule);
}

static void print_schedule(const json_t *row) {
  const char *zone = text_of(row, "timezone");
  printf("  %s: %s %s%s%s", text_of(row, "name"), text_of(row, "kind"), text_of(row, "expression"),
         *zone ? " " : "", zone);
  print_place(row);
  print_moments(row);
}

static void print_section(const json_t *definitions, const char *name,
                          void (*print)(const json_t *row)) {
  const json_t *rows = json_object_get(definitions, name);
  size_t i;
  json_t *row;
  if (json_array_size(rows) > 0)
    printf("%s:\n", name);
  json_array_foreach(rows, i, row) print(row);
}

/* That a hook has a secret may be told, the secret not. */
static void hide_secrets(json_t *definitions) {
  size_t i;
  json_t *hook;
  json_array_foreach(json_object_get(definitions, "hooks"), i, hook) {
    if (json_is_string(json_object_get(hook, "secret")))
      json_object_set_new(hook, "secret", json_true());
  }
}

static int print(const struct mv_command *command, json_t *definitions, json_t *faults, bool json) {
  if (!json) {
    print_section(definitions, "handlers", print_handler);
    print_section(definitions, "hooks", print_hook);
    print_section(definitions, "schedules", print_schedule);
    print_section(definitions, "jobs", print_job);
    return EX_OK;
  }
  hide_secrets(definitions);
  json_object_set(definitions, "faults", faults);
  char *text = mv_json_text(definitions);
  if (!text)
    return mv_cli_fail(command, EX_OSERR, "out of memory");
  puts(text);
  free(text);
  return EX_OK;
}

/* All of them, each with its place. */
static int tell_faults(const struct mv_command *command, const json_t *faults) {
  size_t i;
  json_t *fault;
  json_array_foreach(faults, i, fault) mv_cli_fail(command, EX_DATAERR, "%s", json_string_value(fault));
  return json_array_size(faults) ? EX_DATAERR : EX_OK;
}

static int check(const struct mv_command *command, const struct options *options,
                 const char *const *scripts) {
  struct mv_error err = {0};
  struct mv_log *log = mv_cli_log("warn", false);
  json_t *faults = json_array(), *definitions = mv_host_check(scripts, log, faults, &err);
  int status = tell_faults(command, faults);
  if (!definitions)
    status = mv_cli_fail_with(command, &err);
  else if (status == EX_OK)
    status = print(command, definitions, faults, options->json);
  else if (options->json)
    print(command, definitions, faults, true);
  json_decref(definitions);
  json_decref(faults);
  mv_log_free(log);
  return status;
}

/* Nothing is sent, so a script may make its client without there being a key yet. */
static void allow_clients(void) {
  const char *key = getenv("MAVILUA_API_KEY");
  if (!key || !*key)
    setenv("MAVILUA_API_KEY", "none-while-checking", 1);
}

/* The words that `mavilua serve` would be given; free with free(). */
static char **words_of(const struct options *options, char **operands) {
  static char config[] = "--config", end[] = "--";
  size_t count = 0, used = 0;
  while (operands[count])
    count++;
  char **words = calloc(count + 4, sizeof *words);
  if (words && options->config) {
    words[used++] = config;
    words[used++] = (char *)(uintptr_t)options->config;
  }
  if (words) {
    words[used++] = end;
    memcpy(words + used, operands, count * sizeof *words);
  }
  return words;
}

/* Reads the settings as serve does. 0 or the exit status. */
static int configure(const struct mv_command *command, char **words, struct mv_given *given) {
  struct mv_command serve = mv_command_serve;
  struct mv_error err = {0};
  serve.name = command->name;
  if (mv_args_parse(&serve, words, given, &err) == MV_ARGS_BAD)
    return err.kind == MV_ERROR_USAGE ? mv_cli_fail(command, EX_USAGE, "%s", err.text)
                                      : mv_cli_fail_with(command, &err);
  mv_cli_warn(command, given->warnings.data);
  return mv_cli_check_config(command, given->options, false);
}

static int run(const struct mv_command *command, const void *options, char **operands) {
  struct mv_given given = {.options = NULL};
  char **words = words_of(options, operands);
  int status = words ? configure(command, words, &given) : mv_cli_fail(command, EX_OSERR, "out of memory");
  const struct mv_config *config = given.options;
  if (!status && config) {
    allow_clients();
    status = check(command, options, config->host.scripts);
  }
  mv_args_free(&given);
  free(words);
  return status;
}

const struct mv_command mv_command_check = {
    .name = "check",
    .operands = "SCRIPT…",
    .most = -1,
    .doc = "load scripts without serving: their handlers, hooks, schedules and next moments",
    .more = "All that is wrong is told, each with file and line, not only the first.\n"
            "Exit status 0 when `mavilua serve` would take them, 65 when a script or a schedule is wrong, 78\n"
            "when nothing is registered or a setting is wrong: environment and mavilua.conf.lua are read, too.\n",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
