/* Who has had the thread for too long. A run over its limit is ended by a hook, which one call into
 * C never reaches: another thread can tell, if no more. */
#include <stdio.h>
#include <stdlib.h>

#include "lua/vm_state.h"

#define MARGIN_MS 1000 /* a busy machine gives a thread less time than passes */

void vm_watch_run(struct mv_vm *vm, struct vm_run *run) {
  if (!vm->options.host || (!run && !vm->watched)) {
    return;
  }
  pthread_mutex_lock(&vm->watched_lock);
  vm->watched = run;
  vm->watched_since = run ? mv_clock_monotonic(NULL) : 0;
  vm->watched_told = false;
  pthread_mutex_unlock(&vm->watched_lock);
}

void vm_name_handler(struct vm_run *run, char *handler) {
  pthread_mutex_lock(&run->vm->watched_lock);
  char *before = run->handler;
  run->handler = handler;
  pthread_mutex_unlock(&run->vm->watched_lock);
  free(before);
}

/* Under the lock. */
static void describe(const struct mv_vm *vm, double ms, double limit, struct mv_vm_stuck *out) {
  const struct vm_run *run = vm->watched;
  *out = (struct mv_vm_stuck){.event = run->event.id,
                              .attempt = run->event.attempt,
                              .seconds = ms / 1000,
                              .limit = limit};
  snprintf(out->handler, sizeof out->handler, "%s", run->handler ? run->handler : "none");
}

bool mv_vm_stuck(struct mv_vm *vm, struct mv_vm_stuck *out) {
  double limit = vm->options.cpu_limit > 0 ? vm->options.cpu_limit : vm->options.wall_limit;
  bool stuck = false;
  pthread_mutex_lock(&vm->watched_lock);
  if (vm->watched && !vm->watched_told && limit > 0) {
    double ms = (double)(mv_clock_monotonic(NULL) - vm->watched_since);
    stuck = ms > limit * 1500 + MARGIN_MS;
    if (stuck) {
      describe(vm, ms, limit, out);
    }
  }
  vm->watched_told |= stuck;
  pthread_mutex_unlock(&vm->watched_lock);
  return stuck;
}
