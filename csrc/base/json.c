#include "base/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

static void copy_number(struct mv_bytes *out, const char *start, const char *end, bool integer) {
  bool negative = *start == '-';
  const char *digits = start + negative;
  bool quote = integer && exceeds_64_bits(digits, (size_t)(end - digits), negative);
  if (quote) {
    mv_bytes_putc(out, '"');
  }
  mv_bytes_append(out, start, (size_t)(end - start));
  if (quote) {
    mv_bytes_putc(out, '"');
  }
}

/* The text with integers beyond 64 bits put in quotation marks: jansson refuses them. */
static int quote_large_integers(const char *p, const char *end, struct mv_bytes *out) {
  while (p < end) {
    const char *start = p;
    if (*p == '"') {
      p = skip_string(p, end);
      mv_bytes_append(out, start, (size_t)(p - start));
    } else if (*p == '-' || isdigit((unsigned char)*p)) {
      bool integer;
      p = skip_number(p + 1, end, &integer);
      copy_number(out, start, p, integer);
    } else {
      mv_bytes_putc(out, *p++);
    }
  }
  return out->failed ? -1 : 0;
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

static json_t *parse_quoted(const char *text, size_t length, json_error_t *error) {
  struct mv_bytes quoted = {0};
  json_t *value = NULL;
  if (!quote_large_integers(text, text + length, &quoted)) {
    value = json_loadb(quoted.data, quoted.length, FLAGS, error);
  }
  mv_bytes_free(&quoted);
  return value;
}

json_t *mv_json_parse(const char *text, size_t length, struct mv_error *err) {
  if (too_deep(text, text + length)) {
    mv_error_set(err, MV_ERROR_DECODE, "nested deeper than %d levels", MV_JSON_DEPTH);
    return NULL;
  }
  json_error_t error;
  json_t *value = json_loadb(text, length, FLAGS, &error);
  if (!value && json_error_code(&error) == json_error_numeric_overflow) {
    value = parse_quoted(text, length, &error);
  }
  return value ? value : fail(err, &error);
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
