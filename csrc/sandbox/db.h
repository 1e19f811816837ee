/* The sandbox's SQLite connection: typed binding, JSON columns, and one sticky
 * failure a transaction, so that it is asked for once, at the end.
 * Not thread-safe: whoever holds the work's lock (work.h) uses it. */
#ifndef MV_SANDBOX_DB_H
#define MV_SANDBOX_DB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "store/sql.h"

struct mv_db {
  struct mv_sql *sql;
  bool failed;           /* something went wrong since mv_db_forget */
  struct mv_error error; /* the first that did */
};

/* Opens a file (0600 when new) or ":memory:" and creates the tables if there are none. */
int mv_db_open(struct mv_db *db, const char *path, struct mv_error *err);
void mv_db_close(struct mv_db *db);

/* A statement with its values bound. `types` has a letter for each value that follows:
 *   i int64_t   o int64_t (0: null)   d double   t const char * (NULL: null)   s const char *, size_t
 *   j json_t * as JSON text (NULL or null: null)   v json_t * as it is: integer, real or text
 * Texts are copied. NULL when it failed. Read the rows with mv_db_step; before its end the
 * statement is given back with mv_db_reset. */
struct mv_stmt *mv_db_query(struct mv_db *db, const char *sql, const char *types, ...);

/* A statement whose values the caller binds (store/sql.h). */
struct mv_stmt *mv_db_prepare(struct mv_db *db, const char *sql);

/* Whether there is a (further) row; false at the end and after a failure, and then it is given
 * back. `stmt` may be NULL. */
bool mv_db_step(struct mv_db *db, struct mv_stmt *stmt);
void mv_db_reset(struct mv_stmt *stmt);

/* Runs to the end. 0 or -1. */
int mv_db_run(struct mv_db *db, const char *sql, const char *types, ...);

/* The first column of the first row, or `absent` when there is none or it is null. */
int64_t mv_db_integer(struct mv_db *db, int64_t absent, const char *sql, const char *types, ...);

/* Several statements without values. 0 or -1. */
int mv_db_script(struct mv_db *db, const char *sql);

int64_t mv_db_last_id(const struct mv_db *db);

/* A column as JSON: text or null; integer or null; the JSON that the text is, or null.
 * New references. */
json_t *mv_db_text(struct mv_stmt *stmt, int column);
json_t *mv_db_number(struct mv_stmt *stmt, int column);
json_t *mv_db_json(struct mv_stmt *stmt, int column);

/* A column as JSON text, appended: a text or null; an integer, a text or null. */
void mv_db_put_text(struct mv_bytes *out, struct mv_stmt *stmt, int column);
void mv_db_put(struct mv_bytes *out, struct mv_stmt *stmt, int column);

/* Clears the sticky failure. */
void mv_db_forget(struct mv_db *db);

/* Notes a failure that is not SQLite's (memory, JSON). */
void mv_db_fail(struct mv_db *db, const char *what);

#endif
