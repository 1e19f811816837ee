/* Parameters of every action the sandbox plays: the name of an action, a blank, and JSON or a form. */
#include <string.h>

#include "base/json.h"
#include "net/form.h"
#include "test/fuzz_mutate.h"
#include "test/fuzz_play.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static struct mv_sandbox *sandbox;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  sandbox = fuzz_play_start();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *body;
  const struct mv_action *action = fuzz_play_action((const char *)data, size, &body);
  size_t length = size - (size_t)(body - (const char *)data);
  json_t *raw = mv_json_parse(body, length, NULL);
  if (!raw)
    raw = mv_form_fields(body, length, NULL);
  if (json_is_object(raw))
    fuzz_play(sandbox, action, raw);
  json_decref(raw);
  return 0;
}

/* Of another action, or other parameters of the same. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
  const char *body;
  fuzz_play_action((const char *)data, size, &body);
  size_t start = (size_t)(body - (const char *)data);
  if (seed % 32 == 0) {
    const char *name = mv_action_at(seed / 32 % mv_action_count())->name;
    size_t length = strlen(name), rest = size - start;
    if (length + 1 + rest > max)
      return LLVMFuzzerMutate(data, size, max);
    memmove(data + length + 1, data + start, rest);
    memcpy(data, name, length);
    data[length] = ' ';
    return length + 1 + rest;
  }
  return start + fuzz_mutate_json(data + start, size - start, max - start, seed);
}
