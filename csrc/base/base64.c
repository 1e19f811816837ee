#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mv_base64_encode(const void *bytes, size_t length, char *out) {
  const unsigned char *in = bytes;
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    uint32_t three = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                     (left > 2 ? in[i + 2] : 0);
    *out++ = alphabet[three >> 18];
    *out++ = alphabet[three >> 12 & 63];
    *out++ = left > 1 ? alphabet[three >> 6 & 63] : '=';
    *out++ = left > 2 ? alphabet[three & 63] : '=';
  }
  *out = 0;
}

ssize_t mv_base64_decode(const char *text, unsigned char *out, size_t size) {
  uint32_t held = 0;
  unsigned bits = 0;
  size_t length = 0, digits = strcspn(text, "="), padding = strspn(text + digits, "=");
  if (text[digits + padding] || digits % 4 == 1 || (padding && (digits + padding) % 4))
    return -1;
  for (size_t i = 0; i < digits; i++) {
    const char *at = strchr(alphabet, text[i]);
    if (!at)
      return -1;
    held = held << 6 | (uint32_t)(at - alphabet);
    bits += 6;
    if (bits < 8)
      continue;
    bits -= 8;
    if (length == size)
      return -1;
    out[length++] = (unsigned char)(held >> bits);
  }
  return (ssize_t)length;
}
