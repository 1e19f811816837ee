/* `mavilua call`: one action from the command line; the work is done by lua/mavilua/cli/call.lua. */
#include "cli/cli.h"
#include "cli/script.h"

struct options {
  const char *base_url, *ca_file;
  bool pretty, compact, any;
};

static const struct mv_flag flags[] = {
    {"base-url", .type = MV_FLAG_URL, .value = "URL", .env = "MAVILUA_BASE_URL",
     .offset = offsetof(struct options, base_url), .doc = "the platform's address"},
    MV_CLI_CA_ROW(struct options),
    {"pretty", .type = MV_FLAG_SWITCH, .offset = offsetof(struct options, pretty),
     .doc = "readable JSON even when it is not for a terminal"},
    {"compact", .type = MV_FLAG_SWITCH, .offset = offsetof(struct options, compact),
     .doc = "one line of JSON even on a terminal"},
    {"any", .type = MV_FLAG_SWITCH, .offset = offsetof(struct options, any),
     .doc = "send an action that mavilua does not know, as POST and unchecked"},
    {0}};

static int run(const struct mv_command *command, const void *given, char **operands) {
  const struct options *options = given;
  bool pretty = !options->compact && (options->pretty || mv_cli_on_terminal(stdout));
  const char *args[] = {pretty ? "pretty" : "compact",
                        options->any ? "any" : "known",
                        options->base_url ? options->base_url : "",
                        options->ca_file ? options->ca_file : "",
                        operands[0],
                        operands[1],
                        NULL};
  int status = mv_cli_check_file(command, options->ca_file, "a file of certificates");
  if (status)
    return status;
  return mv_script_run_module(command, "mavilua.cli.call", args);
}

const struct mv_command mv_command_call = {
    .name = "call",
    .operands = "ACTION [JSON|@FILE|-]",
    .least = 1,
    .most = 2,
    .doc = "call one action of the API and print its answer as JSON",
    .more = "The API key comes from MAVILUA_API_KEY alone: arguments can be seen by everybody on the machine.\n"
            "Parameters are JSON, a file of it (@FILE), or standard input (-). Exit status 64: misuse,\n"
            "69: the platform could not be reached, 70: it refused.\n\n"
            "  mavilua call find_clients '{\"q\":{\"city\":\"Oslo\"}}'\n",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
