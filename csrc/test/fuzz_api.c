/* Parameters and answers from outside: the first byte chooses the action, the second the status. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "api/reply.h"
#include "api/request.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_request(const struct mv_action *action, const char *text, size_t length) {
  struct mv_error err = {.kind = MV_ERROR_NONE};
  struct mv_request request;
  struct mv_bytes url = {0};
  json_t *params = mv_json_parse(text, length, NULL);
  if (!params) {
    return;
  }
  if (mv_request_prepare(action, action->name, params, &request, &err)) {
    assert(err.kind != MV_ERROR_NONE && !strchr(err.text, '\n'));
  } else {
    int bad = mv_request_url(&request, "http://h", "key", &url);
    assert(!bad && strlen(url.data) == url.length);
    assert(strncmp(url.data + strlen("http://h/api/key/"), action->name, strlen(action->name)) ==
           0);
  }
  mv_bytes_free(&url);
  mv_request_free(&request);
  json_decref(params);
}

static void fuzz_reply(const struct mv_action *action, long status, const char *text,
                       size_t length) {
  struct mv_failure failure;
  struct mv_bytes header = {0};
  mv_bytes_append(&header, text, length);
  json_t *value = mv_reply_interpret(action, status, text, length, header.data, &failure);
  assert((value == NULL) == (failure.kind != MV_ERROR_NONE));
  json_t *message = json_string(failure.message);
  assert(message); /* UTF-8 */
  json_decref(message);
  json_decref(value);
  mv_bytes_free(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= 2) {
    const struct mv_action *action = mv_action_at(data[0] % mv_action_count());
    fuzz_request(action, (const char *)data + 2, size - 2);
    fuzz_reply(action, data[1] * 3L, (const char *)data + 2, size - 2);
  }
  return 0;
}
