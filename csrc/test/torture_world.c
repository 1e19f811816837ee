/* A library to be preloaded into the host by spec/torture: the wall clock jumps and the disk fails
 * as a page says that the torture shares with it. Only what SQLite uses for its files is spoiled
 * (writing at an offset, syncing), so that a script's own files are still written. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The page: spec/torture/world.lua writes the first two and reads the others. */
struct world {
  _Atomic int64_t ahead;    /* milliseconds that the wall clock is ahead of the true one */
  _Atomic int64_t disk;     /* enum disk */
  _Atomic int64_t refused;  /* writes and syncs that failed because of `disk` */
  _Atomic int64_t readings; /* of the wall clock while it was not the true one */
};

enum disk { DISK_WELL, DISK_FULL, DISK_UNSYNCED };

/* The one static state: a preloaded library has no other place. */
static struct world calm, *world = &calm;

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);

static void find(void *function, const char *name) {
  *(void **)function = dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void) {
  find(&real_clock_gettime, "clock_gettime");
  find(&real_pwrite, "pwrite64");
  find(&real_fdatasync, "fdatasync");
  find(&real_fsync, "fsync");
  const char *path = getenv("MAVILUA_TORTURE_WORLD");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0)
    return;
  void *page = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED)
    world = page;
}

/* --- The clock --- */

int clock_gettime(clockid_t id, struct timespec *time) {
  if (!real_clock_gettime)
    find(&real_clock_gettime, "clock_gettime");
  int failed = real_clock_gettime(id, time);
  int64_t ahead = atomic_load(&world->ahead);
  if (failed || ahead == 0 || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
    return failed;
  int64_t ms = (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000 + ahead;
  time->tv_sec = ms / 1000;
  time->tv_nsec = ms % 1000 * 1000000 + time->tv_nsec % 1000000;
  atomic_fetch_add(&world->readings, 1);
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  int failed = clock_gettime(CLOCK_REALTIME, &now);
  *time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return failed;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out)
    *out = now.tv_sec;
  return now.tv_sec;
}

/* --- The disk --- */

static int fails(enum disk disk, int code) {
  if (atomic_load(&world->disk) != (int64_t)disk)
    return 0;
  atomic_fetch_add(&world->refused, 1);
  errno = code;
  return 1;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
  return fails(DISK_FULL, ENOSPC) ? -1 : real_pwrite(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  return pwrite64(fd, data, size, offset);
}

int fdatasync(int fd) {
  return fails(DISK_UNSYNCED, EIO) ? -1 : real_fdatasync(fd);
}

int fsync(int fd) {
  return fails(DISK_UNSYNCED, EIO) ? -1 : real_fsync(fd);
}
