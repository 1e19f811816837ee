#include "sandbox/snapshot.h"

#include "sandbox/inside.h"
#include "sandbox/messages.h"
#include "sandbox/work.h"
#include "store/sql_image.h"

int mv_snapshot_take(struct mv_sandbox *sandbox, struct mv_bytes *image, struct mv_error *err) {
  mv_work_take_turn(sandbox);
  mv_work_end_shared(sandbox);
  mv_touches_write(sandbox->touches, &sandbox->db);
  int result = mv_sql_image(sandbox->db.sql, image, err);
  mv_work_give_turn(sandbox);
  return result;
}

static int64_t last_message(struct mv_db *db) {
  return mv_db_integer(db, 0, "SELECT seq FROM sqlite_sequence WHERE name = 'messages'", "");
}

/* Before the work begins: a transaction must not be open. */
static int replace(struct mv_sandbox *sandbox, const void *image, size_t length,
                   struct mv_error *err) {
  if (mv_sql_restore(sandbox->db.sql, image, length, err)) {
    return -1;
  }
  sandbox->ids = (struct mv_message_ids){0, 0};
  mv_touches_forget(sandbox->touches);
  mv_vclock_load(&sandbox->vclock, &sandbox->db);
  mv_limits_clear(sandbox->limits);
  return 0;
}

int mv_snapshot_restore(struct mv_sandbox *sandbox, const void *image, size_t length,
                        struct mv_error *err) {
  struct mv_work work;
  mv_work_take_turn(sandbox);
  mv_work_end_shared(sandbox);
  int64_t last = last_message(&sandbox->db);
  if (replace(sandbox, image, length, err)) {
    mv_work_give_turn(sandbox);
    return -1;
  }
  mv_work_begin_in_turn(&work, sandbox, MV_WORK_ALL);
  mv_messages_continue_ids(&work);
  mv_db_run(work.db, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'messages'", "i",
            last);
  work.timed = true;
  if (mv_work_end(&work, true, err)) {
    return -1;
  }
  if (sandbox->clock_changed) {
    sandbox->clock_changed(sandbox->owner);
  }
  return 0;
}
