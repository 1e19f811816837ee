#include "sandbox/cell.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "sandbox/db.h"

static const char *skip_digits(const char *p) {
  while (isdigit((unsigned char)*p)) {
    p++;
  }
  return p;
}

/* Whether all of `text` is a decimal number; *whole tells that it has neither fraction nor
 * exponent. */
static bool is_number(const char *text, bool *whole) {
  const char *p = text + (*text == '-');
  const char *digits = p;
  p = skip_digits(p);
  if (p == digits) {
    return false;
  }
  *whole = *p == '\0';
  if (*p == '.') {
    digits = ++p;
    p = skip_digits(p);
    if (p == digits) {
      return false;
    }
  }
  if (*p == 'e' || *p == 'E') {
    p += 1 + (p[1] == '+' || p[1] == '-');
    digits = p;
    p = skip_digits(p);
    if (p == digits) {
      return false;
    }
  }
  return *p == '\0';
}

json_t *mv_cell_number(const char *text) {
  bool whole = false;
  if (!is_number(text, &whole)) {
    return NULL;
  }
  if (whole) {
    errno = 0;
    long long integer = strtoll(text, NULL, 10);
    if (errno == 0) {
      return json_integer(integer);
    }
  }
  double real = strtod(text, NULL);
  return isfinite(real) ? json_real(real) : NULL;
}

static enum mv_cell_kind kind_of(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_STRING:
    return MV_CELL_TEXT;
  case JSON_INTEGER:
    return MV_CELL_INTEGER;
  case JSON_REAL:
    return MV_CELL_REAL;
  case JSON_TRUE:
  case JSON_FALSE:
    return MV_CELL_BOOLEAN;
  case JSON_NULL:
    return MV_CELL_NULL;
  default:
    return MV_CELL_JSON;
  }
}

int mv_cell_of(const json_t *value, struct mv_cell *cell) {
  cell->kind = kind_of(value);
  cell->number = NULL;
  if (cell->kind == MV_CELL_JSON) {
    cell->value = mv_json_text(value);
  } else {
    cell->value = cell->kind == MV_CELL_NULL ? mv_strdup("") : mv_json_scalar_text(value);
  }
  if (!cell->value) {
    return -1;
  }
  cell->length = cell->kind == MV_CELL_TEXT ? json_string_length(value) : strlen(cell->value);
  if (cell->kind <= MV_CELL_REAL && strlen(cell->value) == cell->length) {
    cell->number = mv_cell_number(cell->value);
  }
  return 0;
}

void mv_cell_free(struct mv_cell *cell) {
  free(cell->value);
  json_decref(cell->number);
}

json_t *mv_cell_read(struct mv_stmt *stmt, int kind_column, int value_column) {
  const char *text = mv_sql_text(stmt, value_column);
  switch ((int)mv_sql_int(stmt, kind_column)) {
  case MV_CELL_INTEGER:
    return json_integer(strtoll(text ? text : "", NULL, 10));
  case MV_CELL_REAL:
    return json_real(strtod(text ? text : "", NULL));
  case MV_CELL_BOOLEAN:
    return json_boolean(text && *text == 't');
  case MV_CELL_NULL:
    return json_null();
  case MV_CELL_JSON:
    return mv_db_json(stmt, value_column);
  default:
    return mv_db_text(stmt, value_column);
  }
}
