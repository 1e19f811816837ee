/* Everything at once. */
#include "base/bytes.h"
#include "sandbox/control_parts.h"
#include "sandbox/snapshot.h"

static void fail(struct mv_control *c, const struct mv_error *err) {
  unsigned status = err->kind == MV_ERROR_USAGE ? 400 : err->kind == MV_ERROR_BUSY ? 503 : 500;
  mv_control_fail(c, status, "%.400s", err->text);
}

void mv_control_get_snapshot(struct mv_control *c) {
  struct mv_bytes image = {0};
  struct mv_error err;
  if (mv_snapshot_take(c->sandbox, &image, &err)) {
    fail(c, &err);
  } else {
    mv_call_reply(c->call, 200, "application/vnd.sqlite3", image.data, image.length, NULL);
    c->call = NULL;
  }
  mv_bytes_free(&image);
}

void mv_control_put_snapshot(struct mv_control *c) {
  struct mv_error err;
  if (mv_snapshot_restore(c->sandbox, c->call->body, c->call->body_length, &err)) {
    fail(c, &err);
    return;
  }
  mv_control_answer(c, json_pack("{s:s}", "status", "success"));
}
