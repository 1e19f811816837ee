#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#define PATIENCE 10 /* attempts, 20 ms apart: somebody may just be looking whether it is locked */

/* To be freed; NULL when memory is out. */
static char *name_of(const char *path) {
  struct mv_bytes name = {0};
  char *real = realpath(path, NULL); /* whatever links lead there; NULL: the file is new */
  mv_bytes_printf(&name, "%s.lock", real ? real : path);
  free(real);
  return mv_bytes_steal(&name, NULL);
}

static int take(int fd) {
  const struct timespec pause = {0, 20000000};
  int failed = flock(fd, LOCK_EX | LOCK_NB);
  for (int i = 1; failed && i < PATIENCE; i++) {
    nanosleep(&pause, NULL);
    failed = flock(fd, LOCK_EX | LOCK_NB);
  }
  return failed;
}

/* Two hosts on one file would run every event twice. The lock is on a file beside it: SQLite's own
 * locks on the database are lost when a process closes any descriptor of it. */
int mv_lock_take(const char *path, char **name, struct mv_error *err) {
  *name = name_of(path);
  if (!*name)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  int fd = open(*name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return mv_error_set(err, MV_ERROR_SYSTEM,
                        "%s: cannot be created: %s; check that the directory exists and is writable",
                        *name, strerror(errno));
  if (take(fd) == 0) {
    mv_lock_tell(fd, ""); /* the word of the last one is no longer true */
    return fd;
  }
  close(fd);
  return mv_error_set(err, MV_ERROR_BUSY,
                      "%s: in use by another mavilua; stop that one first, or name another file", path);
}

int mv_lock_tell(int fd, const char *text) {
  size_t length = strlen(text);
  if (ftruncate(fd, 0))
    return -1;
  return pwrite(fd, text, length, 0) == (ssize_t)length ? 0 : -1;
}

static void read_word(int fd, char *text, size_t size) {
  ssize_t length = pread(fd, text, size - 1, 0);
  text[length > 0 ? length : 0] = '\0';
  text[strcspn(text, "\n")] = '\0';
}

int mv_lock_owner(const char *path, char *text, size_t size, struct mv_error *err) {
  *text = '\0';
  if (access(path, F_OK))
    return mv_error_set(err, MV_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
  char *name = name_of(path);
  int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  free(name);
  if (fd < 0)
    return 0;
  int locked = flock(fd, LOCK_SH | LOCK_NB) != 0;
  if (locked)
    read_word(fd, text, size);
  close(fd);
  return locked;
}
