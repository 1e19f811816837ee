#include "cli/script.h"

#include "cli/testing.h"
#include "lua/vm.h"

int mv_script_check(const struct mv_command *command, const char *path) {
  struct mv_error err = {0};
  return mv_config_check_script(path, &err) ? mv_cli_fail_with(command, &err) : 0;
}

/* `module`: `name` is a module inside the program, otherwise a file. */
static int run(const struct mv_command *command, const char *name, bool module,
               const char *const *args) {
  struct mv_error err = {0};
  struct mv_testing testing = {0};
  struct mv_vm_options options = {.log = mv_cli_log("info", false),
                                  .args = args,
                                  .fed = true,
                                  .program = mv_testing_ask,
                                  .owner = &testing};
  struct mv_vm *vm = mv_vm_new(&options, &err);
  int status = EX_OK;
  if (!vm)
    status = mv_cli_fail_with(command, &err);
  else if (module ? mv_vm_run_module(vm, name, &err) : mv_vm_load(vm, name, &err))
    status = mv_cli_fail(command, EX_SOFTWARE, "%s", mv_vm_trace(vm) ? mv_vm_trace(vm) : err.text);
  else
    status = mv_vm_exit_status(vm);
  mv_vm_free(vm);
  mv_testing_stop(&testing);
  mv_log_free(options.log);
  return status;
}

int mv_script_run(const struct mv_command *command, const char *path, const char *const *args) {
  int status = mv_script_check(command, path);
  return status ? status : run(command, path, false, args);
}

int mv_script_run_module(const struct mv_command *command, const char *module,
                         const char *const *args) {
  return run(command, module, true, args);
}
