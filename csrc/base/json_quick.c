#include "base/json_quick.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json_scan.h"

enum { DEEPEST = 32 };

struct reader {
  const char *at, *end;
  struct mv_bytes text; /* of a string with escapes */
};

static json_t *read_value(struct reader *reader, int depth);

static void skip_space(struct reader *reader) {
  while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                      *reader->at == '\r' || *reader->at == '\t')) {
    reader->at++;
  }
}

static bool take(struct reader *reader, char c) {
  skip_space(reader);
  if (reader->at < reader->end && *reader->at == c) {
    reader->at++;
    return true;
  }
  return false;
}

/* What the letter behind a backslash stands for; 0: not known here. */
static char unescape(char c) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  const char *found = c ? strchr(letters, c) : NULL;
  return found ? meant[found - letters] : '\0';
}

struct span {
  const char *text;
  size_t length;
};

/* From the first escape on; what comes before it begins at `from`. */
static bool read_escaped(struct reader *reader, const char *from, struct span *span) {
  mv_bytes_clear(&reader->text);
  for (;;) {
    mv_bytes_append(&reader->text, from, (size_t)(reader->at - from));
    if (reader->end - reader->at < 2 || *reader->at != '\\') {
      break;
    }
    char c = unescape(reader->at[1]);
    if (!c) {
      return false;
    }
    mv_bytes_putc(&reader->text, c);
    from = reader->at + 2;
    reader->at = mv_json_plain_run(from, reader->end);
  }
  *span = (struct span){reader->text.data, reader->text.length};
  return reader->at < reader->end && *reader->at++ == '"' && !reader->text.failed;
}

/* Behind the first quotation mark. The span lasts until the next one. */
static bool read_text(struct reader *reader, struct span *span) {
  const char *from = reader->at;
  reader->at = mv_json_plain_run(from, reader->end);
  if (reader->at < reader->end && *reader->at == '"') {
    *span = (struct span){from, (size_t)(reader->at++ - from)};
    return true;
  }
  return read_escaped(reader, from, span);
}

static json_t *read_string(struct reader *reader) {
  struct span span;
  return read_text(reader, &span) ? json_stringn_nocheck(span.text, span.length) : NULL;
}

/* In a locale of other decimal points strtod does not come to the end. */
static json_t *read_real(struct reader *reader, const char *end) {
  char text[40], *last;
  size_t length = (size_t)(end - reader->at);
  if (length >= sizeof text) {
    return NULL;
  }
  memcpy(text, reader->at, length);
  text[length] = '\0';
  double value = strtod(text, &last);
  reader->at = end;
  return *last || !isfinite(value) ? NULL : json_real(value);
}

static json_t *read_number(struct reader *reader) {
  bool integer, negative = *reader->at == '-';
  const char *p = reader->at + negative,
             *end = mv_json_number_end(reader->at, reader->end, &integer);
  if (end && !integer) {
    return read_real(reader, end);
  }
  if (!end || end - p > MV_JSON_SAFE_DIGITS || (negative && *p == '0')) {
    return NULL;
  }
  json_int_t value = 0;
  for (; p < end; p++) {
    value = value * 10 + (*p - '0');
  }
  reader->at = end;
  return json_integer(negative ? -value : value);
}

static json_t *read_word(struct reader *reader, const char *word, size_t length, json_t *value) {
  if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) {
    return NULL;
  }
  reader->at += length;
  return value;
}

static bool read_member(struct reader *reader, json_t *object, int depth) {
  struct span name;
  char kept[64];
  if (!take(reader, '"') || !read_text(reader, &name) || name.length > sizeof kept ||
      !take(reader, ':')) {
    return false;
  }
  memcpy(kept, name.text, name.length);
  json_t *value = read_value(reader, depth);
  return value && json_object_setn_new_nocheck(object, kept, name.length, value) == 0;
}

static json_t *read_object(struct reader *reader, int depth) {
  json_t *object = json_object();
  bool good = take(reader, '}');
  if (!good) {
    do {
      good = read_member(reader, object, depth);
    } while (good && take(reader, ','));
    good = good && take(reader, '}');
  }
  if (good) {
    return object;
  }
  json_decref(object);
  return NULL;
}

static json_t *read_array(struct reader *reader, int depth) {
  json_t *array = json_array();
  bool good = take(reader, ']');
  if (!good) {
    do {
      json_t *value = read_value(reader, depth);
      good = value && json_array_append_new(array, value) == 0;
    } while (good && take(reader, ','));
    good = good && take(reader, ']');
  }
  if (good) {
    return array;
  }
  json_decref(array);
  return NULL;
}

static json_t *read_value(struct reader *reader, int depth) {
  skip_space(reader);
  if (reader->at == reader->end || depth > DEEPEST) {
    return NULL;
  }
  switch (*reader->at) {
  case '{':
    reader->at++;
    return read_object(reader, depth + 1);
  case '[':
    reader->at++;
    return read_array(reader, depth + 1);
  case '"':
    reader->at++;
    return read_string(reader);
  case 't':
    return read_word(reader, "true", 4, json_true());
  case 'f':
    return read_word(reader, "false", 5, json_false());
  case 'n':
    return read_word(reader, "null", 4, json_null());
  default:
    return read_number(reader);
  }
}

json_t *mv_json_quick(const char *text, size_t length) {
  struct reader reader = {.at = text, .end = text + length};
  json_t *value = read_value(&reader, 0);
  skip_space(&reader);
  mv_bytes_free(&reader.text);
  if (value && reader.at < reader.end) {
    json_decref(value);
    return NULL;
  }
  return value;
}
