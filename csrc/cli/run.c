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
            "  mavilua run report.lua --list 5\n",
    .run = run,
};
