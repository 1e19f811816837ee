#include "sandbox/cell.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

/* Whether the text is the digits of this integer and nothing else: no "007", "+1" or "-0". */
static bool is_whole(const char *text, size_t length, int64_t *integer) {
  bool negative = length > 0 && text[0] == '-';
  size_t first = negative;
  uint64_t number = 0;
  if (length == first || length > first + 19 || (text[first] == '0' && length > 1)) {
    return false;
  }
  for (size_t i = first; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') {
      return false;
    }
    number = number * 10 + (uint64_t)(text[i] - '0');
  }
  if (number > (uint64_t)INT64_MAX + negative) {
    return false;
  }
  *integer = (int64_t)(negative ? 0 - number : number);
  return true;
}

/* The number that a text is, or NULL. */
static json_t *number_of(const char *text, size_t length) {
  return length > 0 && strlen(text) == length ? mv_cell_number(text) : NULL;
}

json_t *mv_cell_key(const char *text, size_t length) {
  int64_t integer;
  if (is_whole(text, length, &integer)) {
    return json_integer(integer);
  }
  json_t *number = number_of(text, length);
  json_t *key = number ? json_pack("[s%]", text, length) : json_stringn(text, length);
  json_decref(number);
  return key;
}

void mv_cell_bind_json(struct mv_stmt *stmt, int index, const json_t *key) {
  const json_t *text = json_is_array(key) ? json_array_get(key, 0) : key;
  if (json_is_integer(key)) {
    mv_sql_bind_int(stmt, index, json_integer_value(key));
  } else if (json_is_real(key)) {
    mv_sql_bind_real(stmt, index, json_real_value(key));
  } else if (json_is_array(key)) {
    mv_sql_bind_blob(stmt, index, json_string_value(text), json_string_length(text));
  } else {
    mv_sql_bind_chars(stmt, index, json_string_value(text), json_string_length(text));
  }
}

void mv_cell_bind_key(struct mv_stmt *stmt, int index, const char *text, size_t length) {
  int64_t integer;
  json_t *number = NULL;
  if (is_whole(text, length, &integer)) {
    mv_sql_bind_int(stmt, index, integer);
  } else if ((number = number_of(text, length)) != NULL) {
    mv_sql_bind_blob(stmt, index, text, length);
  } else {
    mv_sql_bind_chars(stmt, index, text, length);
  }
  json_decref(number);
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

static void take_text(struct mv_cell *cell, const json_t *value) {
  cell->text = json_string_value(value);
  cell->length = json_string_length(value);
  cell->whole = is_whole(cell->text, cell->length, &cell->integer);
}

static int take_owned(struct mv_cell *cell, char *text) {
  cell->owned = text;
  cell->text = text;
  cell->length = text ? strlen(text) : 0;
  return text ? 0 : -1;
}

int mv_cell_of(const json_t *value, struct mv_cell *cell) {
  *cell = (struct mv_cell){.kind = kind_of(value), .text = ""};
  switch (cell->kind) {
  case MV_CELL_TEXT:
    take_text(cell, value);
    cell->number = cell->whole ? NULL : number_of(cell->text, cell->length);
    return 0;
  case MV_CELL_INTEGER:
    cell->whole = true;
    cell->integer = json_integer_value(value);
    return 0;
  case MV_CELL_REAL:
    cell->number = json_incref((json_t *)value);
    return take_owned(cell, mv_json_text(value));
  case MV_CELL_BOOLEAN:
    cell->text = json_is_true(value) ? "true" : "false";
    cell->length = strlen(cell->text);
    return 0;
  case MV_CELL_NULL:
    return 0;
  default:
    return take_owned(cell, mv_json_text(value));
  }
}

void mv_cell_free(struct mv_cell *cell) {
  free(cell->owned);
  json_decref(cell->number);
}

void mv_cell_bind(struct mv_stmt *stmt, int first, const struct mv_cell *cell) {
  mv_sql_bind_int(stmt, first, (int64_t)cell->kind);
  if (cell->whole) {
    mv_sql_bind_int(stmt, first + 1, cell->integer);
  } else if (cell->number || cell->kind == MV_CELL_NULL) {
    mv_sql_bind_blob(stmt, first + 1, cell->text, cell->length);
  } else {
    mv_sql_bind_chars(stmt, first + 1, cell->text, cell->length);
  }
  if (cell->number) {
    mv_cell_bind_json(stmt, first + 2, cell->number);
  } else {
    mv_sql_bind_null(stmt, first + 2);
  }
}

/* A real is kept as its text, because SQLite's own reading of it is not exact to the last digit. */
static json_t *read_real(struct mv_stmt *stmt, int column) {
  const char *text = mv_sql_text(stmt, column);
  return json_real(text ? strtod(text, NULL) : 0);
}

static json_t *read_boolean(struct mv_stmt *stmt, int column) {
  const char *text = mv_sql_text(stmt, column);
  return json_boolean(text && *text == 't');
}

json_t *mv_cell_read(struct mv_stmt *stmt, int kind_column, int value_column) {
  switch ((int)mv_sql_int(stmt, kind_column)) {
  case MV_CELL_INTEGER:
    return json_integer(mv_sql_int(stmt, value_column));
  case MV_CELL_REAL:
    return read_real(stmt, value_column);
  case MV_CELL_BOOLEAN:
    return read_boolean(stmt, value_column);
  case MV_CELL_NULL:
    return json_null();
  case MV_CELL_JSON:
    return mv_db_json(stmt, value_column);
  default:
    return mv_db_text(stmt, value_column);
  }
}

void mv_cell_write(struct mv_bytes *out, struct mv_stmt *stmt, int kind_column, int value_column) {
  int kind = (int)mv_sql_int(stmt, kind_column);
  if (kind == MV_CELL_TEXT) {
    mv_db_put_text(out, stmt, value_column);
    return;
  }
  if (kind == MV_CELL_INTEGER) {
    mv_bytes_put_int(out, mv_sql_int(stmt, value_column));
    return;
  }
  json_t *value = mv_cell_read(stmt, kind_column, value_column);
  mv_json_write(out, value ? value : json_null());
  json_decref(value);
}
