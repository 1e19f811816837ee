/* Text for a terminal: what steers it, its columns, where it is cut. */
#include "base/plain.h"

#include <string.h>

#include "base/width.h"
#include "test/check.h"

static int shown(const char *text, size_t length, size_t columns, bool lines, const char *expected,
                 size_t taken) {
  struct mv_bytes out = {0};
  size_t count = mv_plain_append(&out, text, length, columns, lines);
  int same = count == taken && strcmp(out.data ? out.data : "", expected) == 0;
  if (!same)
    fprintf(stderr, "\"%s\" in %zu columns, not \"%s\" in %zu\n", out.data ? out.data : "", count,
            expected, taken);
  mv_bytes_free(&out);
  return same;
}

#define SHOWN(text, columns, expected, taken)                                                      \
  CHECK(shown(text, sizeof text - 1, columns, false, expected, taken))

static void widths(void) {
  CHECK(mv_width_of('a') == 1 && mv_width_of(0xe9) == 1 && mv_width_of(0x2500) == 1);
  CHECK(mv_width_of(0x300) == 0 && mv_width_of(0x36f) == 0 && mv_width_of(0x370) == 1);
  CHECK(mv_width_of(0x1100) == 2 && mv_width_of(0x65e5) == 2 && mv_width_of(0xff21) == 2);
  CHECK(mv_width_of(0x1f600) == 2 && mv_width_of(0xfe0f) == 0 && mv_width_of(0xe0100) == 0);
  CHECK(mv_width_of(0x10ffff) == 1 && mv_width_of(0x30000) == 2);
}

static void steering(void) {
  SHOWN("", 0, "", 0);
  SHOWN("a\tb\r\n", 0, "a\\tb\\r\\n", 8);
  SHOWN("\x1b[2J", 0, "\\x1b[2J", 7);
  SHOWN("\xc2\x9b!", 0, "\\x9b!", 5);
  SHOWN("\xe2\x80\xae", 0, "\\u202e", 6);
  SHOWN("a\0b", 0, "a\\x00b", 6);
  SHOWN("\xff\xc3", 0, "\\xff\\xc3", 8);
  SHOWN("\xed\xa0\x80", 0, "\\xed\\xa0\\x80", 12);
  CHECK(shown("a\nb\tc", 5, 0, true, "a\nb\\tc", 6));
}

static void columns(void) {
  SHOWN("abc", 3, "abc", 3);
  SHOWN("abcd", 3, "ab…", 3);
  SHOWN("日本", 4, "日本", 4);
  SHOWN("日本語", 5, "日本…", 5);
  SHOWN("日本語", 4, "日…", 3);
  SHOWN("e\xcc\x81t\xc3\xa9", 3, "e\xcc\x81t\xc3\xa9", 3);
  SHOWN("ab\x1b", 5, "ab…", 3);
}

int main(void) {
  widths();
  steering();
  columns();
  return check_end("plain");
}
