#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/tokens.h"

static const char *const names[] = {
    [MV_ERROR_NONE] = "none",           [MV_ERROR_USAGE] = "usage",
    [MV_ERROR_SYSTEM] = "system",       [MV_ERROR_NETWORK] = "network",
    [MV_ERROR_TIMEOUT] = "timeout",     [MV_ERROR_HTTP] = "http",
    [MV_ERROR_API] = "api",             [MV_ERROR_AMBIGUOUS] = "ambiguous",
    [MV_ERROR_DECODE] = "decode",       [MV_ERROR_QUOTA] = "quota",
    [MV_ERROR_BUSY] = "busy",           [MV_ERROR_NOT_FOUND] = "not_found",
    [MV_ERROR_CONFIG] = "config",       [MV_ERROR_CERTIFICATE] = "certificate",
};

const char *mv_error_name(enum mv_error_kind kind) {
  size_t index = (size_t)kind;
  return index < sizeof names / sizeof *names ? names[index] : "unknown";
}

/* Keeps the text one line and without tokens of bots, and shows that it was cut. */
static void tidy(char *text, size_t size, int written) {
  for (char *p = text; *p; p++) {
    if (*p == '\n' || *p == '\r') {
      *p = ' ';
    }
  }
  if (written >= (int)size) {
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) {
      end--; /* not inside a UTF-8 sequence */
    }
    memcpy(text + end, "...", 4);
  }
  mv_tokens_hide(text);
}

int mv_error_setv(struct mv_error *err, enum mv_error_kind kind, const char *format,
                  va_list args) {
  if (err) {
    err->kind = kind;
    int written = vsnprintf(err->text, sizeof err->text, format, args);
    tidy(err->text, sizeof err->text, written);
  }
  return -1;
}

int mv_error_set(struct mv_error *err, enum mv_error_kind kind, const char *format, ...) {
  va_list args;
  va_start(args, format);
  mv_error_setv(err, kind, format, args);
  va_end(args);
  return -1;
}

int mv_error_prefix(struct mv_error *err, const char *format, ...) {
  if (!err) {
    return -1;
  }
  char rest[sizeof err->text];
  memcpy(rest, err->text, sizeof rest);
  va_list args;
  va_start(args, format);
  int length = vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  if (length >= 0 && (size_t)length < sizeof err->text) {
    size_t left = sizeof err->text - (size_t)length;
    int written = snprintf(err->text + length, left, ": %s", rest);
    tidy(err->text, sizeof err->text, length + (written < 0 ? 0 : written));
  }
  return -1;
}
