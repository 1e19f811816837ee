/* `mavilua run`: a plain Lua script with the module at hand. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/script.h"

static int run(const struct mv_command *command, const void *given, char **operands) {
  (void)given;
  return mv_script_run(command, operands[0], (const char *const *)operands + 1);
}

const struct mv_command mv_command_run = {
    .name = "run",
    .operands = "SCRIPT [ARGUMENT…]",
    .least = 1,
    .most = -1,
    .stops = true,
    .doc = "run a plain Lua script; its exit status is the script's",
    .more = "SCRIPT \"-\" is read from standard input. The script finds its arguments in `arg` and `...`, and\n"
            "has require \"mavilua\" without anything installed.\n\n"
            "A script that registers handlers with host.on gets webhooks from standard input, one JSON\n"
            "object a line, one after the other. Nothing is stored, and nothing is tried again: the exit\n"
            "status is 70 when a handler failed, 65 when a line is no webhook.\n\n"
            "  mavilua run report.lua --list 5\n"
            "  echo '{\"message\":\"hello\",\"client\":{\"id\":836058695}}' | mavilua run orders.lua\n",
    .run = run,
};
