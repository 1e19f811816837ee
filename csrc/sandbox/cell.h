/* A variable's value as the tables keep it (kind, value, number; see schema.sql).
 *
 * What is searched as text is found by `value` alone: mv_cell_key gives what to compare it with.
 * What is searched as number is found where `value` or `number` equals it. A value that is no
 * number is a TEXT to SQLite, any other is not. */
#ifndef MV_SANDBOX_CELL_H
#define MV_SANDBOX_CELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mv_bytes; /* base/bytes.h */
struct mv_stmt;  /* store/sql.h */

enum mv_cell_kind {
  MV_CELL_TEXT,
  MV_CELL_INTEGER,
  MV_CELL_REAL,    /* value: its shortest exact text */
  MV_CELL_BOOLEAN, /* value: true or false */
  MV_CELL_NULL,    /* value: empty */
  MV_CELL_JSON,    /* value: the array or object as JSON */
};

struct mv_cell {
  enum mv_cell_kind kind;
  bool whole;         /* the value is kept as `integer`, whose digits are its text */
  int64_t integer;
  const char *text;   /* else this: the JSON value's own, or `owned` */
  size_t length;
  char *owned;
  json_t *number;     /* what the text is: integer, real, or NULL */
};

/* Valid as long as `value` is and until mv_cell_free. 0, or -1 when memory is out. */
int mv_cell_of(const json_t *value, struct mv_cell *cell);
void mv_cell_free(struct mv_cell *cell);

/* Binds kind, value and number as the parameters `first` and the two after it. The cell must live
 * until the statement is given back. */
void mv_cell_bind(struct mv_stmt *stmt, int first, const struct mv_cell *cell);

/* What a text is kept as: an integer; [text] for a blob; or the text itself. A new reference; NULL
 * when memory is out. */
json_t *mv_cell_key(const char *text, size_t length);

/* Binds such a key, or a number. It must live until the statement is given back. */
void mv_cell_bind_json(struct mv_stmt *stmt, int index, const json_t *key);

/* An SQL expression that makes such a key, or a number, of a row of json_each. */
#define MV_CELL_OF_ROW "CASE type WHEN 'array' THEN CAST(value ->> 0 AS BLOB) ELSE value END"

/* Binds the key of a text. The text must live until the statement is given back. */
void mv_cell_bind_key(struct mv_stmt *stmt, int index, const char *text, size_t length);

/* The number a text is ("60", "-1.5", "1e3"), as integer if it is a whole one of 64 bits; else
 * NULL. */
json_t *mv_cell_number(const char *text);

/* The value back from its columns. New reference. */
json_t *mv_cell_read(struct mv_stmt *stmt, int kind_column, int value_column);

/* The same as JSON text, appended. */
void mv_cell_write(struct mv_bytes *out, struct mv_stmt *stmt, int kind_column, int value_column);

#endif
