#include "base/tokens.h"

#include <string.h>
#include <strings.h>

static const char digits[] = "0123456789";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/* Whether a slash, or its escape, stands before `at`. */
static int behind_slash(const char *text, const char *at) {
  return (at > text && at[-1] == '/') || (at - text >= 3 && strncasecmp(at - 3, "%2F", 3) == 0);
}

/* The length of "<digits>:<token>" at `text`; 0: there is none. */
static size_t token_at(const char *text) {
  size_t number = strspn(text, digits);
  const char *colon = text + number;
  size_t between = *colon == ':' ? 1 : strncasecmp(colon, "%3A", 3) == 0 ? 3 : 0;
  size_t token = between ? strspn(colon + between, letters) : 0;
  return number && token ? number + between + token : 0;
}

/* A short one, which no real token is, leaves no room for the words. */
static size_t put_mark(char *out, size_t room) {
  static const char mark[] = "[redacted]";
  size_t length = sizeof mark - 1;
  if (room < length) {
    memset(out, '*', room);
    return room;
  }
  memcpy(out, mark, length);
  return length;
}

size_t mv_tokens_hide(char *text) {
  if (!text)
    return 0;
  char *at = text, *hit;
  while ((hit = strstr(at, "bot"))) {
    at = hit + 3;
    size_t length = behind_slash(text, hit) ? token_at(at) : 0;
    if (length == 0)
      continue;
    size_t kept = put_mark(at, length);
    memmove(at + kept, at + length, strlen(at + length) + 1);
    at += kept;
  }
  return (size_t)(at - text) + strlen(at);
}
