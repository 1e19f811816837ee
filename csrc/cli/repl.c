/* `mavilua repl`: Lua at a prompt with a client at hand. What is typed is run and printed by
 * lua/mavilua/repl/session.lua; here are the terminal, the signals and the sandbox. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/plain.h"
#include "cli/repl_edit.h"
#include "cli/testing.h"
#include "lua/vm.h"
#include "sandbox/sandbox.h"

#define SESSION "mavilua.repl.session"
#define SANDBOX_KEY "sandbox"
#define SHORTEST_KEY                                                                               \
  6 /* no key of the platform is as short; to look for a "k" would hit all lines */

struct options {
  const char *base_url, *api_key, *ca_file;
  bool sandbox;
};

static const struct mv_flag flags[] = {
    {"base-url", .type = MV_FLAG_URL, .value = "URL", .env = "MAVILUA_BASE_URL",
     .offset = offsetof(struct options, base_url), .doc = "the platform's address"},
    MV_CLI_CA_ROW(struct options),
    {"sandbox", .type = MV_FLAG_SWITCH, .offset = offsetof(struct options, sandbox),
     .doc = "start a sandbox with the built-in shop and be its client"},
    {"api-key", .type = MV_FLAG_TEXT, .value = "KEY", .env = "MAVILUA_API_KEY",
     .traits = MV_FLAG_SECRET | MV_FLAG_NO_OPTION, .offset = offsetof(struct options, api_key),
     .doc = "the key of the platform's API"},
    {0}};

struct repl {
  const struct mv_command *command;
  const struct options *options;
  struct mv_log *log;
  struct mv_sandbox *sandbox;
  struct mv_testing testing;
  struct mv_vm *vm;
  struct mv_interrupt interrupt;
  bool interactive;
};

/* Functions of the session */

/* What the session asks of the program. */
static json_t *ask(void *owner, const char *name, const json_t *arguments, struct mv_error *err) {
  struct repl *repl = owner;
  if (strcmp(name, "columns") == 0)
    return json_pack("{s:I}", "columns", (json_int_t)mv_plain_columns(stdout));
  return mv_testing_ask(&repl->testing, name, arguments, err);
}

static int call(struct repl *repl, const char *name, const char *text, size_t length,
                json_t **answer, struct mv_error *err) {
  return mv_vm_call(repl->vm, SESSION, name, text, length, answer, err);
}

static void forget(struct repl *repl) {
  struct mv_error err;
  call(repl, "forget", "", 0, NULL, &err);
}

static json_t *complete(void *owner, const char *text, size_t length) {
  json_t *found = NULL;
  struct mv_error err;
  return call(owner, "complete", text, length, &found, &err) == 0 ? found : NULL;
}

enum outcome { DONE, MORE, FAILED, LEAVE };

/* Hands a text to a function of the session that answers with how it went. */
static enum outcome run_text(struct repl *repl, const char *name, const char *text, size_t length) {
  struct mv_error err = {0};
  json_t *answer = NULL;
  int status = call(repl, name, text, length, &answer, &err);
  const char *word = json_string_value(answer);
  enum outcome outcome = status == 0 && word && strcmp(word, "more") == 0   ? MORE
                         : status == 0 && word && strcmp(word, "done") == 0 ? DONE
                                                                            : FAILED;
  json_decref(answer);
  fflush(stdout);
  if (status != 0 && mv_vm_exited(repl->vm))
    return LEAVE;
  if (status == 0)
    return outcome;
  fputs(status > 0 ? "interrupted" : "error: ", stderr);
  mv_plain_print(stderr, status > 0 ? "" : err.text, 0, false);
  fputc('\n', stderr);
  forget(repl);
  return FAILED;
}

/* From a pipe */

static int read_pipe(struct repl *repl) {
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  enum outcome outcome = DONE;
  while (outcome != FAILED && outcome != LEAVE && (length = getline(&line, &size, stdin)) >= 0) {
    length -= length > 0 && line[length - 1] == '\n';
    outcome = run_text(repl, "line", line, (size_t)length);
  }
  free(line);
  if (outcome == MORE)
    outcome = run_text(repl, "finish", "", 0);
  return outcome == FAILED ? EXIT_FAILURE : mv_vm_exit_status(repl->vm);
}

/* At the terminal */

static void interrupted(void *owner) {
  struct repl *repl = owner;
  mv_vm_interrupt(repl->vm);
}

static bool is_over(struct repl *repl) {
  return atomic_load(&repl->interrupt.over);
}

static void converse(struct repl *repl, struct mv_edit *edit) {
  const char *prompt = repl->sandbox ? "sandbox> " : "mavilua> ";
  struct mv_bytes line = {0};
  enum outcome outcome = DONE;
  while (outcome != LEAVE && !is_over(repl)) {
    enum mv_edit_outcome read = mv_edit_read(edit, outcome == MORE ? "    ...> " : prompt, &line);
    mv_interrupt_clear(&repl->interrupt);
    if (read == MV_EDIT_END) {
      outcome = LEAVE;
      putchar('\n');
    } else if (read == MV_EDIT_INTERRUPTED) {
      outcome = DONE;
      puts(is_over(repl) ? "" : "^C");
      forget(repl);
    } else {
      outcome = run_text(repl, "line", line.data ? line.data : "", line.length);
      mv_interrupt_clear(&repl->interrupt); /* what interrupted the run does not drop the next line */
    }
  }
  mv_bytes_free(&line);
}

/* The key that lines must not hold, or NULL. */
static const char *secret_of(const struct repl *repl) {
  const char *key = repl->options->api_key;
  return key && strlen(key) >= SHORTEST_KEY && strcmp(key, SANDBOX_KEY) != 0 ? key : NULL;
}

static int read_terminal(struct repl *repl) {
  struct mv_error err = {0};
  int status = EX_OK;
  struct mv_edit *edit = NULL;
  if (mv_interrupt_start(&repl->interrupt, interrupted, repl, &err) == 0) {
    struct mv_edit_options options = {
        .wake = repl->interrupt.wake, .key = secret_of(repl), .complete = complete, .owner = repl};
    edit = mv_edit_open(&options, &err);
  }
  if (edit)
    converse(repl, edit);
  else
    status = mv_cli_fail_with(repl->command, &err);
  mv_edit_close(edit);
  mv_interrupt_stop(&repl->interrupt);
  return status ? status : mv_vm_exit_status(repl->vm);
}

/* Start and end */

static int start_sandbox(struct repl *repl, struct mv_error *err) {
  struct mv_sandbox_options options = {
      .listen = "127.0.0.1:0", .database = ":memory:", .log = repl->log};
  if (!repl->options->sandbox)
    return 0;
  repl->sandbox = mv_sandbox_start(&options, err);
  return repl->sandbox ? 0 : -1;
}

static int start_vm(struct repl *repl, struct mv_error *err) {
  const struct options *options = repl->options;
  struct mv_vm_options settings = {.log = repl->log, .program = ask, .owner = repl};
  settings.api_key = repl->sandbox ? SANDBOX_KEY : options->api_key;
  settings.ca_file = options->ca_file;
  settings.base_url = repl->sandbox ? mv_sandbox_url(repl->sandbox) : options->base_url;
  repl->vm = mv_vm_new(&settings, err);
  return repl->vm ? 0 : -1;
}

static int start_session(struct repl *repl, struct mv_error *err) {
  bool readable = mv_cli_on_terminal(stdout);
  const char *text = readable ? "{\"readable\":true}" : "{\"readable\":false}";
  json_t *platform = NULL;
  if (call(repl, "start", text, strlen(text), &platform, err))
    return -1;
  if (repl->interactive) {
    printf("mavilua %s, %s at ", MV_VERSION, repl->sandbox ? "a sandbox" : "the platform");
    mv_plain_print(stdout, json_string_value(platform), 0, false);
    printf("; \"help\" tells what there is, Ctrl-D leaves\n");
  }
  json_decref(platform);
  return 0;
}

static int run(const struct mv_command *command, const void *given, char **operands) {
  struct repl repl = {.command = command, .options = given};
  struct mv_error err = {0};
  int status = mv_cli_check_file(command, repl.options->ca_file, "a file of certificates");
  (void)operands;
  if (status)
    return status;
  if (!repl.options->sandbox && !repl.options->api_key)
    return mv_cli_fail(
        command, EX_CONFIG,
        "no API key: set MAVILUA_API_KEY (or MAVILUA_API_KEY_FILE) to the key of the project's "
        "settings (Integrations > API key), or try mavilua repl --sandbox");
  repl.interactive = mv_cli_on_terminal(stdin) && mv_cli_on_terminal(stdout);
  repl.log = mv_cli_log("warn", false);
  if (repl.interactive)
    mv_interrupt_prepare();
  if (start_sandbox(&repl, &err) || start_vm(&repl, &err) || start_session(&repl, &err))
    status = mv_cli_fail_with(command, &err);
  else
    status = repl.interactive ? read_terminal(&repl) : read_pipe(&repl);
  mv_vm_free(repl.vm);
  mv_testing_stop(&repl.testing);
  mv_sandbox_stop(repl.sandbox);
  mv_log_free(repl.log);
  return status;
}

const struct mv_command mv_command_repl = {
    .name = "repl",
    .operands = "",
    .doc = "Lua at a prompt, with `bot` ready and actions completed by Tab",
    .more = "The API key comes from MAVILUA_API_KEY or a file, never from an argument. From a pipe "
            "the lines are\n"
            "run without a prompt, and the first error ends with exit status 1; what is not for a "
            "terminal is\n"
            "printed as JSON, a value a line.\n\n"
            "  mavilua repl --sandbox\n"
            "  echo 'bot:get_clients { limit = 3 }' | mavilua repl\n",
    .flags = flags,
    .size = sizeof(struct options),
    .run = run,
};
