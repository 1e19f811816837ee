/* Parameters of every action the sandbox plays: the first byte chooses the action, the rest is JSON,
 * or a form. */
#include "base/json.h"
#include "net/form.h"
#include "test/fuzz_play.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mv_sandbox *sandbox;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  sandbox = fuzz_play_start();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  const struct mv_action *action = mv_action_at(data[0] % mv_action_count());
  json_t *raw = mv_json_parse((const char *)data + 1, size - 1, NULL);
  if (!raw)
    raw = mv_form_fields((const char *)data + 1, size - 1, NULL);
  if (json_is_object(raw))
    fuzz_play(sandbox, action, raw);
  json_decref(raw);
  return 0;
}
