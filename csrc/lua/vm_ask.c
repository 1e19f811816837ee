/* Questions that somebody outside of the VM answers; the run waits for them. Part of
 * mavilua.host.native. */
#include <lauxlib.h>

#include "lua/loop_internal.h"
#include "lua/values.h"
#include "lua/vm_state.h"

struct vm_ask {
  struct mv_wait wait;
  struct mv_vm *vm; /* while it is in the list; NULL: nobody will answer */
  struct vm_ask *next;
  uint64_t ticket;
  json_t *answer; /* NULL: none, `error` says why */
  struct mv_error error;
};

static void unlink_ask(struct vm_ask *ask) {
  if (!ask->vm) {
    return;
  }
  struct vm_ask **slot = &ask->vm->asks;
  while (*slot != ask) {
    slot = &(*slot)->next;
  }
  *slot = ask->next;
  ask->vm = NULL;
}

static void ask_stop(struct mv_wait *wait) {
  unlink_ask((struct vm_ask *)wait);
}

static void ask_free(struct mv_wait *wait) {
  struct vm_ask *ask = (struct vm_ask *)wait;
  unlink_ask(ask);
  json_decref(ask->answer);
  ask->answer = NULL;
}

static int ask_results(lua_State *L, struct mv_wait *wait) {
  struct vm_ask *ask = (struct vm_ask *)wait;
  if (!ask->answer) {
    return vm_fail(L, ask->error.text);
  }
  mv_value_push(L, ask->answer, true);
  return 1;
}

static const struct mv_wait_type ask_type = {ask_stop, ask_results, ask_free, false};

/* Sends it on, or answers it at once. */
static int put(struct vm_run *run, struct vm_ask *ask, json_t *question, struct mv_error *err) {
  struct mv_vm *vm = run->vm;
  ask->ticket = ++vm->last_ticket;
  if (!vm->options.ask) {
    ask->answer = json_object();
    mv_wait_done(&ask->wait);
    return 0;
  }
  ask->vm = vm;
  ask->next = vm->asks;
  vm->asks = ask;
  return vm->options.ask(vm->options.owner, &run->event, question, ask->ticket, err);
}

/* ask(question) -> answer | nil, text. Nothing is asked where the run cannot wait for the answer. */
static int ask_start(lua_State *L) {
  struct vm_run *run = vm_check_run(L);
  struct mv_loop *loop = run->vm->loop;
  struct mv_error err = {0};
  json_t **question = mv_value_box(L);
  *question = mv_value_read(L, 1, &err);
  if (!*question) {
    return luaL_error(L, "%s", err.text);
  }
  if (!mv_wait_enter(L, loop)) {
    return mv_wait_drop(L, loop);
  }
  struct vm_ask *ask = (struct vm_ask *)mv_wait_new(L, &ask_type, sizeof *ask);
  mv_wait_begin(loop, &ask->wait);
  if (mv_wait_possible(L, loop) && put(run, ask, *question, &err)) {
    mv_wait_stop(&ask->wait);
    return luaL_error(L, "%s", err.text);
  }
  return mv_wait_here(L, loop, &ask->wait);
}

void mv_vm_answer(struct mv_vm *vm, uint64_t ticket, const json_t *answer,
                  const struct mv_error *err) {
  struct vm_ask *ask = vm->asks;
  while (ask && ask->ticket != ticket) {
    ask = ask->next;
  }
  if (!ask) {
    return;
  }
  unlink_ask(ask);
  ask->answer = json_incref((json_t *)(uintptr_t)answer);
  if (!answer) {
    ask->error = *err;
  }
  mv_wait_done(&ask->wait);
}

void vm_register_ask(lua_State *L) {
  mv_loop_add_waiting(L, lua_gettop(L), "ask", ask_start);
}
