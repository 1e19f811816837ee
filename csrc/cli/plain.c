#include "cli/plain.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"

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

/* Appends one character; returns its length in `text`. */
static size_t put_one(struct mv_bytes *out, const unsigned char *text, bool lines) {
  unsigned code;
  size_t length;
  if (!read_character(text, &code, &length))
    mv_bytes_printf(out, "\\x%02x", code);
  else if (steers(code) && !(lines && code == '\n'))
    put_steering(out, code);
  else
    mv_bytes_append(out, text, length);
  return length;
}

static size_t count_characters(const char *data, size_t length) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++)
    count += (data[i] & 0xc0) != 0x80;
  return count;
}

size_t mv_plain_put(struct mv_bytes *out, const char *text, size_t columns, bool lines) {
  const unsigned char *p = (const unsigned char *)(text ? text : "");
  size_t count = 0;
  while (*p) {
    size_t start = out->length, length = put_one(out, p, lines);
    size_t width = out->data ? count_characters(out->data + start, out->length - start) : 0;
    if (columns && count + width + (p[length] != '\0') > columns && out->data) {
      out->length = start;
      out->data[start] = '\0';
      mv_bytes_puts(out, "…");
      return count + 1;
    }
    count += width;
    p += length;
  }
  return count;
}

void mv_plain_print(FILE *stream, const char *text, size_t columns, bool lines) {
  struct mv_bytes out = {0};
  mv_plain_put(&out, text, columns, lines);
  fputs(out.data ? out.data : "", stream);
  mv_bytes_free(&out);
}

void mv_plain_print_json(FILE *stream, const json_t *value) {
  char *text = mv_json_text(value);
  const unsigned char *p = (const unsigned char *)(text ? text : "null");
  unsigned code;
  for (size_t length; *p; p += length) {
    if (read_character(p, &code, &length) && steers(code))
      fprintf(stream, "\\u%04x", code);
    else
      fwrite(p, 1, length, stream);
  }
  fputc('\n', stream);
  free(text);
}

size_t mv_plain_columns(FILE *stream) {
  struct winsize size;
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
    return size.ws_col;
  return 100;
}
