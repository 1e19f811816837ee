/* `mavilua check`: loads scripts as a host would, and runs nothing of them. */
#include "host/definitions.h"
#include "host/host.h"
#include "host/policy.h"
#include "lua/vm.h"

static json_t *no_value(void *owner, const char *key, struct mv_error *err) {
  (void)owner;
  mv_error_set(err, MV_ERROR_USAGE, "the key \"%.80s\" is read while the script is only checked",
               key);
  return NULL;
}

static int no_result(void *owner, const char *key, json_t **value, struct mv_error *err) {
  (void)owner;
  (void)value;
  return mv_error_set(err, MV_ERROR_USAGE, "once(\"%.80s\") while the script is only checked", key);
}

static void note(void *owner, const char *text) {
  json_t *fault = json_string(text);
  json_array_append_new(owner, fault ? fault : json_string("an error whose text is not UTF-8"));
}

/* What one script does wrong does not keep the others from being looked at. */
static json_t *load(struct mv_vm *vm, const char *const *scripts, json_t *faults,
                    struct mv_error *err) {
  for (; *scripts; scripts++) {
    struct mv_error reason = {0};
    if (mv_vm_load(vm, *scripts, &reason))
      note(faults, reason.text);
  }
  json_t *definitions = mv_vm_definitions(vm);
  if (!definitions)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  return definitions;
}

json_t *mv_host_check(const char *const *scripts, struct mv_log *log, json_t *faults,
                      struct mv_error *err) {
  struct mv_vm_options options = {.log = log, .host = true, .owner = faults, .kv_get = no_value,
                                  .once_get = no_result, .policy_check = mv_policy_check,
                                  .fault = note, .memory_limit = (size_t)256 << 20,
                                  .cpu_limit = 10};
  struct mv_vm *vm = mv_vm_new(&options, err);
  json_t *definitions = vm ? load(vm, scripts, faults, err) : NULL;
  mv_vm_free(vm);
  if (!definitions)
    return NULL;
  mv_definitions_faults(definitions, note, faults);
  if (json_array_size(faults) == 0 && mv_definitions_check(definitions, err)) {
    json_decref(definitions);
    return NULL;
  }
  return definitions;
}
