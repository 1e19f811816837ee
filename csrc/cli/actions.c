/* `mavilua actions`: the action table, as a list, one row in full, or JSON. */
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "api/openapi.h"
#include "base/json.h"
#include "cli/cli.h"

struct options {
  bool json, openapi;
};

static const struct mv_flag flags[] = {
    {"json", .type = MV_FLAG_SWITCH, .offset = offsetof(struct options, json),
     .doc = "JSON instead of text"},
    {"openapi", .type = MV_FLAG_SWITCH, .offset = offsetof(struct options, openapi),
     .doc = "the whole API as an OpenAPI 3.1 document"},
    {0}};

static void print_list(void) {
  for (size_t i = 0; i < mv_action_count(); i++) {
    const struct mv_action *a = mv_action_at(i);
    printf("%-34s %-4s  %-2s  %-10s  %s\n", a->name, mv_method_name(a->method),
           mv_permission_name(a->permission), mv_retry_class_name(a->retry), a->doc);
  }
  if (mv_cli_on_terminal(stdout))
    printf("\n%zu actions; the columns: name, method, permission, may it be repeated, what it does.\n"
           "mavilua actions NAME tells more about one.\n",
           mv_action_count());
}

static void print_param(const struct mv_param *param, const char *indent) {
  printf("%s%-*s %-14s %s", indent, (int)(24 - strlen(indent)), param->name,
         param->type == MV_CHOICE ? param->choices : mv_type_name(param->type), param->doc ? param->doc : "");
  if (param->required)
    printf(" (required)");
  if (param->limit)
    printf(" (at most %ld)", param->limit);
  putchar('\n');
}

static void print_params(const struct mv_action *a) {
  printf("\nparameters:%s\n", a->param_count ? "" : " none");
  for (size_t i = 0; i < a->param_count; i++) {
    print_param(&a->params[i], "  ");
    if (a->params[i].type == MV_ITEMS)
      for (size_t k = 0; k < a->item_param_count; k++)
        print_param(&a->item_params[k], "    ");
  }
  if (a->extras == MV_EXTRAS_VARIABLES)
    printf("  any others are saved as the client's variables\n");
  if (a->extras == MV_EXTRAS_CONDITIONS && a->extras_limit)
    printf("  any others, at most %d, are the conditions of the search\n", a->extras_limit);
  else if (a->extras == MV_EXTRAS_CONDITIONS)
    printf("  any others are the conditions of the search\n");
}

static void print_rules(const struct mv_action *a) {
  static const char *const kinds[] = {[MV_RULE_ANY] = "at least one of",
                                      [MV_RULE_ONE] = "exactly one of",
                                      [MV_RULE_ALL] = "all or none of",
                                      [MV_RULE_NEEDS] = "the first needs the others:",
                                      [MV_RULE_FORBIDS] = "the first does not go with the others:"};
  for (size_t i = 0; i < a->rule_count; i++)
    printf("%s%s %s\n", i ? "  " : "\nrules:\n  ", kinds[a->rules[i].kind], a->rules[i].names);
}

static void print_action(const struct mv_action *a) {
  printf("%s: %s\n\n", a->name, a->doc);
  printf("  sends       %s\n  permission  %s\n  repeated    %s", mv_method_name(a->method),
         mv_permission_name(a->permission), mv_retry_class_name(a->retry));
  if (a->idempotent_if)
    printf(" (idempotent with %s)", a->idempotent_if);
  putchar('\n');
  print_params(a);
  print_rules(a);
  printf("\nanswer:\n  %s\n\nsource: %s\n", a->answer, a->source);
}

/* Takes the reference over; `write` makes the text. */
static int print_json(const struct mv_command *command, json_t *value,
                      char *(*write)(const json_t *value)) {
  char *text = value ? write(value) : NULL;
  json_decref(value);
  if (!text)
    return mv_cli_fail(command, EX_OSERR, "out of memory");
  puts(text);
  free(text);
  return EX_OK;
}

static json_t *describe_all(void) {
  json_t *all = json_array();
  for (size_t i = 0; all && i < mv_action_count(); i++)
    json_array_append_new(all, mv_action_describe(mv_action_at(i)));
  return all;
}

static int unknown(const struct mv_command *command, const char *name) {
  const char *nearest = mv_action_nearest(name);
  if (nearest)
    return mv_cli_fail(command, EX_USAGE, "unknown action \"%.60s\"; did you mean \"%s\"?", name, nearest);
  return mv_cli_fail(command, EX_USAGE, "unknown action \"%.60s\"; mavilua actions lists them", name);
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  const struct options *options = given;
  const char *name = operands[0];
  const struct mv_action *action = name ? mv_action_find(name, strlen(name)) : NULL;
  if (name && !action)
    return unknown(command, name);
  if (options->openapi && name)
    return mv_cli_fail(command, EX_USAGE, "--openapi is of all actions: it goes without a name");
  if (options->openapi)
    return print_json(command, mv_openapi_document(), mv_json_pretty);
  if (options->json)
    return print_json(command, action ? mv_action_describe(action) : describe_all(), mv_json_text);
  if (action)
    print_action(action);
  else
    print_list();
  return EX_OK;
}

const struct mv_command mv_command_actions = {
    .name = "actions",
    .operands = "[NAME]",
    .most = 1,
    .doc = "list the actions of the platform's API, or tell all about one",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
