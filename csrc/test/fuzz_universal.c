/* The universal webhook: the first byte chooses an action, the second how the body is announced; up
 * to the first line end it is the query, then the body. What comes of it is played. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/input.h"
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

static void check_no_mapping(const json_t *params) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)params, name, value) {
    assert(strncmp(name, "delimiter_value_", 16) != 0 && strcmp(name, "delimiter") != 0 &&
           strcmp(name, "value_client_id") != 0 && strcmp(name, "value_message") != 0);
  }
}

/* `text` is the query, a line end, the body. */
static void fuzz(const struct mv_action *action, const char *type, char *text, size_t length) {
  struct mv_error err = {0};
  char *line = strchr(text, '\n');
  struct mv_input input = {.query = text, .body = "", .type = type};
  if (line) {
    *line = '\0';
    input.body = line + 1;
    input.length = length - (size_t)(line + 1 - text);
  }
  json_t *params = mv_input_read(action, &input, &err);
  assert(params || err.kind != MV_ERROR_NONE);
  if (params && action->universal)
    check_no_mapping(params);
  if (params)
    fuzz_play(sandbox, action, params);
  json_decref(params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const types[] = {NULL, "application/json", "application/x-www-form-urlencoded"};
  if (size < 2)
    return 0;
  char *text = malloc(size - 1);
  memcpy(text, data + 2, size - 2);
  text[size - 2] = '\0';
  fuzz(mv_action_at(data[0] % mv_action_count()), types[data[1] % 3], text, size - 2);
  free(text);
  return 0;
}
