/* `mavilua completion`: a shell's completion, made of the tables of commands and actions; the work is
 * done by lua/mavilua/cli/completion.lua. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/script.h"

static int run(const struct mv_command *command, const void *given, char **operands) {
  (void)given;
  if (strcmp(operands[0], "bash") != 0 && strcmp(operands[0], "zsh") != 0)
    return mv_cli_fail(command, EX_USAGE, "takes bash or zsh, not \"%.60s\"", operands[0]);
  json_t *commands = mv_commands_describe();
  char *text = mv_json_text(commands);
  json_decref(commands);
  if (!text)
    return mv_cli_fail(command, EX_OSERR, "out of memory");
  const char *args[] = {operands[0], text, NULL};
  int status = mv_script_run_module(command, "mavilua.cli.completion", args);
  free(text);
  return status;
}

const struct mv_command mv_command_completion = {
    .name = "completion",
    .operands = "bash|zsh",
    .least = 1,
    .most = 1,
    .doc = "print a shell's completion of commands, options, actions and parameters",
    .more = "make install puts both where the shells look for them. Otherwise bash reads the file with\n"
            "`source`, and for zsh it belongs into a folder of $fpath.\n\n"
            "  mavilua completion bash > mavilua.bash\n"
            "  mavilua completion zsh > _mavilua\n",
    .run = run,
};
