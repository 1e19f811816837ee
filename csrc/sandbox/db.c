#include "sandbox/db.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/data.h"

#define APPLICATION_ID 0x4D565342 /* "MVSB" */

/* Keeps the first failure's words. */
static struct mv_error *slot(struct mv_db *db, struct mv_error *other) {
  return db->failed ? other : &db->error;
}

void mv_db_fail(struct mv_db *db, const char *what) {
  struct mv_error other;
  mv_error_set(slot(db, &other), MV_ERROR_SYSTEM, "%s", what);
  db->failed = true;
}

void mv_db_forget(struct mv_db *db) {
  db->failed = false;
  db->error.kind = MV_ERROR_NONE;
}

int mv_db_open(struct mv_db *db, const char *path, struct mv_error *err) {
  const char *const schemas[] = {mv_sandbox_schema};
  struct mv_sql_options options = {.path = path,
                                   .relaxed = true,
                                   .alone = true,
                                   .application_id = APPLICATION_ID,
                                   .what = "mavilua sandbox"};
  *db = (struct mv_db){.sql = mv_sql_open(&options, err)};
  if (!db->sql) {
    return -1;
  }
  if (mv_sql_migrate(db->sql, schemas, 1, err)) {
    mv_db_close(db);
    return -1;
  }
  return 0;
}

void mv_db_close(struct mv_db *db) {
  mv_sql_close(db->sql);
  db->sql = NULL;
}

int mv_db_script(struct mv_db *db, const char *sql) {
  struct mv_error other;
  if (mv_sql_script(db->sql, sql, slot(db, &other))) {
    db->failed = true;
    return -1;
  }
  return 0;
}

struct mv_stmt *mv_db_prepare(struct mv_db *db, const char *sql) {
  struct mv_error other;
  struct mv_stmt *stmt = mv_sql_get(db->sql, sql, slot(db, &other));
  db->failed = db->failed || !stmt;
  return stmt;
}

static void bind_json(struct mv_db *db, struct mv_stmt *stmt, int index, const json_t *value) {
  char *text = value && !json_is_null(value) ? mv_json_text(value) : NULL;
  if (!text && value && !json_is_null(value)) {
    mv_db_fail(db, "out of memory");
  }
  mv_sql_bind_copy(stmt, index, text, text ? strlen(text) : 0);
  free(text);
}

static void bind_text(struct mv_stmt *stmt, int index, const char *text, size_t length,
                      bool lasting) {
  if (lasting) {
    mv_sql_bind_chars(stmt, index, text, length);
  } else {
    mv_sql_bind_copy(stmt, index, text, length);
  }
}

static void bind_value(struct mv_db *db, struct mv_stmt *stmt, int index, const json_t *value) {
  if (json_is_integer(value)) {
    mv_sql_bind_int(stmt, index, json_integer_value(value));
  } else if (json_is_real(value)) {
    mv_sql_bind_real(stmt, index, json_real_value(value));
  } else if (json_is_string(value)) {
    mv_sql_bind_copy(stmt, index, json_string_value(value), json_string_length(value));
  } else {
    bind_json(db, stmt, index, value);
  }
}

/* Texts that last until the statement is given back need no copies. */
static void bind_all(struct mv_db *db, struct mv_stmt *stmt, bool lasting, const char *types,
                     va_list args) {
  const char *text;
  int64_t number;
  for (int i = 1; types[i - 1]; i++) {
    switch (types[i - 1]) {
    case 'i':
      mv_sql_bind_int(stmt, i, va_arg(args, int64_t));
      break;
    case 'o':
      if ((number = va_arg(args, int64_t)) != 0) { /* parameters are null until they are bound */
        mv_sql_bind_int(stmt, i, number);
      }
      break;
    case 'd':
      mv_sql_bind_real(stmt, i, va_arg(args, double));
      break;
    case 't':
      text = va_arg(args, const char *);
      bind_text(stmt, i, text, text ? strlen(text) : 0, lasting);
      break;
    case 's':
      text = va_arg(args, const char *);
      bind_text(stmt, i, text, va_arg(args, size_t), lasting);
      break;
    case 'j':
      bind_json(db, stmt, i, va_arg(args, const json_t *));
      break;
    case 'v':
      bind_value(db, stmt, i, va_arg(args, const json_t *));
      break;
    }
  }
}

static struct mv_stmt *query(struct mv_db *db, const char *sql, bool lasting, const char *types,
                             va_list args) {
  struct mv_stmt *stmt = mv_db_prepare(db, sql);
  if (stmt) {
    bind_all(db, stmt, lasting, types, args);
  }
  return stmt;
}

struct mv_stmt *mv_db_query(struct mv_db *db, const char *sql, const char *types, ...) {
  va_list args;
  va_start(args, types);
  struct mv_stmt *stmt = query(db, sql, false, types, args);
  va_end(args);
  return stmt;
}

bool mv_db_step(struct mv_db *db, struct mv_stmt *stmt) {
  struct mv_error other;
  int row = stmt ? mv_sql_step(stmt, slot(db, &other)) : 0;
  if (row > 0) {
    return true;
  }
  db->failed = db->failed || row < 0;
  mv_sql_done(stmt);
  return false;
}

void mv_db_reset(struct mv_stmt *stmt) {
  mv_sql_done(stmt);
}

int mv_db_run(struct mv_db *db, const char *sql, const char *types, ...) {
  va_list args;
  va_start(args, types);
  struct mv_stmt *stmt = query(db, sql, true, types, args);
  va_end(args);
  while (mv_db_step(db, stmt)) {
  }
  return db->failed ? -1 : 0;
}

int64_t mv_db_integer(struct mv_db *db, int64_t absent, const char *sql, const char *types, ...) {
  va_list args;
  va_start(args, types);
  struct mv_stmt *stmt = query(db, sql, true, types, args);
  va_end(args);
  int64_t value = absent;
  if (mv_db_step(db, stmt)) {
    value = mv_sql_is_null(stmt, 0) ? absent : mv_sql_int(stmt, 0);
    mv_db_reset(stmt);
  }
  return value;
}

int64_t mv_db_last_id(const struct mv_db *db) {
  return mv_sql_last_id(db->sql);
}

json_t *mv_db_text(struct mv_stmt *stmt, int column) {
  size_t length;
  const char *text = mv_sql_blob(stmt, column, &length);
  if (text) {
    return json_stringn(text, length);
  }
  return mv_sql_is_null(stmt, column) ? json_null() : json_string("");
}

json_t *mv_db_number(struct mv_stmt *stmt, int column) {
  switch (mv_sql_type(stmt, column)) {
  case SQLITE_NULL:
    return json_null();
  case SQLITE_FLOAT:
    return json_real(mv_sql_real(stmt, column));
  case SQLITE_INTEGER:
    return json_integer(mv_sql_int(stmt, column));
  default:
    return mv_db_text(stmt, column);
  }
}

json_t *mv_db_json(struct mv_stmt *stmt, int column) {
  size_t length;
  const char *text = mv_sql_blob(stmt, column, &length);
  json_t *value = text ? mv_json_parse(text, length, NULL) : NULL;
  return value ? value : json_null();
}

void mv_db_put_text(struct mv_bytes *out, struct mv_stmt *stmt, int column) {
  size_t length;
  const char *text = mv_sql_blob(stmt, column, &length);
  if (!text || mv_json_put_string(out, text, length)) {
    mv_bytes_puts(out, "null");
  }
}

void mv_db_put(struct mv_bytes *out, struct mv_stmt *stmt, int column) {
  if (mv_sql_type(stmt, column) == SQLITE_INTEGER) {
    mv_bytes_put_int(out, mv_sql_int(stmt, column));
  } else {
    mv_db_put_text(out, stmt, column);
  }
}
