/* Looks at the files a few times a second: editors replace files in too many ways for one kind of
 * notification, and a handful of stat calls costs nothing. */
#include "host/watch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PERIOD_MS 200

struct mv_watch {
  const char *const *files;
  void (*changed)(void *owner);
  void *owner;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool closing;
  uint64_t known; /* how the files looked when they were last told about */
};

static uint64_t mix(uint64_t hash, uint64_t value) {
  return (hash ^ value) * UINT64_C(1099511628211);
}

/* A number that changes when any file does; a missing file counts as a state of its own. */
static uint64_t look(const char *const *files) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (; *files; files++) {
    struct stat info;
    if (stat(*files, &info))
      memset(&info, 0, sizeof info);
    hash = mix(hash, (uint64_t)info.st_ino);
    hash = mix(hash, (uint64_t)info.st_size);
    hash = mix(hash, (uint64_t)info.st_mtim.tv_sec);
    hash = mix(hash, (uint64_t)info.st_mtim.tv_nsec);
  }
  return hash;
}

/* Whether to go on. Under the lock. */
static bool sleep_a_period(struct mv_watch *watch) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += PERIOD_MS * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  if (!watch->closing)
    pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
  return !watch->closing;
}

static void *run(void *owner) {
  struct mv_watch *watch = owner;
  uint64_t last = watch->known;
  pthread_mutex_lock(&watch->lock);
  while (sleep_a_period(watch)) {
    uint64_t now = look(watch->files);
    bool at_rest = now == last;
    last = now;
    if (now == watch->known || !at_rest)
      continue;
    watch->known = now;
    pthread_mutex_unlock(&watch->lock);
    watch->changed(watch->owner);
    pthread_mutex_lock(&watch->lock);
  }
  pthread_mutex_unlock(&watch->lock);
  return NULL;
}

struct mv_watch *mv_watch_start(const char *const *files, void (*changed)(void *owner), void *owner,
                                struct mv_error *err) {
  struct mv_watch *watch = calloc(1, sizeof *watch);
  pthread_condattr_t monotonic;
  if (!watch) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  watch->files = files;
  watch->changed = changed;
  watch->owner = owner;
  watch->known = look(files);
  pthread_mutex_init(&watch->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&watch->wake, &monotonic);
  pthread_condattr_destroy(&monotonic);
  int status = pthread_create(&watch->thread, NULL, run, watch);
  if (status == 0)
    return watch;
  mv_error_set(err, MV_ERROR_SYSTEM, "cannot start a thread: %s", strerror(status));
  pthread_cond_destroy(&watch->wake);
  pthread_mutex_destroy(&watch->lock);
  free(watch);
  return NULL;
}

void mv_watch_stop(struct mv_watch *watch) {
  if (!watch)
    return;
  pthread_mutex_lock(&watch->lock);
  watch->closing = true;
  pthread_cond_broadcast(&watch->wake);
  pthread_mutex_unlock(&watch->lock);
  pthread_join(watch->thread, NULL);
  pthread_cond_destroy(&watch->wake);
  pthread_mutex_destroy(&watch->lock);
  free(watch);
}
