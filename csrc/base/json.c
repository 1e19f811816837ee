#include "base/json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_quick.h"

#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL)

/* Whether `length` digits (without sign) need more than 64 bits. */
static bool exceeds_64_bits(const char *digits, size_t length, bool negative) {
  const char *limit = negative ? "9223372036854775808" : "9223372036854775807";
  return length > 19 || (length == 19 && strncmp(digits, limit, 19) > 0);
}

/* The end of a number that starts at `p`; *integer tells that it has neither fraction nor exponent. */
static const char *skip_number(const char *p, const char *end, bool *integer) {
  *integer = true;
  for (; p < end && (isdigit((unsigned char)*p) || strchr("+-.eE", *p)); p++) {
    *integer = *integer && *p != '.' && *p != 'e' && *p != 'E';
    if (*p == '\0') {
      break;
    }
  }
  return p;
}

static const char *skip_string(const char *p, const char *end) {
  for (p++; p < end && *p != '"'; p++) {
    p += *p == '\\' && p + 1 < end;
  }
  return p < end ? p + 1 : end;
}

/* strtod stops at what follows the number: there must be something. */
static bool exceeds_real(const char *start, const char *number_end, const char *end) {
  return number_end < end && isinf(strtod(start, NULL));
}

/* Four hexadecimal digits at `p`, or -1. */
static int hex4(const char *p, const char *end) {
  int value = 0;
  for (int i = 0; i < 4; i++, p++) {
    if (p >= end || !isxdigit((unsigned char)*p)) {
      return -1;
    }
    int c = tolower((unsigned char)*p);
    value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return value;
}

static bool is_high(int unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(int unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

/* What cannot be parsed as it stands, put so that it can. */
struct mend {
  struct mv_bytes *out;
  const char *end; /* of the whole text */
  bool lenient;
};

/* Copies an escape that begins at `p`; its end. */
static const char *mend_escape(const struct mend *mend, const char *p) {
  const char *end = mend->end;
  int unit = p + 1 < end && p[1] == 'u' ? hex4(p + 2, end) : -1;
  size_t length = end - p < 2 ? (size_t)(end - p) : 2;
  bool lone = false;
  if (unit >= 0) {
    bool pair = is_high(unit) && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
                is_low(hex4(p + 8, end));
    lone = !pair && (is_high(unit) || is_low(unit));
    length = pair ? 12 : 6;
  }
  mv_bytes_append(mend->out, lone ? "\\ufffd" : p, length);
  return p + length;
}

static const char *mend_string(const struct mend *mend, const char *p) {
  const char *after = skip_string(p, mend->end);
  if (!mend->lenient) {
    mv_bytes_append(mend->out, p, (size_t)(after - p));
    return after;
  }
  while (p < after) {
    if (*p == '\\') {
      p = mend_escape(mend, p);
    } else {
      mv_bytes_putc(mend->out, *p++);
    }
  }
  return p;
}

static const char *mend_number(const struct mend *mend, const char *start) {
  bool integer, negative = *start == '-';
  const char *after = skip_number(start + 1, mend->end, &integer);
  const char *digits = start + negative;
  bool quote = integer ? exceeds_64_bits(digits, (size_t)(after - digits), negative)
                       : mend->lenient && exceeds_real(start, after, mend->end);
  if (quote) {
    mv_bytes_putc(mend->out, '"');
  }
  mv_bytes_append(mend->out, start, (size_t)(after - start));
  if (quote) {
    mv_bytes_putc(mend->out, '"');
  }
  return after;
}

/* The text with numbers beyond 64 bits put in quotation marks: jansson refuses them. */
static int mend_text(const struct mend *mend, const char *p) {
  while (p < mend->end) {
    if (*p == '"') {
      p = mend_string(mend, p);
    } else if (*p == '-' || isdigit((unsigned char)*p)) {
      p = mend_number(mend, p);
    } else {
      mv_bytes_putc(mend->out, *p++);
    }
  }
  return mend->out->failed ? -1 : 0;
}

/* jansson recurses up to its own limit (2048); ours is checked before it starts. */
static bool too_deep(const char *p, const char *end) {
  int depth = 0;
  while (p < end) {
    if (*p == '"') {
      p = skip_string(p, end);
      continue;
    }
    depth += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
    if (depth > MV_JSON_DEPTH) {
      return true;
    }
    p++;
  }
  return false;
}

static json_t *fail(struct mv_error *err, const json_error_t *error) {
  mv_error_set(err, MV_ERROR_DECODE, "line %d, column %d: %s", error->line, error->column,
               error->text);
  return NULL;
}

static json_t *parse_mended(const char *text, size_t length, bool lenient, json_error_t *error) {
  struct mv_bytes out = {0};
  struct mend mend = {.out = &out, .end = text + length, .lenient = lenient};
  json_t *value = NULL;
  if (!mend_text(&mend, text)) {
    value = json_loadb(out.data, out.length, FLAGS, error);
  }
  mv_bytes_free(&out);
  return value;
}

static json_t *parse(const char *text, size_t length, bool lenient, struct mv_error *err) {
  json_t *quick = mv_json_quick(text, length);
  if (quick) {
    return quick;
  }
  if (too_deep(text, text + length)) {
    mv_error_set(err, MV_ERROR_DECODE, "nested deeper than %d levels", MV_JSON_DEPTH);
    return NULL;
  }
  json_error_t error;
  json_t *value = json_loadb(text, length, FLAGS, &error);
  if (!value && length > 0 &&
      (lenient || json_error_code(&error) == json_error_numeric_overflow)) {
    value = parse_mended(text, length, lenient, &error);
  }
  return value ? value : fail(err, &error);
}

json_t *mv_json_parse(const char *text, size_t length, struct mv_error *err) {
  return parse(text, length, false, err);
}

json_t *mv_json_parse_lenient(const char *text, size_t length, struct mv_error *err) {
  return parse(text, length, true, err);
}

/* The member or element of `value` that `name` names. */
static json_t *child(json_t *value, const char *name) {
  if (json_is_array(value)) {
    char *end;
    unsigned long index = strtoul(name, &end, 10);
    return isdigit((unsigned char)*name) && *end == '\0' ? json_array_get(value, index) : NULL;
  }
  return json_object_get(value, name);
}

json_t *mv_json_at(json_t *value, const char *path) {
  char name[128];
  while (value && *path) {
    size_t length = strcspn(path, ".");
    if (length >= sizeof name) {
      return NULL;
    }
    memcpy(name, path, length);
    name[length] = '\0';
    value = child(value, name);
    path += length + (path[length] == '.');
  }
  return value;
}

char *mv_json_pretty(const json_t *value) {
  return json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
}

char *mv_json_scalar_text(const json_t *value) {
  if (json_is_string(value)) {
    return mv_memdup(json_string_value(value), json_string_length(value));
  }
  if (json_is_number(value) || json_is_boolean(value)) {
    return mv_json_text(value);
  }
  return NULL;
}
