#include "base/bytes.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int mv_bytes_grow(struct mv_bytes *bytes, size_t more) {
  if (bytes->failed || more > SIZE_MAX / 2 - bytes->length) {
    bytes->failed = true;
    return -1;
  }
  size_t need = bytes->length + more;
  size_t capacity = bytes->capacity * 2 > need ? bytes->capacity * 2 : need;
  capacity = capacity < 64 ? 64 : capacity;
  char *data = realloc(bytes->data, capacity + 1);
  if (!data) {
    bytes->failed = true;
    return -1;
  }
  bytes->data = data;
  bytes->capacity = capacity;
  return 0;
}

/* Into the room that there is; again, with enough, if that was too little. */
int mv_bytes_printf(struct mv_bytes *bytes, const char *format, ...) {
  va_list args, again;
  size_t room = bytes->data ? bytes->capacity - bytes->length + 1 : 0;
  char *end = bytes->data ? bytes->data + bytes->length : NULL;
  va_start(args, format);
  va_copy(again, args);
  int length = bytes->failed ? -1 : vsnprintf(end, room, format, args);
  va_end(args);
  int result = -1;
  if (length < 0) {
    bytes->failed = true;
  } else if ((size_t)length < room) {
    result = 0;
  } else if (!mv_bytes_reserve(bytes, (size_t)length)) {
    vsnprintf(bytes->data + bytes->length, (size_t)length + 1, format, again);
    result = 0;
  }
  va_end(again);
  if (!result) {
    bytes->length += (size_t)length;
  } else if (end) {
    *end = '\0';
  }
  return result;
}

int mv_bytes_put_int(struct mv_bytes *bytes, int64_t number) {
  static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                              "34353637383940414243444546474849505152535455565758596061626364656667"
                              "6869707172737475767778798081828384858687888990919293949596979899";
  char digits[20];
  char *first = digits + sizeof digits;
  uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  for (; left >= 10; left /= 100) {
    first -= 2;
    memcpy(first, pairs + left % 100 * 2, 2);
  }
  if (left || first == digits + sizeof digits) {
    *--first = (char)('0' + left);
  }
  if (number < 0) {
    *--first = '-';
  }
  return mv_bytes_append(bytes, first, (size_t)(digits + sizeof digits - first));
}

static bool unreserved(unsigned char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int mv_bytes_put_url(struct mv_bytes *bytes, const char *data, size_t length) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)data[i];
    if (unreserved(c)) {
      mv_bytes_putc(bytes, (char)c);
    } else {
      char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
      mv_bytes_append(bytes, escape, sizeof escape);
    }
  }
  return bytes->failed ? -1 : 0;
}

void mv_bytes_clear(struct mv_bytes *bytes) {
  bytes->length = 0;
  bytes->failed = false;
  if (bytes->data) {
    bytes->data[0] = '\0';
  }
}

char *mv_bytes_steal(struct mv_bytes *bytes, size_t *length) {
  if (!bytes->failed && !bytes->data) {
    mv_bytes_append(bytes, "", 0);
  }
  char *data = bytes->data;
  if (length) {
    *length = bytes->length;
  }
  if (bytes->failed) {
    free(data);
    data = NULL;
  }
  *bytes = (struct mv_bytes){0};
  return data;
}

void mv_bytes_free(struct mv_bytes *bytes) {
  free(bytes->data);
  *bytes = (struct mv_bytes){0};
}

char *mv_strdup(const char *string) {
  return string ? strdup(string) : NULL;
}

char *mv_memdup(const void *data, size_t length) {
  char *copy = data ? malloc(length + 1) : NULL;
  if (copy) {
    memcpy(copy, data, length);
    copy[length] = '\0';
  }
  return copy;
}

uint32_t mv_hash(const char *text) {
  uint32_t hash = 2166136261u;
  for (; *text; text++)
    hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash;
}

bool mv_secret_equal(const char *a, const char *b) {
  size_t length = strlen(a);
  size_t other = strlen(b);
  volatile unsigned char difference = (unsigned char)(length != other);
  for (size_t i = 0; i < length; i++) {
    unsigned char right = other ? (unsigned char)b[i % other] : 0;
    difference = (unsigned char)(difference | ((unsigned char)a[i] ^ right));
  }
  return difference == 0;
}

int mv_random_hex(char *out, size_t length) {
  static const char hex[] = "0123456789abcdef";
  for (size_t i = 0; i < length; i++) {
    unsigned char byte;
    if (getrandom(&byte, 1, 0) != 1) {
      out[0] = '\0';
      return -1;
    }
    out[2 * i] = hex[byte >> 4];
    out[2 * i + 1] = hex[byte & 15];
  }
  out[2 * length] = '\0';
  return 0;
}
