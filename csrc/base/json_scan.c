#include "base/json_scan.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))
#define HIGH_BITS EACH_BYTE(0x80)

/* The high bit of the first byte that is below `c`; behind that one it may stand wrongly. */
static uint64_t below(uint64_t word, uint64_t c) {
  return (word - EACH_BYTE(c)) & ~word & HIGH_BITS;
}

/* Past the bytes that are certainly plain, eight at a time. */
static const char *skip_plain(const char *p, const char *end) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  while (end - p >= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    uint64_t other = (word & HIGH_BITS) | below(word, 0x20) | below(word ^ EACH_BYTE('"'), 1) |
                     below(word ^ EACH_BYTE('\\'), 1);
    if (other) {
      return p + __builtin_ctzll(other) / 8;
    }
    p += 8;
  }
#else
  (void)end;
#endif
  return p;
}

const char *mv_json_plain_run(const char *p, const char *end) {
  while ((p = skip_plain(p, end)) < end) {
    unsigned char c = (unsigned char)*p;
    if (c < 0x20 || c == '"' || c == '\\') {
      break;
    }
    size_t step = c < 0x80 ? 1 : mv_utf8_sequence((const unsigned char *)p, (size_t)(end - p));
    if (!step) {
      break;
    }
    p += step;
  }
  return p;
}

static const char *skip_digits(const char *p, const char *end) {
  while (p < end && *p >= '0' && *p <= '9') {
    p++;
  }
  return p;
}

const char *mv_json_number_end(const char *p, const char *end, bool *integer) {
  const char *digits = p + (p < end && *p == '-');
  p = skip_digits(digits, end);
  if (p == digits || (*digits == '0' && p - digits > 1)) {
    return NULL;
  }
  *integer = true;
  if (p < end && *p == '.') {
    *integer = false;
    digits = p + 1;
    if ((p = skip_digits(digits, end)) == digits) {
      return NULL;
    }
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    *integer = false;
    digits = p + 1 + (p + 1 < end && (p[1] == '+' || p[1] == '-'));
    if ((p = skip_digits(digits, end)) == digits) {
      return NULL;
    }
  }
  return p;
}

/* ---- finding ---- */

struct span {
  const char *text;
  size_t length;
};

struct scan {
  const char *at, *end;
  struct mv_json_wanted *wanted;
  size_t count;
};

static bool scan_value(struct scan *scan, int depth, struct span outer);

static void skip_space(struct scan *scan) {
  while (scan->at < scan->end &&
         (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
    scan->at++;
  }
}

static bool take(struct scan *scan, char c) {
  skip_space(scan);
  if (scan->at < scan->end && *scan->at == c) {
    scan->at++;
    return true;
  }
  return false;
}

/* Behind a backslash. Halves of surrogate pairs are left to the tree. */
static bool skip_escape(struct scan *scan) {
  const char *p = scan->at;
  if (p < scan->end && *p && strchr("\"\\/bfnrt", *p)) {
    scan->at = p + 1;
    return true;
  }
  if (scan->end - p < 5 || *p != 'u' || ((p[1] == 'd' || p[1] == 'D') && p[2] > '7')) {
    return false;
  }
  for (int i = 1; i <= 4; i++) {
    if (!isxdigit((unsigned char)p[i])) {
      return false;
    }
  }
  scan->at = p + 5;
  return true;
}

/* Behind the first quotation mark; *plain: it has no escapes. */
static bool scan_string(struct scan *scan, struct span *span, bool *plain) {
  span->text = scan->at;
  *plain = true;
  for (;;) {
    scan->at = mv_json_plain_run(scan->at, scan->end);
    if (scan->at == scan->end) {
      return false;
    }
    char c = *scan->at++;
    if (c == '"') {
      span->length = (size_t)(scan->at - 1 - span->text);
      return true;
    }
    *plain = false;
    if (c != '\\' || !skip_escape(scan)) {
      return false;
    }
  }
}

static bool same(struct span span, const char *name) {
  return strlen(name) == span.length && memcmp(span.text, name, span.length) == 0;
}

/* What is looked for under this name, or NULL. What was inside a member of the same name before is
 * there no more. */
static struct mv_json_wanted *wanted_here(struct scan *scan, int depth, struct span outer,
                                          struct span name) {
  struct mv_json_wanted *found = NULL;
  for (size_t i = 0; depth < 2 && i < scan->count; i++) {
    struct mv_json_wanted *wanted = &scan->wanted[i];
    if (depth == 0 && wanted->outer && same(name, wanted->outer)) {
      wanted->text = NULL;
    } else if (depth == (wanted->outer ? 1 : 0) && same(name, wanted->name) &&
               (depth == 0 || same(outer, wanted->outer))) {
      found = wanted;
    }
  }
  return found;
}

/* Notes a scalar that begins at `from`; false for one whose text is not what stands there. */
static bool note(struct mv_json_wanted *wanted, const char *from, const char *to) {
  bool integer = true, number = *from == '-' || isdigit((unsigned char)*from);
  wanted->text = NULL;
  wanted->length = 0;
  if (*from == '{' || *from == '[' || *from == 'n') {
    return true;
  }
  if (number &&
      (!mv_json_number_end(from, to, &integer) || !integer || to - from > MV_JSON_SAFE_DIGITS ||
       (to - from > 1 && memcmp(from, "-0", 2) == 0))) {
    return false;
  }
  from += *from == '"';
  to -= to[-1] == '"';
  wanted->text = from;
  wanted->length = (size_t)(to - from);
  return !memchr(from, '\\', wanted->length);
}

static bool scan_member(struct scan *scan, int depth, struct span outer) {
  struct span name;
  bool plain;
  if (!take(scan, '"') || !scan_string(scan, &name, &plain) || !plain || !take(scan, ':')) {
    return false;
  }
  struct mv_json_wanted *wanted = wanted_here(scan, depth, outer, name);
  skip_space(scan);
  const char *from = scan->at;
  return scan_value(scan, depth + 1, name) && (!wanted || note(wanted, from, scan->at));
}

static bool scan_object(struct scan *scan, int depth, struct span outer) {
  if (take(scan, '}')) {
    return true;
  }
  do {
    if (!scan_member(scan, depth, outer)) {
      return false;
    }
  } while (take(scan, ','));
  return take(scan, '}');
}

static bool scan_array(struct scan *scan, int depth) {
  struct span none = {"", 0};
  if (take(scan, ']')) {
    return true;
  }
  do { /* what is inside a list is not looked for: two levels further down */
    if (!scan_value(scan, depth + 2, none)) {
      return false;
    }
  } while (take(scan, ','));
  return take(scan, ']');
}

static bool scan_word(struct scan *scan, const char *word, size_t length) {
  if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0) {
    return false;
  }
  scan->at += length;
  return true;
}

static bool scan_number(struct scan *scan) {
  bool integer;
  const char *end = mv_json_number_end(scan->at, scan->end, &integer);
  scan->at = end ? end : scan->at;
  return end != NULL;
}

static bool scan_value(struct scan *scan, int depth, struct span outer) {
  struct span string;
  bool plain;
  skip_space(scan);
  if (scan->at == scan->end || depth >= MV_JSON_DEPTH) {
    return false;
  }
  switch (*scan->at) {
  case '{':
    scan->at++;
    return scan_object(scan, depth, outer);
  case '[':
    scan->at++;
    return scan_array(scan, depth);
  case '"':
    scan->at++;
    return scan_string(scan, &string, &plain);
  case 't':
    return scan_word(scan, "true", 4);
  case 'f':
    return scan_word(scan, "false", 5);
  case 'n':
    return scan_word(scan, "null", 4);
  default:
    return scan_number(scan);
  }
}

bool mv_json_find(const char *text, size_t length, struct mv_json_wanted *wanted, size_t count) {
  struct scan scan = {text, text + length, wanted, count};
  struct span none = {"", 0};
  for (size_t i = 0; i < count; i++) {
    wanted[i].text = NULL;
    wanted[i].length = 0;
  }
  skip_space(&scan);
  if (scan.at == scan.end || *scan.at != '{' || !scan_value(&scan, 0, none)) {
    return false;
  }
  skip_space(&scan);
  return scan.at == scan.end;
}
