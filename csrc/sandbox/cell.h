/* A variable's value as the tables keep it: the type it was given with, its text (searches compare
 * text) and, where the text is one, its number. */
#ifndef MV_SANDBOX_CELL_H
#define MV_SANDBOX_CELL_H

#include <jansson.h>

struct mv_stmt; /* store/sql.h */

enum mv_cell_kind {
  MV_CELL_TEXT,
  MV_CELL_INTEGER, /* value: digits; 64 bits */
  MV_CELL_REAL,    /* value: shortest exact */
  MV_CELL_BOOLEAN, /* value: true or false */
  MV_CELL_NULL,    /* value: empty */
  MV_CELL_JSON,    /* value: the array or object as JSON */
};

struct mv_cell {
  enum mv_cell_kind kind;
  char *value;    /* to be freed by mv_cell_free; may hold NUL */
  size_t length;  /* of value */
  json_t *number; /* integer or real, or NULL */
};

/* 0, or -1 when memory is out. */
int mv_cell_of(const json_t *value, struct mv_cell *cell);
void mv_cell_free(struct mv_cell *cell);

/* The number a text is ("60", "-1.5", "1e3"), as integer if it is a whole one of 64 bits; else
 * NULL. */
json_t *mv_cell_number(const char *text);

/* The value back from its columns. New reference. */
json_t *mv_cell_read(struct mv_stmt *stmt, int kind_column, int value_column);

#endif
