#include "store/sql_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "store/sql_create.h"

/* --- Errors --- */

static int fail_busy(struct mv_sql *sql, struct mv_error *err) {
  return mv_error_set(err, MV_ERROR_BUSY,
                      "%s: locked by another program; close what has it open, or try again",
                      sql->path);
}

static int fail_io(struct mv_sql *sql, struct mv_error *err) {
  int code = sqlite3_system_errno(sql->db); /* 0 where SQLite does not keep it, as of a sync */
  return mv_error_set(err, MV_ERROR_SYSTEM, "%s: reading or writing failed: %s%s%s", sql->path,
                      sqlite3_errmsg(sql->db), code ? ": " : "", code ? strerror(code) : "");
}

int mv_sql_error(struct mv_sql *sql, int code, struct mv_error *err) {
  switch (code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return fail_busy(sql, err);
  case SQLITE_FULL:
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: the disk is full; make room and try again",
                        sql->path);
  case SQLITE_IOERR:
    return fail_io(sql, err);
  case SQLITE_READONLY:
    return mv_error_set(err, MV_ERROR_SYSTEM,
                        "%s: not writable; check the owner and mode of the file and its directory",
                        sql->path);
  case SQLITE_CANTOPEN:
    return mv_error_set(err, MV_ERROR_SYSTEM,
                        "%s: cannot be opened: %s; check that the directory exists", sql->path,
                        strerror(sqlite3_system_errno(sql->db)));
  case SQLITE_NOTADB:
    return mv_error_set(err, MV_ERROR_USAGE,
                        "%s: not a database of %s; name another file (this one was left as it is)",
                        sql->path, sql->what);
  case SQLITE_CORRUPT:
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: damaged (%s); restore it from a copy", sql->path,
                        sqlite3_errmsg(sql->db));
  default:
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: %s", sql->path, sqlite3_errmsg(sql->db));
  }
}

/* --- Opening --- */

void mv_sql_setup(void) {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* SQLite would make the file with the umask's mode; its -wal and -shm take over ours. An existing
 * file is not touched: closing a descriptor of it would drop this process's locks. */
static int make_file(const struct mv_sql_options *options, struct mv_error *err) {
  struct stat st;
  if (stat(options->path, &st))
    return mv_sql_create(options->path, options->application_id, err);
  if (S_ISREG(st.st_mode))
    return 0;
  return mv_error_set(err, MV_ERROR_USAGE, "%s: not a regular file; name a file for the database",
                      options->path);
}

static int pragma_int(struct mv_sql *sql, const char *name, int64_t *out, struct mv_error *err) {
  char text[64];
  snprintf(text, sizeof text, "PRAGMA %s", name);
  return mv_sql_one_int(sql, out, err, text, "") < 0 ? -1 : 0;
}

static int set_pragma(struct mv_sql *sql, const char *name, int64_t value, struct mv_error *err) {
  char text[96];
  snprintf(text, sizeof text, "PRAGMA %s = %lld", name, (long long)value);
  return mv_sql_script(sql, text, err);
}

/* A file of another program is refused before anything is written to it. */
static int check_identity(struct mv_sql *sql, const struct mv_sql_options *options,
                          struct mv_error *err) {
  int64_t id = 0, tables = 0;
  if (pragma_int(sql, "application_id", &id, err) ||
      mv_sql_one_int(sql, &tables, err, "SELECT count(*) FROM sqlite_schema", "") < 0)
    return -1;
  if (options->application_id == 0 || id == options->application_id)
    return 0;
  if (id != 0 || tables != 0)
    return mv_sql_error(sql, SQLITE_NOTADB, err);
  if (options->read_only)
    return 0;
  return set_pragma(sql, "application_id", options->application_id, err);
}

static int configure(struct mv_sql *sql, const struct mv_sql_options *options,
                     struct mv_error *err) {
  sqlite3_busy_timeout(sql->db, options->busy_ms > 0 ? options->busy_ms : 2000);
  sqlite3_extended_result_codes(sql->db, 1);
  if (set_pragma(sql, "cache_size", -(options->cache_kib > 0 ? options->cache_kib : 8192), err) ||
      mv_sql_script(sql, "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF", err) ||
      check_identity(sql, options, err))
    return -1;
  if (options->read_only)
    return 0;
  if ((options->alone && mv_sql_script(sql, "PRAGMA locking_mode = EXCLUSIVE", err)) ||
      mv_sql_script(sql, "PRAGMA journal_mode = WAL", err) ||
      mv_sql_script(sql,
                    options->relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL",
                    err) ||
      set_pragma(sql, "wal_autocheckpoint", options->checkpoint ? options->checkpoint : 2000, err) ||
      mv_sql_script(sql, "PRAGMA journal_size_limit = 33554432", err))
    return -1;
  return options->max_pages > 0 ? set_pragma(sql, "max_page_count", options->max_pages, err) : 0;
}

static int open_connection(struct mv_sql *sql, const struct mv_sql_options *options,
                           struct mv_error *err) {
  bool memory = strcmp(options->path, ":memory:") == 0;
  if (!memory && !options->read_only && make_file(options, err))
    return -1;
  /* ours is one thread at a time: no mutex needed */
  int flags =
      SQLITE_OPEN_NOMUTEX |
      (options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  int code = sqlite3_open_v2(options->path, &sql->db, flags, NULL);
  if (code != SQLITE_OK)
    return sql->db ? mv_sql_error(sql, code, err)
                   : mv_error_set(err, MV_ERROR_SYSTEM, "%s: out of memory", options->path);
  return configure(sql, options, err);
}

struct mv_sql *mv_sql_open(const struct mv_sql_options *options, struct mv_error *err) {
  struct mv_sql *sql = calloc(1, sizeof *sql);
  if (sql)
    sql->path = mv_strdup(options->path);
  if (!sql || !sql->path) {
    free(sql);
    mv_error_set(err, MV_ERROR_SYSTEM, "%s: out of memory", options->path);
    return NULL;
  }
  sql->what = options->what ? options->what : "mavilua";
  if (open_connection(sql, options, err)) {
    mv_sql_close(sql);
    return NULL;
  }
  return sql;
}

void mv_sql_close(struct mv_sql *sql) {
  if (!sql)
    return;
  mv_sql_forget_statements(sql);
  int code = sqlite3_close(sql->db);
  assert(code == SQLITE_OK);
  (void)code;
  free(sql->path);
  free(sql);
}

const char *mv_sql_path(const struct mv_sql *sql) {
  return sql->path;
}

sqlite3 *mv_sql_handle(struct mv_sql *sql) {
  return sql->db;
}

static int run_scripts(struct mv_sql *sql, const char *const *scripts, int from, int count,
                       struct mv_error *err) {
  for (int i = from; i < count; i++) {
    if (mv_sql_script(sql, scripts[i], err))
      return mv_error_prefix(err, "schema %d", i + 1);
  }
  return set_pragma(sql, "user_version", count, err);
}

static int fail_newer(struct mv_sql *sql, int64_t version, int count, struct mv_error *err) {
  return mv_error_set(
      err, MV_ERROR_USAGE,
      "%s: written by a newer version of %s (schema %lld, this one knows %d); update "
      "the program or name another file",
      sql->path, sql->what, (long long)version, count);
}

int mv_sql_check_version(struct mv_sql *sql, int count, struct mv_error *err) {
  int64_t version = 0;
  if (pragma_int(sql, "user_version", &version, err))
    return -1;
  if (version > count)
    return fail_newer(sql, version, count, err);
  return version == count
             ? 0
             : mv_error_set(err, MV_ERROR_USAGE,
                            "%s: written by an older version of %s (schema %lld, this one knows %d); "
                            "start it with this file once, that brings it up to date",
                            sql->path, sql->what, (long long)version, count);
}

int mv_sql_migrate(struct mv_sql *sql, const char *const *scripts, int count,
                   struct mv_error *err) {
  int64_t version = 0;
  bool own = !mv_sql_in_transaction(sql);
  if (pragma_int(sql, "user_version", &version, err))
    return -1;
  if (version > count)
    return fail_newer(sql, version, count, err);
  if (version == count)
    return 0;
  if (own && mv_sql_begin(sql, err))
    return -1;
  if (run_scripts(sql, scripts, (int)version, count, err)) {
    mv_sql_rollback(sql);
    return -1;
  }
  return own ? mv_sql_commit(sql, err) : 0;
}

/* --- Parameters --- */

static void bound(struct mv_stmt *stmt, int code) {
  if (code != SQLITE_OK && stmt->failed == SQLITE_OK)
    stmt->failed = code;
}

void mv_sql_bind_int(struct mv_stmt *stmt, int index, int64_t value) {
  bound(stmt, sqlite3_bind_int64(stmt->raw, index, value));
}

void mv_sql_bind_real(struct mv_stmt *stmt, int index, double value) {
  bound(stmt, sqlite3_bind_double(stmt->raw, index, value));
}

void mv_sql_bind_text(struct mv_stmt *stmt, int index, const char *value) {
  bound(stmt, value ? sqlite3_bind_text(stmt->raw, index, value, -1, SQLITE_STATIC)
                    : sqlite3_bind_null(stmt->raw, index));
}

void mv_sql_bind_chars(struct mv_stmt *stmt, int index, const char *value, size_t length) {
  bound(stmt, value ? sqlite3_bind_text64(stmt->raw, index, value, length, SQLITE_STATIC, SQLITE_UTF8)
                    : sqlite3_bind_null(stmt->raw, index));
}

void mv_sql_bind_blob(struct mv_stmt *stmt, int index, const void *value, size_t length) {
  bound(stmt, value ? sqlite3_bind_blob64(stmt->raw, index, value, length, SQLITE_STATIC)
                    : sqlite3_bind_null(stmt->raw, index));
}

void mv_sql_bind_null(struct mv_stmt *stmt, int index) {
  bound(stmt, sqlite3_bind_null(stmt->raw, index));
}

void mv_sql_bind_copy(struct mv_stmt *stmt, int index, const char *value, size_t length) {
  bound(stmt,
        value ? sqlite3_bind_text64(stmt->raw, index, value, length, SQLITE_TRANSIENT, SQLITE_UTF8)
              : sqlite3_bind_null(stmt->raw, index));
}

static void bind_all(struct mv_stmt *stmt, const char *types, va_list args) {
  for (int i = 1; *types; types++, i++) {
    switch (*types) {
    case 'i':
      mv_sql_bind_int(stmt, i, va_arg(args, int64_t));
      break;
    case 'r':
      mv_sql_bind_real(stmt, i, va_arg(args, double));
      break;
    case 's':
      mv_sql_bind_text(stmt, i, va_arg(args, const char *));
      break;
    case 'b': {
      const void *data = va_arg(args, const void *);
      mv_sql_bind_blob(stmt, i, data, va_arg(args, size_t));
      break;
    }
    default:
      assert(*types == 'n');
      mv_sql_bind_null(stmt, i);
    }
  }
}

/* --- Running --- */

static struct mv_stmt *query_va(struct mv_sql *sql, struct mv_error *err, const char *text,
                                const char *types, va_list args) {
  struct mv_stmt *stmt = mv_sql_get(sql, text, err);
  if (stmt)
    bind_all(stmt, types, args);
  return stmt;
}

struct mv_stmt *mv_sql_query(struct mv_sql *sql, struct mv_error *err, const char *text,
                             const char *types, ...) {
  va_list args;
  va_start(args, types);
  struct mv_stmt *stmt = query_va(sql, err, text, types, args);
  va_end(args);
  return stmt;
}

int mv_sql_step(struct mv_stmt *stmt, struct mv_error *err) {
  if (!stmt)
    return -1;
  if (stmt->failed != SQLITE_OK)
    return mv_sql_error(stmt->sql, stmt->failed, err);
  int code = sqlite3_step(stmt->raw);
  if (code == SQLITE_ROW)
    return 1;
  return code == SQLITE_DONE ? 0 : mv_sql_error(stmt->sql, code, err);
}

int mv_sql_finish(struct mv_stmt *stmt, struct mv_error *err) {
  int row;
  do
    row = mv_sql_step(stmt, err);
  while (row > 0);
  mv_sql_done(stmt);
  return row;
}

int mv_sql_run(struct mv_sql *sql, struct mv_error *err, const char *text, const char *types, ...) {
  va_list args;
  va_start(args, types);
  struct mv_stmt *stmt = query_va(sql, err, text, types, args);
  va_end(args);
  return mv_sql_finish(stmt, err);
}

int mv_sql_one_int(struct mv_sql *sql, int64_t *out, struct mv_error *err, const char *text,
                   const char *types, ...) {
  va_list args;
  va_start(args, types);
  struct mv_stmt *stmt = query_va(sql, err, text, types, args);
  va_end(args);
  int found = mv_sql_step(stmt, err);
  if (found > 0 && mv_sql_is_null(stmt, 0))
    found = 0;
  if (found > 0)
    *out = mv_sql_int(stmt, 0);
  mv_sql_done(stmt);
  return found;
}

int mv_sql_one_text(struct mv_sql *sql, char **out, struct mv_error *err, const char *text,
                    const char *types, ...) {
  va_list args;
  va_start(args, types);
  struct mv_stmt *stmt = query_va(sql, err, text, types, args);
  va_end(args);
  int found = mv_sql_step(stmt, err);
  if (found > 0 && mv_sql_is_null(stmt, 0))
    found = 0;
  if (found > 0) {
    *out = mv_sql_text_dup(stmt, 0);
    if (!*out)
      found = mv_error_set(err, MV_ERROR_SYSTEM, "%s: out of memory", sql->path);
  }
  mv_sql_done(stmt);
  return found;
}

int mv_sql_script(struct mv_sql *sql, const char *text, struct mv_error *err) {
  int code = sqlite3_exec(sql->db, text, NULL, NULL, NULL);
  return code == SQLITE_OK ? 0 : mv_sql_error(sql, code, err);
}

/* --- Columns --- */

int mv_sql_type(struct mv_stmt *stmt, int column) {
  return sqlite3_column_type(stmt->raw, column);
}

bool mv_sql_is_null(struct mv_stmt *stmt, int column) {
  return sqlite3_column_type(stmt->raw, column) == SQLITE_NULL;
}

int64_t mv_sql_int(struct mv_stmt *stmt, int column) {
  return sqlite3_column_int64(stmt->raw, column);
}

double mv_sql_real(struct mv_stmt *stmt, int column) {
  return sqlite3_column_double(stmt->raw, column);
}

const char *mv_sql_text(struct mv_stmt *stmt, int column) {
  return (const char *)sqlite3_column_text(stmt->raw, column);
}

const void *mv_sql_blob(struct mv_stmt *stmt, int column, size_t *length) {
  const void *data = sqlite3_column_blob(stmt->raw, column);
  *length = (size_t)sqlite3_column_bytes(stmt->raw, column);
  /* SQLite gives NULL for an empty blob; only null is to be NULL */
  return data || mv_sql_is_null(stmt, column) ? data : "";
}

char *mv_sql_text_dup(struct mv_stmt *stmt, int column) {
  const char *text = mv_sql_text(stmt, column);
  return text ? mv_memdup(text, (size_t)sqlite3_column_bytes(stmt->raw, column)) : NULL;
}

int64_t mv_sql_last_id(struct mv_sql *sql) {
  return sqlite3_last_insert_rowid(sql->db);
}

int64_t mv_sql_all_changes(struct mv_sql *sql) {
  return sqlite3_total_changes64(sql->db);
}

int64_t mv_sql_changes(struct mv_sql *sql) {
  return sqlite3_changes(sql->db);
}

/* --- Transactions --- */

int mv_sql_begin(struct mv_sql *sql, struct mv_error *err) {
  sql->depth = 0;
  return mv_sql_run(sql, err, "BEGIN IMMEDIATE", "");
}

int mv_sql_begin_read(struct mv_sql *sql, struct mv_error *err) {
  sql->depth = 0;
  return mv_sql_run(sql, err, "BEGIN", "");
}

int mv_sql_commit(struct mv_sql *sql, struct mv_error *err) {
  if (mv_sql_run(sql, err, "COMMIT", "") == 0)
    return 0;
  mv_sql_rollback(sql);
  return -1;
}

void mv_sql_rollback(struct mv_sql *sql) {
  if (mv_sql_in_transaction(sql))
    mv_sql_run(sql, NULL, "ROLLBACK", "");
  sql->depth = 0;
}

bool mv_sql_in_transaction(struct mv_sql *sql) {
  return !sqlite3_get_autocommit(sql->db);
}

int mv_sql_savepoint(struct mv_sql *sql, struct mv_error *err) {
  if (mv_sql_run(sql, err, "SAVEPOINT mv", ""))
    return -1;
  sql->depth++;
  return 0;
}

int mv_sql_release(struct mv_sql *sql, struct mv_error *err) {
  sql->depth--;
  return mv_sql_run(sql, err, "RELEASE mv", "");
}

void mv_sql_rollback_savepoint(struct mv_sql *sql) {
  if (sql->depth == 0 || !mv_sql_in_transaction(sql))
    return;
  sql->depth--;
  mv_sql_run(sql, NULL, "ROLLBACK TO mv", "");
  mv_sql_run(sql, NULL, "RELEASE mv", "");
}
