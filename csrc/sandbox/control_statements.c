/* How the database finds what is asked for: each statement with its plan and what it cost. */
#include "sandbox/control_parts.h"

static json_t *plan_of(sqlite3 *db, const char *sql) {
  json_t *plan = json_array();
  sqlite3_stmt *explain = NULL;
  char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
  if (text && sqlite3_prepare_v2(db, text, -1, &explain, NULL) == SQLITE_OK) {
    while (sqlite3_step(explain) == SQLITE_ROW) {
      json_array_append_new(plan, json_string((const char *)sqlite3_column_text(explain, 3)));
    }
  }
  sqlite3_finalize(explain);
  sqlite3_free(text);
  return plan;
}

/* Counts since the last reset. Negative ones would have come round. */
static json_int_t count(sqlite3_stmt *stmt, int what, bool reset) {
  return (json_int_t)(unsigned)sqlite3_stmt_status(stmt, what, reset);
}

static json_t *described(sqlite3 *db, sqlite3_stmt *stmt, bool reset) {
  json_int_t runs = count(stmt, SQLITE_STMTSTATUS_RUN, reset);
  json_int_t steps = count(stmt, SQLITE_STMTSTATUS_VM_STEP, reset);
  json_int_t walked = count(stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, reset);
  json_int_t sorts = count(stmt, SQLITE_STMTSTATUS_SORT, reset);
  return !runs ? NULL
               : json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "sql", sqlite3_sql(stmt), "runs", runs,
                           "steps", steps, "walked", walked, "sorts", sorts, "plan",
                           plan_of(db, sqlite3_sql(stmt)));
}

void mv_control_get_statements(struct mv_control *c) {
  sqlite3 *db = mv_sql_handle(c->work.db->sql);
  json_t *list = json_array();
  bool reset = mv_control_number(c->query, "reset", 0) != 0;
  for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt; stmt = sqlite3_next_stmt(db, stmt)) {
    json_t *one = described(db, stmt, reset);
    if (one) {
      json_array_append_new(list, one);
    }
  }
  mv_control_answer(c, json_pack("{s:o}", "statements", list));
}
