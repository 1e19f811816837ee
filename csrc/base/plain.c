#include "base/plain.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/width.h"

/* The character at `text` and its length; length 1 and false for what is no UTF-8. */
static bool read_character(const unsigned char *text, unsigned *code, size_t *length) {
  static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned char first = text[0];
  size_t size = first < 0x80 ? 1 : first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : 2;
  *length = 1;
  *code = first;
  if (size == 1)
    return true;
  if (first < 0xc2 || first >= 0xf5)
    return false;
  unsigned value = first & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    if ((text[i] & 0xc0) != 0x80)
      return false;
    value = value << 6 | (text[i] & 0x3fU);
  }
  if (value < least[size] || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff)
    return false;
  *code = value;
  *length = size;
  return true;
}

/* Controls of C0 and C1, line and paragraph separators, and marks that turn the direction. */
static bool steers(unsigned code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

static void put_steering(struct mv_bytes *out, unsigned code) {
  static const char letters[] = "abtnvfr"; /* from 7 on */
  if (code >= 7 && code <= 13)
    mv_bytes_printf(out, "\\%c", letters[code - 7]);
  else
    mv_bytes_printf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
}

/* Appends one character and adds its columns to `width`; returns its length in `text`. */
static size_t put_one(struct mv_bytes *out, const unsigned char *text, bool lines, size_t *width) {
  unsigned code;
  size_t length, start = out->length;
  bool whole = read_character(text, &code, &length);
  bool shown = whole && (!steers(code) || (lines && code == '\n'));
  if (shown)
    mv_bytes_append(out, text, length);
  else if (whole)
    put_steering(out, code);
  else
    mv_bytes_printf(out, "\\x%02x", code);
  *width += shown ? mv_width_of(code) : out->length - start;
  return length;
}

size_t mv_plain_append(struct mv_bytes *out, const char *text, size_t length, size_t columns,
                       bool lines) {
  const unsigned char *p = (const unsigned char *)text, *end = p + length;
  size_t count = 0;
  while (p < end) {
    size_t start = out->length, width = count;
    p += put_one(out, p, lines, &width);
    if (columns && width + (p < end) > columns && out->data) {
      out->length = start;
      out->data[start] = '\0';
      mv_bytes_puts(out, "…");
      return count + 1;
    }
    count = width;
  }
  return count;
}

size_t mv_plain_put(struct mv_bytes *out, const char *text, size_t columns, bool lines) {
  return text ? mv_plain_append(out, text, strlen(text), columns, lines) : 0;
}

void mv_plain_put_json(struct mv_bytes *out, const json_t *value) {
  char *text = mv_json_text(value);
  const unsigned char *p = (const unsigned char *)(text ? text : "null");
  unsigned code;
  for (size_t length; *p; p += length) {
    if (read_character(p, &code, &length) && steers(code))
      mv_bytes_printf(out, "\\u%04x", code);
    else
      mv_bytes_append(out, p, length);
  }
  free(text);
}
