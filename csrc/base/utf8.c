#include "base/utf8.h"

size_t mv_utf8_sequence(const unsigned char *s, size_t left) {
  static const struct {
    unsigned char from, to, second_from, second_to, length;
  } leads[] = {
      {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
      {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
      {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
  };
  for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
    if (*s < leads[i].from || *s > leads[i].to) {
      continue;
    }
    size_t length = leads[i].length;
    if (length > left) {
      return 0;
    }
    if (length > 1 && (s[1] < leads[i].second_from || s[1] > leads[i].second_to)) {
      return 0;
    }
    for (size_t k = 2; k < length; k++) {
      if ((s[k] & 0xc0) != 0x80) {
        return 0;
      }
    }
    return length;
  }
  return 0;
}

size_t mv_utf8_valid(const char *text, size_t length) {
  size_t at = 0;
  while (at < length) {
    size_t step = (unsigned char)text[at] < 0x80
                      ? 1
                      : mv_utf8_sequence((const unsigned char *)text + at, length - at);
    if (!step) {
      return at;
    }
    at += step;
  }
  return at;
}
