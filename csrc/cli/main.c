/* The program: finds the command in a table, reads its options, runs it. */
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "api/action.h"
#include "base/json.h"
#include "base/version.h"
#include "cli/cli.h"
#include "store/sql.h"

static void overview(FILE *out) {
  fprintf(out, "usage: mavilua COMMAND [OPTION…] [ARGUMENT…]\n\nautomation for chatbots and a small CRM in Lua\n\n"
               "commands:\n");
  for (size_t i = 0; i < mv_commands_count; i++)
    fprintf(out, "  %-10s %s\n", mv_commands[i]->name, mv_commands[i]->doc);
  fprintf(out, "\nmavilua help COMMAND tells more; mavilua --version tells the version\n");
}

static int print_version(void) {
  printf("mavilua %s\n", MV_VERSION);
  return EX_OK;
}

static int unknown(const char *name) {
  const char *names[MV_COMMANDS_MOST + 1] = {"help"};
  for (size_t i = 0; i < mv_commands_count; i++)
    names[i + 1] = mv_commands[i]->name;
  const char *nearest = mv_nearest(name, names, mv_commands_count + 1);
  if (nearest)
    fprintf(stderr, "mavilua: unknown command \"%.60s\"; did you mean \"%s\"?\n", name, nearest);
  else
    fprintf(stderr, "mavilua: unknown command \"%.60s\"; mavilua --help lists them\n", name);
  return EX_USAGE;
}

/* Takes the reference over. */
static int print_json(json_t *value) {
  char *text = mv_json_text(value);
  json_decref(value);
  if (!text) {
    fprintf(stderr, "mavilua: out of memory\n");
    return EX_OSERR;
  }
  puts(text);
  free(text);
  return EX_OK;
}

static int help_on(const struct mv_command *command, bool json) {
  if (json)
    return print_json(mv_args_describe(command));
  mv_args_help(command);
  return EX_OK;
}

/* `mavilua help [COMMAND] [--json]` */
static int help(char **words) {
  size_t count = 0;
  while (words[count])
    count++;
  bool json = count && strcmp(words[count - 1], "--json") == 0;
  size_t named = count - (json ? 1 : 0);
  const char *name = named ? words[0] : NULL;
  if (named > 1) {
    fprintf(stderr, "mavilua: help takes one command, and --json behind it; mavilua --help lists them\n");
    return EX_USAGE;
  }
  if (!name && json)
    return print_json(mv_commands_describe());
  const struct mv_command *command = name ? mv_commands_find(name) : NULL;
  if (command)
    return help_on(command, json);
  if (!name)
    overview(stdout);
  else if (strcmp(name, "help") == 0)
    printf("usage: mavilua help [COMMAND] [--json]\n\nlist the commands, or explain one: what it does and its "
           "options, with --json as JSON\n");
  else
    return unknown(name);
  return EX_OK;
}

static int fail(const struct mv_command *command, const struct mv_error *err) {
  if (err->kind == MV_ERROR_USAGE)
    return mv_cli_fail(command, EX_USAGE, "%s", err->text);
  return mv_cli_fail_with(command, err);
}

static int run(const struct mv_command *command, char **argv) {
  struct mv_error err = {0};
  struct mv_given given = {.options = NULL};
  int status = EX_OK;
  enum mv_args_outcome outcome = mv_args_parse(command, argv, &given, &err);
  if (outcome == MV_ARGS_RUN || outcome == MV_ARGS_PRINT)
    mv_cli_warn(command, given.warnings.data);
  if (outcome != MV_ARGS_HELP && (command == &mv_command_serve || command == &mv_command_check))
    mv_cli_warn_of_variables(command, mv_commands, mv_commands_count);
  if (outcome == MV_ARGS_RUN)
    status = command->run(command, given.options, argv);
  else if (outcome == MV_ARGS_HELP)
    mv_args_help(command);
  else if (outcome == MV_ARGS_VERSION)
    print_version();
  else if (outcome == MV_ARGS_PRINT)
    mv_args_print(command, &given);
  else
    status = fail(command, &err);
  mv_args_free(&given);
  return status;
}

/* Output that could not be written (a full disk, a closed pipe) must not look like success. */
static int finish(int status) {
  bool failed = fflush(stdout) != 0 || ferror(stdout);
  if (!failed || status != EX_OK)
    return status;
  fprintf(stderr, "mavilua: standard output cannot be written\n");
  return EX_IOERR;
}

/* glibc gives back whatever is free at the end of a thread's heap from 128 KiB on: a few hundred events
 * that end would be unmapped, and faulted in again for the next ones, with all processors told. */
static void keep_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, 2 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

int main(int argc, char **argv) {
  keep_freed_memory();
  mv_sql_setup();
  const char *name = argc > 1 ? argv[1] : NULL;
  if (!name) {
    overview(stderr);
    return EX_USAGE;
  }
  if (strcmp(name, "--version") == 0)
    return finish(print_version());
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
    return finish(help(argv + 2));
  const struct mv_command *command = mv_commands_find(name);
  return finish(command ? run(command, argv + 2) : unknown(name));
}
