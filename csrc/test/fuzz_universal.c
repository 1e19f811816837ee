/* The universal webhook: the name of an action, how the body is announced ("json", "form"), the
 * query, the body, with blanks between. What comes of it is played. */
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

static char *word(char **text) {
  char *start = *text, *end = strchr(start, ' ');
  *text = end ? end + 1 : start + strlen(start);
  if (end)
    *end = '\0';
  return start;
}

/* `text`: how the body is announced, the query, the body. */
static void fuzz(const struct mv_action *action, char *text, const char *end) {
  struct mv_error err = {0};
  const char *announced = word(&text);
  const char *type = strcmp(announced, "json") == 0   ? "application/json"
                     : strcmp(announced, "form") == 0 ? "application/x-www-form-urlencoded"
                                                      : NULL;
  const char *query = word(&text);
  struct mv_input input = {
      .query = query, .body = text, .length = text < end ? (size_t)(end - text) : 0, .type = type};
  json_t *params = mv_input_read(action, &input, &err);
  assert(params || err.kind != MV_ERROR_NONE);
  if (params && action->universal)
    check_no_mapping(params);
  if (params)
    fuzz_play(sandbox, action, params);
  json_decref(params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *rest;
  const struct mv_action *action = fuzz_play_action((const char *)data, size, &rest);
  size_t length = size - (size_t)(rest - (const char *)data);
  char *text = malloc(length + 1);
  memcpy(text, rest, length);
  text[length] = '\0';
  fuzz(action, text, text + length);
  free(text);
  return 0;
}
