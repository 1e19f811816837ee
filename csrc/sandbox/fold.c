#include "sandbox/fold.h"

#include <stdint.h>
#include <stddef.h>

#include "base/bytes.h"

/* Capital letters from `first` to `last`, each `step`th one, lie `shift` below their small ones.
 * All pairs here have the same length in UTF-8, but that is not relied on. */
static const struct range {
  uint16_t first, last;
  uint8_t step;
  int16_t shift;
} ranges[] = {
    {0x41, 0x5A, 1, 32},   {0xC0, 0xD6, 1, 32},     {0xD8, 0xDE, 1, 32},  /* Latin, Latin-1 */
    {0x100, 0x12E, 2, 1},  {0x132, 0x136, 2, 1},    {0x139, 0x147, 2, 1}, /* Latin Extended-A */
    {0x14A, 0x176, 2, 1},  {0x178, 0x178, 1, -121}, {0x179, 0x17D, 2, 1},   {0x386, 0x386, 1, 38},
    {0x388, 0x38A, 1, 37}, {0x38C, 0x38C, 1, 64}, /* Greek */
    {0x38E, 0x38F, 1, 63}, {0x391, 0x3A1, 1, 32},   {0x3A3, 0x3AB, 1, 32},  {0x400, 0x40F, 1, 80},
    {0x410, 0x42F, 1, 32}, /* Cyrillic */
    {0x460, 0x480, 2, 1},  {0x48A, 0x4BE, 2, 1},    {0x4C0, 0x4C0, 1, 15},  {0x4C1, 0x4CD, 2, 1},
    {0x4D0, 0x52E, 2, 1},  {0x1E00, 0x1E94, 2, 1},  {0x1EA0, 0x1EFE, 2, 1}, /* Vietnamese */
};

static uint32_t lower(uint32_t c) {
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges && c >= ranges[i].first; i++) {
    if (c <= ranges[i].last && (c - ranges[i].first) % ranges[i].step == 0) {
      return (uint32_t)((int32_t)c + ranges[i].shift);
    }
  }
  return c;
}

static bool is_tail(char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}

/* One character of up to three bytes (all letters of the table have); its length, 0 for others. */
static size_t decode(const char *p, uint32_t *c) {
  const unsigned char *b = (const unsigned char *)p;
  if (b[0] < 0x80) {
    *c = b[0];
    return 1;
  }
  if (b[0] >= 0xC2 && b[0] < 0xE0 && is_tail(p[1])) {
    *c = (uint32_t)(b[0] & 0x1F) << 6 | (b[1] & 0x3F);
    return 2;
  }
  if (b[0] >= 0xE0 && b[0] < 0xF0 && is_tail(p[1]) && is_tail(p[2])) {
    *c = (uint32_t)(b[0] & 0x0F) << 12 | (uint32_t)(b[1] & 0x3F) << 6 | (b[2] & 0x3F);
    return 3;
  }
  return 0;
}

static void encode(struct mv_bytes *out, uint32_t c) {
  if (c < 0x80) {
    mv_bytes_putc(out, (char)c);
  } else if (c < 0x800) {
    mv_bytes_putc(out, (char)(0xC0 | c >> 6));
    mv_bytes_putc(out, (char)(0x80 | (c & 0x3F)));
  } else {
    mv_bytes_putc(out, (char)(0xE0 | c >> 12));
    mv_bytes_putc(out, (char)(0x80 | (c >> 6 & 0x3F)));
    mv_bytes_putc(out, (char)(0x80 | (c & 0x3F)));
  }
}

char *mv_fold(const char *text) {
  struct mv_bytes out = {0};
  while (*text) {
    uint32_t c;
    size_t length = decode(text, &c);
    if (length) {
      encode(&out, lower(c));
      text += length;
    } else {
      mv_bytes_putc(&out, *text++);
    }
  }
  mv_bytes_putc(&out, '\0');
  return mv_bytes_steal(&out, NULL);
}
