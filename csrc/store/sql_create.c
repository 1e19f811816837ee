#include "store/sql_create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/bytes.h"

static int cannot(const char *path, const char *why, struct mv_error *err) {
  return mv_error_set(err, MV_ERROR_SYSTEM,
                      "%s: cannot be created: %s; check that the directory exists and is writable",
                      path, why);
}

/* Nobody knows the file yet: what a power cut leaves of it is of no use to anybody. */
static int fill(const char *path, int32_t application_id, struct mv_error *err) {
  char text[256];
  sqlite3 *db = NULL;
  snprintf(text, sizeof text,
           "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;"
           "PRAGMA application_id = %d; PRAGMA journal_mode = WAL;",
           (int)application_id);
  int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_exec(db, text, NULL, NULL, NULL);
  if (code != SQLITE_OK)
    cannot(path, sqlite3_errstr(code), err);
  sqlite3_close(db);
  return code == SQLITE_OK ? 0 : -1;
}

static int sync_at(const char *path, int flags) {
  int fd = open(path, flags | O_CLOEXEC);
  int failed = fd < 0 ? -1 : fsync(fd);
  if (fd >= 0)
    close(fd);
  return failed;
}

/* "a/b.db" -> "a", in place; "b.db" -> ".". */
static const char *directory_of(char *path) {
  char *slash = strrchr(path, '/');
  if (!slash)
    return ".";
  slash[slash == path] = 0;
  return path;
}

/* What is there stays. Where there are no hard links, the name is taken by renaming. */
static int publish(const char *from, const char *path) {
  if (link(from, path) == 0 || errno == EEXIST) {
    unlink(from);
    return 0;
  }
  return access(path, F_OK) == 0 ? unlink(from) : rename(from, path);
}

static int create_at(char *draft, const char *path, int32_t application_id, struct mv_error *err) {
  int fd = mkostemp(draft, O_CLOEXEC); /* mode 0600 */
  if (fd < 0)
    return cannot(path, strerror(errno), err);
  close(fd);
  if (fill(draft, application_id, err)) {
    unlink(draft);
    return -1;
  }
  if (sync_at(draft, O_RDWR) || publish(draft, path)) {
    int error = errno;
    unlink(draft);
    return cannot(path, strerror(error), err);
  }
  sync_at(directory_of(draft), O_RDONLY | O_DIRECTORY); /* some file systems cannot: no harm */
  return 0;
}

int mv_sql_create(const char *path, int32_t application_id, struct mv_error *err) {
  struct mv_bytes draft = {0};
  mv_bytes_printf(&draft, "%s.new-XXXXXX", path);
  if (draft.failed)
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: out of memory", path);
  int failed = create_at(draft.data, path, application_id, err);
  mv_bytes_free(&draft);
  return failed;
}
