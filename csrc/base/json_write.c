/* Printing: our own, because reals must come out shortest and exact (19.99, not
 * 19.989999999999998: the platform stores what it gets as text). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

static int write_value(struct mv_bytes *out, const json_t *value, int depth);

/* The two-character escape of a control character, or NULL. */
static const char *short_escape(unsigned char c) {
  switch (c) {
  case '"':
    return "\\\"";
  case '\\':
    return "\\\\";
  case '\n':
    return "\\n";
  case '\r':
    return "\\r";
  case '\t':
    return "\\t";
  case '\b':
    return "\\b";
  case '\f':
    return "\\f";
  default:
    return NULL;
  }
}

static void write_escape(struct mv_bytes *out, unsigned char c) {
  const char *escape = short_escape(c);
  if (escape) {
    mv_bytes_puts(out, escape);
  } else {
    mv_bytes_printf(out, "\\u%04x", c);
  }
}

static bool is_special(unsigned char c) {
  return c < 0x20 || c == '"' || c == '\\' || c == 0x7F;
}

/* How many bytes stand for themselves. */
static size_t plain_length(const char *text, size_t length) {
  size_t plain = 0;
  while (plain < length && !is_special((unsigned char)text[plain])) {
    plain++;
  }
  return plain;
}

/* Room is there for this text and its quotation marks. */
static void copy_plain(struct mv_bytes *out, const char *text, size_t length) {
  char *to = out->data + out->length;
  *to++ = '"';
  memcpy(to, text, length);
  to[length] = '"';
  to[length + 1] = '\0';
  out->length += length + 2;
}

static void write_string(struct mv_bytes *out, const char *text, size_t length) {
  size_t plain = plain_length(text, length);
  if (mv_bytes_reserve(out, length + 2)) {
    return;
  }
  if (plain == length) {
    copy_plain(out, text, length);
    return;
  }
  mv_bytes_putc(out, '"');
  for (;;) {
    mv_bytes_append(out, text, plain);
    if (plain == length) {
      break;
    }
    write_escape(out, (unsigned char)text[plain]);
    text += plain + 1;
    length -= plain + 1;
    plain = plain_length(text, length);
  }
  mv_bytes_putc(out, '"');
}

int mv_json_put_string(struct mv_bytes *out, const char *text, size_t length) {
  if (mv_utf8_valid(text, length) != length) {
    return -1;
  }
  write_string(out, text, length);
  return 0;
}

int mv_json_put_real(struct mv_bytes *out, double number) {
  char text[40];
  if (!isfinite(number)) {
    return -1; /* JSON has no such number */
  }
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, number);
    if (strtod(text, NULL) == number) {
      break;
    }
  }
  for (char *p = text; *p; p++) {
    if (*p == ',') {
      *p = '.'; /* a program that embeds us may have set a locale */
    }
  }
  mv_bytes_puts(out, text);
  return strpbrk(text, ".e") ? 0 : mv_bytes_puts(out, ".0");
}

static int write_array(struct mv_bytes *out, const json_t *array, int depth) {
  mv_bytes_putc(out, '[');
  size_t count = json_array_size(array);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) {
      mv_bytes_putc(out, ',');
    }
    if (write_value(out, json_array_get(array, i), depth)) {
      return -1;
    }
  }
  return mv_bytes_putc(out, ']');
}

static int write_object(struct mv_bytes *out, const json_t *object, int depth) {
  mv_bytes_putc(out, '{');
  bool first = true;
  json_t *members = (json_t *)object; /* jansson's iterators take no const, and change nothing */
  for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
    const char *name = json_object_iter_key(at);
    if (!first) {
      mv_bytes_putc(out, ',');
    }
    first = false;
    write_string(out, name, strlen(name));
    mv_bytes_putc(out, ':');
    if (write_value(out, json_object_iter_value(at), depth)) {
      return -1;
    }
  }
  return mv_bytes_putc(out, '}');
}

static int write_value(struct mv_bytes *out, const json_t *value, int depth) {
  if (!value || depth > MV_JSON_DEPTH) {
    return -1;
  }
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return write_object(out, value, depth + 1);
  case JSON_ARRAY:
    return write_array(out, value, depth + 1);
  case JSON_STRING:
    write_string(out, json_string_value(value), json_string_length(value));
    return 0;
  case JSON_INTEGER:
    return mv_bytes_put_int(out, json_integer_value(value));
  case JSON_REAL:
    return mv_json_put_real(out, json_real_value(value));
  case JSON_TRUE:
    return mv_bytes_puts(out, "true");
  case JSON_FALSE:
    return mv_bytes_puts(out, "false");
  default:
    return mv_bytes_puts(out, "null");
  }
}

int mv_json_write(struct mv_bytes *out, const json_t *value) {
  return write_value(out, value, 0) || out->failed ? -1 : 0;
}

char *mv_json_text(const json_t *value) {
  struct mv_bytes out = {0};
  if (mv_json_write(&out, value)) {
    mv_bytes_free(&out);
    return NULL;
  }
  return mv_bytes_steal(&out, NULL);
}
