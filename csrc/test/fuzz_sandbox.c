/* Parameters of every action the sandbox plays: the first byte chooses the action, the rest is JSON,
 * or a form. All is undone after each. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "net/form.h"
#include "sandbox/actions.h"
#include "sandbox/inside.h"
#include "sandbox/params.h"
#include "sandbox/work.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mv_sandbox *sandbox;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  struct mv_sandbox_options options = {.database = ":memory:", .virtual_now = INT64_C(1700000000000)};
  struct mv_error err;
  (void)argc;
  (void)argv;
  sandbox = mv_sandbox_start(&options, &err);
  assert(sandbox);
  return 0;
}

static void play(const struct mv_action *action, const json_t *raw) {
  const struct mv_played *played = mv_actions_find(action->name);
  struct mv_work work;
  struct mv_error err = {0};
  struct mv_ask ask = {.work = &work, .action = action, .params = json_object(),
                       .extras = json_object()};
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  const struct mv_action *action = mv_action_at(data[0] % mv_action_count());
  json_t *raw = mv_json_parse((const char *)data + 1, size - 1, NULL);
  if (!raw)
    raw = mv_form_fields((const char *)data + 1, size - 1, NULL);
  if (json_is_object(raw))
    play(action, raw);
  json_decref(raw);
  return 0;
}
