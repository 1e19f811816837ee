#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST 4096

/* Reads up to `size` bytes; how many, or -1. */
static ssize_t read_all(int descriptor, char *out, size_t size) {
  size_t length = 0;
  while (length < size) {
    ssize_t got = read(descriptor, out + length, size - length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    length += (size_t)got;
  }
  return (ssize_t)length;
}

static size_t without_line_end(const char *text, size_t length) {
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
    length--;
  return length;
}

static int read_text(int descriptor, const char *path, char *out, struct mv_error *err) {
  ssize_t got = read_all(descriptor, out, LONGEST + 1);
  if (got < 0)
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
  if (got > LONGEST)
    return mv_error_set(err, MV_ERROR_CONFIG, "%s: longer than a secret may be (%d bytes)", path, LONGEST);
  size_t length = without_line_end(out, (size_t)got);
  if (length == 0)
    return mv_error_set(err, MV_ERROR_CONFIG, "%s: it is empty, a secret is expected in it", path);
  if (memchr(out, '\0', length) || memchr(out, '\n', length))
    return mv_error_set(err, MV_ERROR_CONFIG, "%s: a secret is one line of text, nothing else", path);
  out[length] = '\0';
  return 0;
}

char *mv_secret_read(const char *path, bool *exposed, struct mv_error *err) {
  struct stat info;
  char *text = malloc(LONGEST + 1);
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  int failed = -1;
  *exposed = false;
  if (!text)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  else if (descriptor < 0 || fstat(descriptor, &info))
    mv_error_set(err, MV_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
  else if (!(failed = read_text(descriptor, path, text, err)))
    *exposed = S_ISREG(info.st_mode) && info.st_mode & S_IROTH;
  if (descriptor >= 0)
    close(descriptor);
  if (!failed)
    return text;
  free(text);
  return NULL;
}

bool mv_secret_is_there(const char *path) {
  return access(path, F_OK) == 0;
}

void mv_secret_wipe(char *argument) {
  memset(argument, '*', strlen(argument));
}
