#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/ask.h"
#include "sandbox/settings.h"

static void answer(struct mv_ask *ask, unsigned status, json_t *body, bool failed) {
  json_decref(ask->answer);
  mv_bytes_free(&ask->written);
  ask->answer = body;
  ask->text = NULL;
  ask->status = status;
  ask->failed = failed;
  if (!body) {
    mv_db_fail(ask->db, "out of memory");
  }
}

void mv_answer_json(struct mv_ask *ask, json_t *body) {
  answer(ask, 200, body, false);
}

void mv_answer_success(struct mv_ask *ask) {
  mv_answer_json(ask, json_pack("{s:s}", "status", "success"));
}

void mv_answer_result(struct mv_ask *ask, const char *name, json_t *value) {
  mv_answer_json(ask, json_pack("{s:s, s:o}", "status", "success", name, value));
}

void mv_answer_ids(struct mv_ask *ask, const char *name, struct mv_stmt *stmt) {
  mv_answer_success(ask);
  struct mv_bytes *out = &ask->written;
  mv_bytes_printf(out, "{\"status\":\"success\",\"%s\":[", name);
  for (bool first = true; mv_db_step(ask->db, stmt); first = false) {
    mv_bytes_puts(out, first ? "" : ",");
    mv_bytes_put_int(out, mv_sql_int(stmt, 0));
  }
  mv_bytes_puts(out, "]}");
  if (out->failed) {
    mv_answer_success(ask);
    mv_db_fail(ask->db, "out of memory");
  }
}

void mv_answer_ok(struct mv_ask *ask) {
  if (mv_settings_is(ask->work, "ok_body", "json")) {
    mv_answer_success(ask);
    return;
  }
  answer(ask, 200, json_null(), false);
  ask->answer = NULL;
  ask->text = "ok";
}

void mv_answer_word(struct mv_ask *ask, unsigned status, const char *word) {
  answer(ask, status, json_pack("{s:s}", "status", word), true);
}

void mv_answer_fail(struct mv_ask *ask, unsigned status, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  json_t *message = json_string(text);
  if (!message) { /* cut in the middle of a character, or what was quoted is not UTF-8 */
    message = json_string("The request cannot be understood");
  }
  answer(ask, status, json_pack("{s:s, s:o}", "status", "fail", "message", message), true);
}
