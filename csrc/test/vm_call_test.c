/* Calls into a plain VM from C: answers, errors, interrupts. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "lua/vm.h"
#include "test/check.h"

static const char source[] =
    "package.loaded.probe = {\n"
    "  echo = function(text) return { text = text, length = #text } end,\n"
    "  nothing = function() end,\n"
    "  sleeps = function() require 'mavilua'.sleep(0.001) return true end,\n"
    "  fails = function() error 'broken' end,\n"
    "  odd = function() return print end,\n"
    "  yields = function() coroutine.yield() end,\n"
    "  loop = function() while true do pcall(error) end end,\n"
    "  stubborn = function()\n"
    "    while true do pcall(function() require 'mavilua'.sleep(600) end) end\n"
    "  end,\n"
    "  crowd = function()\n"
    "    require 'mavilua'.map({ 1, 2, 3 }, function() require 'mavilua'.sleep(600) end)\n"
    "  end,\n"
    "  nested = function()\n"
    "    return (('x'):gsub('x', function() require 'mavilua'.sleep(600) end))\n"
    "  end,\n"
    "  leave = function() pcall(os.exit, 5) end,\n"
    "}\n";

static struct mv_vm *open_vm(void) {
  char path[] = "/tmp/mavilua-call-XXXXXX";
  struct mv_vm_options options = {.clock = NULL};
  struct mv_error err = {0};
  int file = mkstemp(path);
  CHECK(file >= 0 && write(file, source, sizeof source - 1) == (ssize_t)sizeof source - 1);
  close(file);
  struct mv_vm *vm = mv_vm_new(&options, &err);
  CHECK(vm && mv_vm_load(vm, path, &err) == 0);
  unlink(path);
  return vm;
}

static int call(struct mv_vm *vm, const char *name, json_t **answer, struct mv_error *err) {
  return mv_vm_call(vm, "probe", name, "a\0b", 3, answer, err);
}

static void answers(struct mv_vm *vm) {
  struct mv_error err = {0};
  json_t *answer = NULL;
  CHECK(call(vm, "echo", &answer, &err) == 0);
  CHECK(json_integer_value(json_object_get(answer, "length")) == 3);
  json_decref(answer);
  CHECK(call(vm, "nothing", &answer, &err) == 0 && json_is_null(answer));
  json_decref(answer);
  CHECK(call(vm, "sleeps", &answer, &err) == 0 && json_is_true(answer));
  json_decref(answer);
  CHECK(call(vm, "echo", NULL, &err) == 0);
}

static void errors(struct mv_vm *vm) {
  struct mv_error err = {0};
  json_t *answer = NULL;
  CHECK(call(vm, "fails", &answer, &err) == -1 && strstr(err.text, "broken") && !answer);
  CHECK(call(vm, "odd", &answer, &err) == -1 && strstr(err.text, "function") && !answer);
  CHECK(call(vm, "yields", &answer, &err) == -1 && strstr(err.text, "coroutine.yield"));
  CHECK(call(vm, "absent", &answer, &err) == -1 && *err.text);
  CHECK(mv_vm_call(vm, "no.such", "x", "", 0, &answer, &err) == -1 && strstr(err.text, "no.such"));
}

struct pest {
  struct mv_vm *vm;
  atomic_bool enough;
};

/* One that comes before the call begins is forgotten: so again and again. */
static void *interrupt(void *owner) {
  struct pest *pest = owner;
  while (!atomic_load(&pest->enough)) {
    mv_vm_interrupt(pest->vm);
    usleep(1000);
  }
  return NULL;
}

static void interrupts(struct mv_vm *vm) {
  static const char *const endless[] = {"loop", "stubborn", "crowd", "nested"};
  for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) {
    struct mv_error err = {0};
    struct pest pest = {.vm = vm};
    pthread_t thread;
    json_t *answer = NULL;
    CHECK(pthread_create(&thread, NULL, interrupt, &pest) == 0);
    CHECK(call(vm, endless[i], &answer, &err) == 1);
    CHECK(!answer && !mv_vm_exited(vm));
    atomic_store(&pest.enough, true);
    pthread_join(thread, NULL);
    answers(vm);
  }
}

static void leaves(struct mv_vm *vm) {
  struct mv_error err = {0};
  CHECK(call(vm, "leave", NULL, &err) == 1);
  CHECK(mv_vm_exited(vm) && mv_vm_exit_status(vm) == 5);
}

int main(void) {
  struct mv_vm *vm = open_vm();
  answers(vm);
  errors(vm);
  interrupts(vm);
  leaves(vm);
  mv_vm_free(vm);
  return check_end("vm_call");
}
