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

struct file {
  char *path;
  uint64_t last;  /* how it looked the last time */
  uint64_t known; /* how it looked when it was last told about */
};

struct mv_watch {
  void (*changed)(void *owner);
  void *owner;
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t wake;
  bool closing;
  struct file *files;
  size_t count;
};

static uint64_t mix(uint64_t hash, uint64_t value) {
  return (hash ^ value) * UINT64_C(1099511628211);
}

/* A number that changes when the file does; a missing one counts as a state of its own. */
static uint64_t look(const char *path) {
  uint64_t hash = UINT64_C(14695981039346656037);
  struct stat info;
  if (stat(path, &info))
    memset(&info, 0, sizeof info);
  hash = mix(hash, (uint64_t)info.st_ino);
  hash = mix(hash, (uint64_t)info.st_size);
  hash = mix(hash, (uint64_t)info.st_mtim.tv_sec);
  return mix(hash, (uint64_t)info.st_mtim.tv_nsec);
}

/* Whether something has changed and all is at rest now. Under the lock. */
static bool look_at_all(struct mv_watch *watch) {
  bool changed = false, at_rest = true;
  for (size_t i = 0; i < watch->count; i++) {
    struct file *file = &watch->files[i];
    uint64_t now = look(file->path);
    at_rest &= now == file->last;
    changed |= now != file->known;
    file->last = now;
  }
  for (size_t i = 0; i < watch->count && changed && at_rest; i++)
    watch->files[i].known = watch->files[i].last;
  return changed && at_rest;
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
  pthread_mutex_lock(&watch->lock);
  while (sleep_a_period(watch)) {
    if (!look_at_all(watch))
      continue;
    pthread_mutex_unlock(&watch->lock);
    watch->changed(watch->owner);
    pthread_mutex_lock(&watch->lock);
  }
  pthread_mutex_unlock(&watch->lock);
  return NULL;
}

static bool is_known(const struct mv_watch *watch, const char *path) {
  for (size_t i = 0; i < watch->count; i++) {
    if (strcmp(watch->files[i].path, path) == 0)
      return true;
  }
  return false;
}

/* Without memory the file is not watched. */
void mv_watch_add(struct mv_watch *watch, const char *path) {
  pthread_mutex_lock(&watch->lock);
  char *copy = is_known(watch, path) ? NULL : strdup(path);
  struct file *grown = copy ? realloc(watch->files, (watch->count + 1) * sizeof *grown) : NULL;
  if (grown) {
    uint64_t now = look(path);
    watch->files = grown;
    watch->files[watch->count++] = (struct file){copy, now, now};
  } else {
    free(copy);
  }
  pthread_mutex_unlock(&watch->lock);
}

static void release(struct mv_watch *watch) {
  for (size_t i = 0; i < watch->count; i++)
    free(watch->files[i].path);
  free(watch->files);
  pthread_cond_destroy(&watch->wake);
  pthread_mutex_destroy(&watch->lock);
  free(watch);
}

struct mv_watch *mv_watch_start(void (*changed)(void *owner), void *owner, struct mv_error *err) {
  struct mv_watch *watch = calloc(1, sizeof *watch);
  pthread_condattr_t monotonic;
  if (!watch) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  watch->changed = changed;
  watch->owner = owner;
  pthread_mutex_init(&watch->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&watch->wake, &monotonic);
  pthread_condattr_destroy(&monotonic);
  int status = pthread_create(&watch->thread, NULL, run, watch);
  if (status == 0)
    return watch;
  mv_error_set(err, MV_ERROR_SYSTEM, "cannot start a thread: %s", strerror(status));
  release(watch);
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
  release(watch);
}
