/* A sandbox in memory upon which a fuzzer plays actions; all is undone after each. */
#ifndef MV_TEST_FUZZ_PLAY_H
#define MV_TEST_FUZZ_PLAY_H

#include <assert.h>

#include "sandbox/actions.h"
#include "sandbox/inside.h"
#include "sandbox/params.h"
#include "sandbox/work.h"

static inline struct mv_sandbox *fuzz_play_start(void) {
  struct mv_sandbox_options options = {.database = ":memory:",
                                       .virtual_now = INT64_C(1700000000000)};
  struct mv_error err;
  struct mv_sandbox *sandbox = mv_sandbox_start(&options, &err);
  assert(sandbox);
  return sandbox;
}

static inline void fuzz_play(struct mv_sandbox *sandbox, const struct mv_action *action,
                             const json_t *raw) {
  const struct mv_played *played = mv_actions_find(action->name);
  struct mv_work work;
  struct mv_error err = {0};
  struct mv_ask ask = {
      .work = &work, .action = action, .params = json_object(), .extras = json_object()};
  assert(played);
  mv_work_begin(&work, sandbox);
  ask.db = work.db;
  work.project = mv_db_integer(work.db, 0, "SELECT min(id) FROM projects", "");
  if (mv_params_check(&ask, raw) == 0)
    played->run(&ask);
  assert(ask.status >= 200 && ask.status < 500 && (ask.answer || ask.text || ask.written.length));
  assert(mv_work_end(&work, false, &err) == 0); /* else the database found something wrong */
  json_decref(ask.answer);
  json_decref(ask.params);
  json_decref(ask.extras);
  mv_bytes_free(&ask.written);
}

#endif
