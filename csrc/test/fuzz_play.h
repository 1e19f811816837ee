/* A sandbox in memory upon which a fuzzer plays actions; all is undone after each. To be run where
 * the corpus is found: in the topmost folder. */
#ifndef MV_TEST_FUZZ_PLAY_H
#define MV_TEST_FUZZ_PLAY_H

#include <assert.h>
#include <string.h>

#include "sandbox/actions.h"
#include "sandbox/inside.h"
#include "sandbox/params.h"
#include "sandbox/work.h"

static inline struct mv_sandbox *fuzz_play_start(void) {
  struct mv_sandbox_options options = {.database = ":memory:",
                                       .seed = "csrc/test/corpus/project.json",
                                       .virtual_now = INT64_C(1700000000000)};
  struct mv_error err;
  struct mv_sandbox *sandbox = mv_sandbox_start(&options, &err);
  assert(sandbox);
  return sandbox;
}

/* The action that the first word names; any other word stands for one as well. `rest`: behind it. */
static inline const struct mv_action *fuzz_play_action(const char *data, size_t size,
                                                       const char **rest) {
  size_t length = 0, sum = 0;
  while (length < size && data[length] != ' ')
    sum += (unsigned char)data[length++];
  const struct mv_action *action = mv_action_find(data, length);
  *rest = data + length + (length < size);
  return action ? action : mv_action_at(sum % mv_action_count());
}

/* Plays an action in a work that has begun. */
static inline void fuzz_play_in(struct mv_work *work, const struct mv_action *action,
                                const json_t *raw) {
  const struct mv_played *played = mv_actions_find(action->name);
  struct mv_ask ask = {.work = work, .db = work->db, .action = action};
  assert(played);
  if (mv_params_check(&ask, raw) == 0)
    played->run(&ask);
  assert(ask.status >= 200 && ask.status < 500 && (ask.answer || ask.text || ask.written.length));
  assert(!work->db->failed);
  json_decref(ask.answer);
  mv_params_free(&ask);
  mv_bytes_free(&ask.written);
}

static inline void fuzz_play(struct mv_sandbox *sandbox, const struct mv_action *action,
                             const json_t *raw) {
  struct mv_work work;
  struct mv_error err = {0};
  mv_work_begin(&work, sandbox);
  work.project = mv_db_integer(work.db, 0, "SELECT min(id) FROM projects", "");
  fuzz_play_in(&work, action, raw);
  int bad = mv_work_end(&work, false, &err);
  assert(!bad); /* else the database found something wrong */
}

#endif
