#include "sandbox/work.h"

#include <assert.h>
#include <stdlib.h>

#include "sandbox/inside.h"

void mv_work_begin(struct mv_work *work, struct mv_sandbox *sandbox) {
  mv_work_begin_as(work, sandbox, MV_WORK_ALL);
}

void mv_work_take_turn(struct mv_sandbox *sandbox) {
  pthread_mutex_lock(&sandbox->lock);
}

void mv_work_give_turn(struct mv_sandbox *sandbox) {
  pthread_mutex_unlock(&sandbox->lock);
}

void mv_work_begin_as(struct mv_work *work, struct mv_sandbox *sandbox, enum mv_work_kind kind) {
  mv_work_take_turn(sandbox);
  mv_work_begin_in_turn(work, sandbox, kind);
}

void mv_work_begin_in_turn(struct mv_work *work, struct mv_sandbox *sandbox,
                           enum mv_work_kind kind) {
  *work = (struct mv_work){
      .sandbox = sandbox,
      .db = &sandbox->db,
      .kind = kind,
      .facts = kind == MV_WORK_ALL ? NULL : sandbox->facts,
      .now = mv_clock_wall(sandbox->clock),
      .ids = sandbox->ids,
  };
  work->last = &work->first;
  if (kind == MV_WORK_ALL) {
    mv_work_end_shared(sandbox);
    mv_touches_write(sandbox->touches, work->db);
  }
  work->changes = mv_sql_all_changes(work->db->sql);
  mv_db_forget(work->db);
  if (kind == MV_WORK_ALL || kind == MV_WORK_DATA) {
    mv_work_transact(work);
  }
}

/* ---- transactions ---- */

enum { MOST_SHARED = 1000 };

void mv_work_end_shared(struct mv_sandbox *sandbox) {
  struct mv_error err;
  if (sandbox->shared && mv_sql_in_transaction(sandbox->db.sql) &&
      mv_sql_commit(sandbox->db.sql, &err)) {
    mv_log(sandbox->log, MV_LOG_ERROR, NULL, "sandbox: database: %s", err.text);
  }
  sandbox->shared = 0;
}

void mv_work_transact(struct mv_work *work) {
  struct mv_db *db = work->db;
  if (!work->transacted && !db->failed) {
    mv_work_end_shared(work->sandbox);
    db->failed = mv_sql_begin(db->sql, &db->error) != 0;
    work->transacted = !db->failed;
    mv_touches_doubt(work->sandbox->touches);
  }
}

void mv_work_lone(struct mv_work *work) {
  struct mv_sandbox *sandbox = work->sandbox;
  struct mv_db *db = work->db;
  if (work->transacted || !sandbox->touches) {
    return; /* a statement of its own is a transaction of its own */
  }
  if (sandbox->shared == MOST_SHARED || !mv_sql_in_transaction(db->sql)) {
    mv_work_end_shared(sandbox);
    db->failed = mv_sql_begin(db->sql, &db->error) != 0;
  }
  sandbox->shared += !db->failed;
  work->lone = true;
}

/* ---- what changed of clients ---- */

static void write_touch(struct mv_work *work, int64_t client) {
  mv_db_run(work->db, "UPDATE clients SET updated_at = ? WHERE id = ?", "ii", work->now, client);
}

/* Room for one more: it doubles. */
static int64_t *make_room(struct mv_touched *touched) {
  size_t others = touched->count - 1;
  if (others & (others - 1)) {
    return touched->others; /* no power of two: there is room */
  }
  int64_t *more = realloc(touched->others, (others ? others * 2 : 1) * sizeof *more);
  touched->others = more ? more : touched->others;
  return more;
}

void mv_work_touch(struct mv_work *work, int64_t client) {
  struct mv_touched *touched = &work->touched;
  if (!work->sandbox->touches) {
    write_touch(work, client);
  } else if (!touched->count) {
    touched->first = client;
    touched->count = 1;
  } else if (make_room(touched)) {
    touched->others[touched->count++ - 1] = client;
  } else {
    mv_db_fail(work->db, "out of memory");
  }
}

static void keep_touched(struct mv_work *work, bool done) {
  struct mv_sandbox *sandbox = work->sandbox;
  struct mv_touched *touched = &work->touched;
  for (size_t i = 0; done && i < touched->count; i++) {
    int64_t client = i ? touched->others[i - 1] : touched->first;
    if (!mv_touches_put(sandbox->touches, client, work->now)) {
      mv_work_end_shared(sandbox);
      mv_touches_write(sandbox->touches, work->db);
      mv_touches_put(sandbox->touches, client, work->now);
    }
    if (work->lone) {
      mv_touches_ready(sandbox->touches, client, work->project);
    }
  }
  free(touched->others);
}

/* ---- the end ---- */

/* -1 when it could not be posted. */
static int post(struct mv_work *work, struct mv_letter *letter) {
  struct mv_sandbox *sandbox = work->sandbox;
  struct mv_mishap mishap = mv_faults_webhook(sandbox->faults, letter->project, work->cause);
  letter->dropped = mishap.drop;
  letter->not_before = mishap.delay ? mv_clock_monotonic(NULL) + mishap.delay : 0;
  struct mv_letter *second = mishap.duplicate ? mv_letter_copy(letter) : NULL;
  if (mv_outbox_post(sandbox->outbox, letter)) {
    mv_letter_free(second);
    return -1;
  }
  if (second && mv_outbox_post(sandbox->outbox, second)) {
    mv_letter_free(second);
  }
  return 0;
}

static void let_go(struct mv_work *work, bool done) {
  struct mv_node *node = work->first;
  while (node) {
    struct mv_node *next = node->next;
    struct mv_letter *letter = (struct mv_letter *)node;
    if (!done || post(work, letter)) {
      mv_letter_free(letter);
    }
    node = next;
  }
}

static bool commit_work(struct mv_work *work) {
  struct mv_db *db = work->db;
  if (db->failed || !work->transacted) {
    return !db->failed;
  }
  db->failed = mv_sql_commit(db->sql, &db->error) != 0;
  return !db->failed;
}

int mv_work_end(struct mv_work *work, bool commit, struct mv_error *err) {
  assert(work->kind != MV_WORK_READ || mv_sql_all_changes(work->db->sql) == work->changes);
  bool done = commit && commit_work(work);
  int result = 0;
  if (work->db->failed) {
    mv_log(work->sandbox->log, MV_LOG_ERROR, NULL, "sandbox: database: %s", work->db->error.text);
    result = mv_error_set(err, work->db->error.kind, "%s", work->db->error.text);
  }
  if (!done && work->transacted) {
    mv_sql_rollback(work->db->sql);
  }
  if (!done) {
    work->sandbox->ids = work->ids;
  }
  if (work->kind == MV_WORK_ALL && work->sandbox->facts) {
    mv_facts_forget(work->sandbox->facts);
  }
  keep_touched(work, done);
  let_go(work, done);
  if (done && work->timed && work->sandbox->ticker) {
    mv_ticker_wake(work->sandbox->ticker);
  }
  mv_work_give_turn(work->sandbox);
  return result;
}
