#include "cli/repl_history.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

#define MOST_BYTES (256 * 1024) /* that are read; a file twice as large is cut to them */
#define KEY_DIGITS 32           /* the platform's keys have as many or more */

static int put_path(struct mv_bytes *path) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  if (state && *state == '/')
    return mv_bytes_puts(path, state);
  if (!home || *home != '/')
    return -1;
  return mv_bytes_puts(path, home) || mv_bytes_puts(path, "/.local/state") ? -1 : 0;
}

/* Makes the folders on the way to `path`; one that cannot be made is told by the open that follows.
 */
static void make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(path, 0700);
    *slash = '/';
  }
}

/* The last bytes of the file from the beginning of a line on; free with free(). NULL: none. */
static char *read_tail(int file, off_t size, size_t *length) {
  off_t start = size > MOST_BYTES ? size - MOST_BYTES : 0;
  char *text = size > 0 ? malloc((size_t)(size - start) + 1) : NULL;
  ssize_t got = text ? pread(file, text, (size_t)(size - start), start) : -1;
  if (got <= 0) {
    free(text);
    return NULL;
  }
  text[got] = '\0';
  char *line = start ? strchr(text, '\n') : NULL;
  size_t skipped = line ? (size_t)(line + 1 - text) : 0;
  *length = (size_t)got - skipped;
  memmove(text, text + skipped, *length + 1);
  return text;
}

/* A file that has grown large begins anew with its end. */
static void shorten(int file, off_t size) {
  size_t length;
  char *tail = size > 2 * MOST_BYTES ? read_tail(file, size, &length) : NULL;
  if (tail && ftruncate(file, 0) == 0)
    (void)!write(file, tail, length);
  free(tail);
}

static int open_private(const char *path, struct mv_error *err) {
  struct stat info;
  int file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
  if (file < 0)
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: %s", path, strerror(errno));
  if (fstat(file, &info) || !S_ISREG(info.st_mode)) {
    close(file);
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: not a file", path);
  }
  if (info.st_mode & 077 && fchmod(file, 0600)) {
    close(file);
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: others may read it", path);
  }
  shorten(file, info.st_size);
  return file;
}

int mv_repl_history_open(struct mv_error *err) {
  struct mv_bytes path = {0};
  if (put_path(&path) || mv_bytes_puts(&path, "/mavilua/repl_history")) {
    mv_bytes_free(&path);
    return mv_error_set(err, MV_ERROR_SYSTEM, "HOME is not set");
  }
  make_folders(path.data);
  int file = open_private(path.data, err);
  mv_bytes_free(&path);
  return file;
}

void mv_repl_history_each(int file, void (*entry)(void *owner, const char *line), void *owner) {
  struct stat info;
  size_t length;
  char *text = fstat(file, &info) == 0 ? read_tail(file, info.st_size, &length) : NULL,
       *rest = NULL;
  for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
       line = strtok_r(NULL, "\n", &rest))
    entry(owner, line);
  free(text);
}

void mv_repl_history_add(int file, const char *line) {
  struct mv_bytes text = {0};
  if (mv_bytes_puts(&text, line) == 0 && mv_bytes_putc(&text, '\n') == 0)
    (void)!write(file, text.data, text.length); /* at once: another prompt may write, too */
  mv_bytes_free(&text);
}

static bool looks_like_key(const char *line) {
  size_t digits = 0;
  for (; *line; line++) {
    digits = isxdigit((unsigned char)*line) ? digits + 1 : 0;
    if (digits >= KEY_DIGITS)
      return true;
  }
  return false;
}

bool mv_repl_history_keeps(const char *line, const char *key) {
  if (!*line || isspace((unsigned char)*line) || strchr(line, '\n'))
    return false;
  return !(key && *key && strstr(line, key)) && !looks_like_key(line);
}
