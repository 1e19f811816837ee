#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/ask.h"
#include "sandbox/query.h"
#include "sandbox/settings.h"

struct mv_bytes *mv_answer_begin(struct mv_ask *ask, unsigned status, bool failed) {
  json_decref(ask->answer);
  mv_bytes_clear(&ask->written);
  ask->answer = NULL;
  ask->text = NULL;
  ask->status = status;
  ask->failed = failed;
  return &ask->written;
}

void mv_answer_end(struct mv_ask *ask) {
  if (ask->written.failed) {
    mv_bytes_free(&ask->written);
    ask->text = "out of memory";
    mv_db_fail(ask->db, "out of memory");
  }
}

void mv_answer_json(struct mv_ask *ask, json_t *body) {
  mv_answer_begin(ask, 200, false);
  ask->answer = body;
  if (!body) {
    mv_db_fail(ask->db, "out of memory");
  }
}

static void answer_word(struct mv_ask *ask, unsigned status, const char *word, bool failed) {
  struct mv_bytes *out = mv_answer_begin(ask, status, failed);
  mv_bytes_puts(out, "{\"status\":");
  mv_json_put_string(out, word, strlen(word));
  mv_bytes_putc(out, '}');
  mv_answer_end(ask);
}

void mv_answer_success(struct mv_ask *ask) {
  answer_word(ask, 200, "success", false);
}

void mv_answer_word(struct mv_ask *ask, unsigned status, const char *word) {
  answer_word(ask, status, word, true);
}

void mv_answer_result(struct mv_ask *ask, const char *name, json_t *value) {
  mv_answer_json(ask, json_pack("{s:s, s:o}", "status", "success", name, value));
}

static void put_id(void *out, int64_t id) {
  mv_bytes_put_int(out, id);
  mv_bytes_putc(out, ',');
}

void mv_answer_clients(struct mv_ask *ask, const struct mv_query *query) {
  struct mv_bytes *out = mv_answer_begin(ask, 200, false);
  mv_bytes_puts(out, "{\"status\":\"success\",\"client_ids\":[");
  size_t start = out->length;
  mv_query_each(ask->work, query, put_id, out);
  out->length -= out->length > start; /* the last comma */
  mv_bytes_puts(out, "]}");
  mv_answer_end(ask);
}

void mv_answer_ok(struct mv_ask *ask) {
  if (mv_settings_is(ask->work, "ok_body", "json")) {
    mv_answer_success(ask);
    return;
  }
  mv_answer_begin(ask, 200, false);
  ask->text = "ok";
}

void mv_answer_fail(struct mv_ask *ask, unsigned status, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  struct mv_bytes *out = mv_answer_begin(ask, status, true);
  mv_bytes_puts(out, "{\"status\":\"fail\",\"message\":");
  if (mv_json_put_string(out, text, strlen(text))) {
    /* cut in the middle of a character, or what was quoted is not UTF-8 */
    mv_bytes_puts(out, "\"The request cannot be understood\"");
  }
  mv_bytes_putc(out, '}');
  mv_answer_end(ask);
}
