/* Scripts that are run to their end on the caller's thread. */
#include <stdlib.h>

#include "embed/chosen.h"
#include "embed/failure.h"
#include "embed/hooks.h"
#include "lua/vm.h"

struct mavilua_script {
  struct mv_chosen chosen;
  struct mv_hooks hooks;
  mavilua_print_fn print;
  void *print_user;
};

/* What is to be run. */
struct source {
  const char *name;
  const char *text; /* NULL: the file of that name */
  size_t length;
};

mavilua_script *mavilua_script_new(void) {
  return calloc(1, sizeof(mavilua_script));
}

void mavilua_script_free(mavilua_script *script) {
  if (script)
    mv_chosen_free(&script->chosen);
  free(script);
}

int mavilua_script_set(mavilua_script *script, const char *name, const char *value, char **err) {
  static const char *const settings[] = {"api_key", "base_url", "memory_limit", "cpu_limit", NULL};
  struct mv_error own = {0};
  mv_failure_none(err);
  return mv_chosen_set(&script->chosen, settings, name, value, &own) ? mv_failure_tell(&own, err)
                                                                     : MAVILUA_OK;
}

void mavilua_script_set_allocator(mavilua_script *script, mavilua_allocate_fn allocate,
                                  mavilua_resize_fn resize, mavilua_release_fn release, void *user) {
  script->hooks.memory = (struct mv_memory){allocate, resize, release, user};
}

void mavilua_script_set_clock(mavilua_script *script, mavilua_clock_fn wall,
                              mavilua_clock_fn monotonic, void *user) {
  script->hooks.clock = (struct mv_clock){wall, monotonic, user};
}

void mavilua_script_set_print(mavilua_script *script, mavilua_print_fn print, void *user) {
  script->print = print;
  script->print_user = user;
}

/* ---- running ------------------------------------------------------------------------------------ */

static void print_line(void *owner, const char *line, size_t length) {
  const mavilua_script *script = owner;
  script->print(script->print_user, line, length);
}

static struct mv_vm *make(mavilua_script *script, const char *const *arguments, struct mv_error *err) {
  const struct mv_host_options *chosen = &script->chosen.config.host;
  struct mv_vm_options options = {.memory = mv_hooks_memory(&script->hooks),
                                  .clock = mv_hooks_clock(&script->hooks),
                                  .memory_limit = chosen->memory_limit,
                                  .cpu_limit = chosen->cpu_limit,
                                  .api_key = chosen->api_key,
                                  .base_url = chosen->base_url,
                                  .args = arguments,
                                  .print = script->print ? print_line : NULL,
                                  .owner = script};
  return mv_vm_new(&options, err);
}

static int run(mavilua_script *script, const struct source *source, const char *const *arguments,
               int *exit_status, char **out) {
  struct mv_error err = {0};
  int status = MAVILUA_OK;
  struct mv_vm *vm = make(script, arguments, &err);
  if (!vm)
    return mv_failure_tell(&err, out);
  if (source->text ? mv_vm_load_text(vm, source->name, source->text, source->length, &err)
                   : mv_vm_load(vm, source->name, &err))
    status = mv_failure_text(MAVILUA_SCRIPT, mv_vm_trace(vm) ? mv_vm_trace(vm) : err.text, out);
  if (exit_status)
    *exit_status = mv_vm_exit_status(vm);
  mv_vm_free(vm);
  return status;
}

int mavilua_script_run_file(mavilua_script *script, const char *path, const char *const *arguments,
                            int *exit_status, char **err) {
  const struct source source = {.name = path};
  struct mv_error own = {0};
  mv_failure_none(err);
  if (!path || !*path)
    return mv_failure_text(MAVILUA_USAGE, "the name of a script is expected", err);
  if (mv_config_check_script(path, &own))
    return mv_failure_tell(&own, err);
  return run(script, &source, arguments, exit_status, err);
}

int mavilua_script_run_buffer(mavilua_script *script, const char *name, const char *text,
                              size_t length, const char *const *arguments, int *exit_status,
                              char **err) {
  const struct source source = {name ? name : "buffer", text ? text : "", text ? length : 0};
  mv_failure_none(err);
  return run(script, &source, arguments, exit_status, err);
}
