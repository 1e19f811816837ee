/* A growing run of bytes. Always NUL-terminated behind `length`, so `data` may be read as a string. */
#ifndef MV_BASE_BYTES_H
#define MV_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mv_bytes {
  char *data;      /* NULL while empty and never grown */
  size_t length;   /* bytes in use */
  size_t capacity; /* bytes allocated, less the terminator */
  bool failed;     /* an allocation failed; all later appends do nothing: check once, at the end */
};

int mv_bytes_grow(struct mv_bytes *bytes, size_t more); /* for mv_bytes_reserve */

/* Appends return 0, or -1 when memory is out (and set `failed`). */

/* Room for so many bytes to come. */
static inline int mv_bytes_reserve(struct mv_bytes *bytes, size_t more) {
  bool enough = !bytes->failed && bytes->data && more <= bytes->capacity - bytes->length;
  return enough ? 0 : mv_bytes_grow(bytes, more);
}

static inline int mv_bytes_append(struct mv_bytes *bytes, const void *data, size_t length) {
  if (mv_bytes_reserve(bytes, length)) {
    return -1;
  }
  if (length) {
    memcpy(bytes->data + bytes->length, data, length);
  }
  bytes->length += length;
  bytes->data[bytes->length] = '\0';
  return 0;
}

static inline int mv_bytes_puts(struct mv_bytes *bytes, const char *string) {
  return mv_bytes_append(bytes, string, strlen(string));
}

static inline int mv_bytes_putc(struct mv_bytes *bytes, char c) {
  if (mv_bytes_reserve(bytes, 1)) {
    return -1;
  }
  bytes->data[bytes->length++] = c;
  bytes->data[bytes->length] = '\0';
  return 0;
}

int mv_bytes_printf(struct mv_bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int mv_bytes_put_int(struct mv_bytes *bytes, int64_t number); /* its decimal digits */

/* Appends `length` bytes percent-encoded for a URL's query or path segment (RFC 3986 unreserved stay). */
int mv_bytes_put_url(struct mv_bytes *bytes, const char *data, size_t length);

/* Empties without giving memory back. */
void mv_bytes_clear(struct mv_bytes *bytes);

/* Hands the memory to the caller (free with free()); `bytes` is empty afterwards. NULL if `failed`. */
char *mv_bytes_steal(struct mv_bytes *bytes, size_t *length);

/* Gives the memory back; the struct may be used again. */
void mv_bytes_free(struct mv_bytes *bytes);

/* strdup and strndup that take NULL for NULL. */
char *mv_strdup(const char *string);
char *mv_memdup(const void *data, size_t length); /* with a NUL behind */

/* For hash tables: FNV-1a. */
uint32_t mv_hash(const char *text);

/* Whether two secrets are equal, in a time that tells nothing but their lengths. */
bool mv_secret_equal(const char *a, const char *b);

/* `length` random bytes of the system as 2*length hex digits and a NUL into `out`. 0 or -1. */
int mv_random_hex(char *out, size_t length);

#endif
