#include "api/text.h"

#include <string.h>

/* Bytes of the character at `text`; 0 if it is not UTF-8. */
static size_t character(const unsigned char *text, size_t length) {
  static const unsigned char first[] = {0x80, 0xC2, 0xE0, 0xF0, 0xF5}, size[] = {1, 0, 2, 3, 4};
  size_t kind = 0, bytes;
  while (kind < sizeof first && text[0] >= first[kind]) {
    kind++;
  }
  bytes = kind < sizeof first ? size[kind] : 0;
  if (bytes == 0 || bytes > length) {
    return 0;
  }
  for (size_t i = 1; i < bytes; i++) {
    if ((text[i] & 0xC0) != 0x80) {
      return 0;
    }
  }
  return bytes;
}

/* Writes the character at `text` into `out`; returns the bytes written (as many as read, or 1). */
static size_t put(char *out, const unsigned char *text, size_t bytes) {
  if (bytes == 0) {
    *out = '?';
    return 1;
  }
  if (text[0] < 0x20 || text[0] == 0x7F) {
    *out = ' ';
    return 1;
  }
  memcpy(out, text, bytes);
  return bytes;
}

char *mv_text_line(char *out, size_t size, const char *text, size_t length) {
  const unsigned char *from = (const unsigned char *)text;
  size_t used = 0, cut = 0; /* `cut`: where "..." still fits */
  while (length > 0) {
    size_t bytes = character(from, length), width = bytes ? bytes : 1;
    if (used + width > size - 1) {
      memcpy(out + cut, "...", 4);
      return out;
    }
    used += put(out + used, from, bytes);
    cut = used + 4 <= size ? used : cut;
    from += width;
    length -= width;
  }
  out[used] = '\0';
  return out;
}
