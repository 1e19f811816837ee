/* What tests of the script VM share: one VM, its host, and what came of its events. */
#ifndef MV_TEST_VM_SUPPORT_H
#define MV_TEST_VM_SUPPORT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/json.h"
#include "lua/vm.h"
#include "test/check.h"

#define RESULTS 64

/* What came of the events of one VM. */
struct seen {
  enum mv_vm_verdict verdict;
  int64_t id;
  double delay;
  char *reason, *handler, *reply, *effects, *policy;
};

struct fixture {
  struct mv_vm *vm;
  struct mv_log *log;
  FILE *log_file;
  json_t *store; /* keys and values */
  json_t *once;
  size_t count; /* results, all of them */
  struct seen seen[RESULTS];
  int64_t next_id;
};

static inline char *text_of(const json_t *value) {
  return value ? mv_json_text(value) : NULL;
}

static inline void finished(void *owner, const struct mv_vm_event *event,
                     const struct mv_vm_result *result) {
  struct fixture *f = owner;
  if (f->count < RESULTS) {
    f->seen[f->count] = (struct seen){result->verdict,
                                      event->id,
                                      result->delay,
                                      mv_strdup(result->reason),
                                      mv_strdup(result->handler),
                                      text_of(result->reply),
                                      text_of(result->effects),
                                      text_of(result->policy)};
  }
  f->count++;
}

static inline json_t *kv_get(void *owner, const char *key, struct mv_error *err) {
  (void)err;
  struct fixture *f = owner;
  return json_incref(json_object_get(f->store, key));
}

static inline int once_get(void *owner, const char *key, json_t **value, struct mv_error *err) {
  (void)err;
  struct fixture *f = owner;
  *value = json_incref(json_object_get(f->once, key));
  return *value != NULL;
}

static inline void write_script(char *path, const char *source) {
  strcpy(path, "/tmp/mavilua_vm_XXXXXX.lua");
  int fd = mkstemps(path, 4);
  ssize_t written = write(fd, source, strlen(source));
  CHECK(written == (ssize_t)strlen(source));
  close(fd);
}

static inline struct mv_vm_options host_options(struct fixture *f) {
  f->log_file = tmpfile();
  struct mv_log_options log = {.fd = fileno(f->log_file), .level = MV_LOG_DEBUG, .json = 1};
  f->log = mv_log_new(&log);
  f->store = json_object();
  f->once = json_object();
  return (struct mv_vm_options){.log = f->log,
                                .host = true,
                                .owner = f,
                                .finished = finished,
                                .kv_get = kv_get,
                                .once_get = once_get};
}

static inline int open_with(struct fixture *f, const struct mv_vm_options *options, const char *source,
                     struct mv_error *err) {
  char path[64];
  write_script(path, source);
  f->vm = mv_vm_new(options, err);
  int status = f->vm ? mv_vm_load(f->vm, path, err) : -1;
  unlink(path);
  return status;
}

static inline void open_host(struct fixture *f, const char *source) {
  struct mv_error err = {0};
  memset(f, 0, sizeof *f);
  struct mv_vm_options options = host_options(f);
  options.cpu_limit = 0.2;
  options.wall_limit = 20;
  if (open_with(f, &options, source, &err)) {
    fprintf(stderr, "load: %s\n", err.text);
  }
  CHECK(f->vm && err.kind == MV_ERROR_NONE);
}

static inline void forget_results(struct fixture *f) {
  for (size_t i = 0; i < f->count && i < RESULTS; i++) {
    struct seen *s = &f->seen[i];
    free(s->reason);
    free(s->handler);
    free(s->reply);
    free(s->effects);
    free(s->policy);
  }
  f->count = 0;
}

static inline void close_host(struct fixture *f) {
  mv_vm_free(f->vm);
  forget_results(f);
  json_decref(f->store);
  json_decref(f->once);
  mv_log_free(f->log);
  fclose(f->log_file);
}

static inline void start(struct fixture *f, const char *source, const char *name, const char *body) {
  struct mv_vm_event event = {.id = ++f->next_id,
                              .attempt = 1,
                              .source = source,
                              .name = name,
                              .key = "7",
                              .accepted_at = 1700000000123,
                              .due_at = 1700000060000,
                              .body = body,
                              .body_length = strlen(body)};
  CHECK(mv_vm_start(f->vm, &event, NULL) == 0);
}

/* Steps until nothing runs any more; at most 20 s. */
static inline void settle(struct fixture *f) {
  time_t end = time(NULL) + 20;
  while (mv_vm_running(f->vm) && time(NULL) < end) {
    mv_vm_step(f->vm, 100);
  }
  CHECK(mv_vm_running(f->vm) == 0);
}

static inline const struct seen *run(struct fixture *f, const char *source, const char *name,
                              const char *body) {
  forget_results(f);
  memset(f->seen, 0, sizeof f->seen);
  start(f, source, name, body);
  settle(f);
  CHECK(f->count == 1);
  return &f->seen[0];
}

static inline bool has(const char *text, const char *part) {
  bool found = text && strstr(text, part);
  if (!found) {
    fprintf(stderr, "no \"%s\" in: %s\n", part, text ? text : "(null)");
  }
  return found;
}

static const char input[] = "{\"id\":1,\"is_input\":1,\"message\":\"Hi\",\"client\":{\"id\":7}}";

#endif
