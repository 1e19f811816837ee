/* All commands, in the order in which they are listed. */
#include <string.h>

#include "cli/cli.h"

const struct mv_command *const mv_commands[] = {
    &mv_command_serve, &mv_command_run,     &mv_command_check, &mv_command_next,
    &mv_command_why,   &mv_command_events,  &mv_command_call,  &mv_command_actions,
    &mv_command_chat,  &mv_command_repl,    &mv_command_sandbox, &mv_command_new,
    &mv_command_completion};

#define COUNT (sizeof mv_commands / sizeof mv_commands[0])
_Static_assert(COUNT <= MV_COMMANDS_MOST, "too many commands");

const size_t mv_commands_count = COUNT;

const struct mv_command *mv_commands_find(const char *name) {
  for (size_t i = 0; i < mv_commands_count; i++)
    if (strcmp(mv_commands[i]->name, name) == 0)
      return mv_commands[i];
  return NULL;
}

json_t *mv_commands_describe(void) {
  json_t *all = json_array();
  for (size_t i = 0; i < mv_commands_count; i++)
    json_array_append_new(all, mv_args_describe(mv_commands[i]));
  return all;
}
