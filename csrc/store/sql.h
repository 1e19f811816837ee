/* SQLite with less ceremony: cached statements, one-line queries, transactions, errors in words.
 *
 * One connection belongs to one thread at a time. A statement is got, bound, stepped and given
 * back; giving back resets it and keeps it compiled for the next time:
 *
 *   struct mv_stmt *s = mv_sql_query(sql, err, "SELECT id, name FROM clients WHERE tag = ?", "s", tag);
 *   while ((row = mv_sql_step(s, err)) > 0)
 *     use(mv_sql_int(s, 0), mv_sql_text(s, 1));
 *   mv_sql_done(s);                     // NULL is fine, in step too (-1), so one check suffices
 */
#ifndef MV_STORE_SQL_H
#define MV_STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/error.h"

struct mv_sql;
struct mv_stmt;

struct mv_sql_options {
  const char *path;       /* a file, or ":memory:"; files are made with mode 0600 */
  bool read_only;         /* the file must exist */
  bool relaxed;           /* synchronous=NORMAL: a power cut may lose the last commits, never more */
  bool alone;             /* no other connection or program may use the file meanwhile: faster */
  int busy_ms;            /* how long to wait for another connection's lock; 0: 2000 */
  int cache_kib;          /* page cache; 0: 8192 */
  int checkpoint;         /* pages in the log before they go into the file; 0: 2000 */
  int max_pages;          /* the file never grows beyond; 0: no limit */
  int32_t application_id; /* marks the file as ours; another program's file is refused; 0: no check */
  const char *what;       /* for messages: "mavilua host"; NULL: "mavilua" */
};

/* For a program's start, before anything is opened: SQLite need not count the memory of the whole
 * process, which takes a lock at each allocation. */
void mv_sql_setup(void);

/* Opens (WAL for files, foreign keys on). NULL and `err`, which names the file and what to do. */
struct mv_sql *mv_sql_open(const struct mv_sql_options *options, struct mv_error *err);
void mv_sql_close(struct mv_sql *sql); /* NULL is fine; all statements must have been given back */

const char *mv_sql_path(const struct mv_sql *sql);
sqlite3 *mv_sql_handle(struct mv_sql *sql); /* for what is not wrapped here (functions, hooks) */

/* Brings the schema to version `count` by running scripts[version…count-1] and noting the version
 * (PRAGMA user_version), all in one transaction: the caller's, if there is one. A newer file is
 * refused. 0 or -1, and then nothing has changed. */
int mv_sql_migrate(struct mv_sql *sql, const char *const *scripts, int count, struct mv_error *err);

/* For who only reads: whether the schema is version `count`. 0, or -1 with what to do. */
int mv_sql_check_version(struct mv_sql *sql, int count, struct mv_error *err);

/* --- Statements --- */

/* A statement for `text`, from the cache or compiled; to be given back with mv_sql_done. The text
 * is copied. NULL and `err`. Getting the same text while it is in use gives a second statement. */
struct mv_stmt *mv_sql_get(struct mv_sql *sql, const char *text, struct mv_error *err);

/* The same with parameters bound in order, one letter each: i int64_t, r double,
 * s const char * (NULL binds null), b const void * and size_t (NULL binds null), n null (no argument).
 * Strings and blobs are NOT copied: they must live until mv_sql_done. Pass integers as int64_t! */
struct mv_stmt *mv_sql_query(struct mv_sql *sql, struct mv_error *err, const char *text,
                             const char *types, ...);

/* Runs one statement to its end, as mv_sql_query. 0 or -1. */
int mv_sql_run(struct mv_sql *sql, struct mv_error *err, const char *text, const char *types, ...);

/* The first column of the first row. 1 found, 0 no row (or null), -1. */
int mv_sql_one_int(struct mv_sql *sql, int64_t *out, struct mv_error *err, const char *text,
                   const char *types, ...);

/* The same for text; *out to be freed with free(). */
int mv_sql_one_text(struct mv_sql *sql, char **out, struct mv_error *err, const char *text,
                    const char *types, ...);

/* Several statements without parameters or results. 0 or -1. */
int mv_sql_script(struct mv_sql *sql, const char *text, struct mv_error *err);

/* Writes that were put off: `write` is called before the next statement, whichever that is, once.
 * On -1 (and `err`) that statement fails, too. NULL: nothing is owed any more. */
void mv_sql_owe(struct mv_sql *sql, int (*write)(void *owner, struct mv_error *err), void *owner);
/* The next statement does not depend on what is owed. */
void mv_sql_pass(struct mv_sql *sql);

/* Parameters count from 1. Not copied, see above. A failure is told by the next step. */
void mv_sql_bind_int(struct mv_stmt *stmt, int index, int64_t value);
void mv_sql_bind_real(struct mv_stmt *stmt, int index, double value);
void mv_sql_bind_text(struct mv_stmt *stmt, int index, const char *value);
void mv_sql_bind_chars(struct mv_stmt *stmt, int index, const char *value, size_t length); /* text */
void mv_sql_bind_blob(struct mv_stmt *stmt, int index, const void *value, size_t length);
void mv_sql_bind_null(struct mv_stmt *stmt, int index);
/* The same copied, for temporaries. */
void mv_sql_bind_copy(struct mv_stmt *stmt, int index, const char *value, size_t length);

int mv_sql_step(struct mv_stmt *stmt, struct mv_error *err); /* 1 a row, 0 no more, -1 */
int mv_sql_finish(struct mv_stmt *stmt, struct mv_error *err); /* steps to the end, gives back. 0, -1 */
void mv_sql_done(struct mv_stmt *stmt);

/* Columns count from 0. Text and blobs are borrowed until the next step or done; NULL for null. */
bool mv_sql_is_null(struct mv_stmt *stmt, int column);
int mv_sql_type(struct mv_stmt *stmt, int column); /* SQLITE_INTEGER, SQLITE_TEXT, … */
int64_t mv_sql_int(struct mv_stmt *stmt, int column);
double mv_sql_real(struct mv_stmt *stmt, int column);
const char *mv_sql_text(struct mv_stmt *stmt, int column);
const void *mv_sql_blob(struct mv_stmt *stmt, int column, size_t *length);
char *mv_sql_text_dup(struct mv_stmt *stmt, int column); /* free(); NULL for null */

int64_t mv_sql_last_id(struct mv_sql *sql); /* of the last insert */
int64_t mv_sql_changes(struct mv_sql *sql); /* rows touched by the last statement */
int64_t mv_sql_all_changes(struct mv_sql *sql); /* and by all since it was opened */

/* --- Transactions --- */

int mv_sql_begin(struct mv_sql *sql, struct mv_error *err); /* takes the write lock at once */
int mv_sql_begin_read(struct mv_sql *sql, struct mv_error *err); /* one snapshot for several reads */
int mv_sql_commit(struct mv_sql *sql, struct mv_error *err); /* on failure rolled back */
void mv_sql_rollback(struct mv_sql *sql);                    /* fine outside a transaction */
bool mv_sql_in_transaction(struct mv_sql *sql); /* false also when SQLite gave up on its own */

/* A part that may fail alone; may nest. */
int mv_sql_savepoint(struct mv_sql *sql, struct mv_error *err);
int mv_sql_release(struct mv_sql *sql, struct mv_error *err);
void mv_sql_rollback_savepoint(struct mv_sql *sql);

/* Fills `err` from the connection's last failure: a full disk is SYSTEM, a lock is BUSY. -1. */
int mv_sql_error(struct mv_sql *sql, int code, struct mv_error *err);

#endif
