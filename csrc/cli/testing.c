#include "cli/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "service/pair.h"
#include "time/moment.h"

struct mv_test_pair {
  struct mv_test_pair *next;
  json_int_t id;
  struct mv_pair pair;
  struct mv_log *log;
  int log_file;
  char secret[33];
};

static const char *text(const json_t *arguments, const char *name) {
  return json_string_value(json_object_get(arguments, name));
}

static int open_log(struct mv_test_pair *one, const char *path, struct mv_error *err) {
  one->log_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (one->log_file < 0)
    return mv_error_set(err, MV_ERROR_SYSTEM, "%s: %s", path, strerror(errno));
  one->log = mv_log_new(&(struct mv_log_options){.fd = one->log_file, .level = MV_LOG_INFO});
  return one->log ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

static void end(struct mv_test_pair *one) {
  mv_pair_stop(&one->pair);
  mv_log_free(one->log);
  if (one->log_file >= 0)
    close(one->log_file);
  free(one);
}

static int start_pair(struct mv_test_pair *one, const json_t *arguments, struct mv_error *err) {
  const char *scripts[] = {text(arguments, "script"), NULL};
  long workers = (long)json_integer_value(json_object_get(arguments, "workers"));
  struct mv_sandbox_options sandbox = {.listen = "127.0.0.1:0",
                                       .database = ":memory:",
                                       .seed = text(arguments, "seed"),
                                       .answers = getenv("MAVILUA_SANDBOX_CHECK"),
                                       .log = one->log};
  struct mv_host_options host = {.listen = "127.0.0.1:0",
                                 .admin = "127.0.0.1:0",
                                 .database = text(arguments, "db"),
                                 .webhook_secret = one->secret,
                                 .scripts = scripts,
                                 .workers = workers > 0 ? (unsigned)workers : 1,
                                 .log = one->log};
  if (mv_moment_clock(text(arguments, "now"), &sandbox.virtual_now, err))
    return -1;
  if (mv_random_hex(one->secret, 16))
    return mv_error_set(err, MV_ERROR_SYSTEM, "no random bytes");
  return mv_pair_start(&one->pair, &sandbox, &host, err);
}

static json_t *start(struct mv_testing *testing, const json_t *arguments, struct mv_error *err) {
  struct mv_test_pair *one = calloc(1, sizeof *one);
  if (!one || !text(arguments, "script") || !text(arguments, "db") || !text(arguments, "log")) {
    mv_error_set(err, MV_ERROR_USAGE, "start takes script, db and log");
    free(one);
    return NULL;
  }
  mv_pair_init(&one->pair);
  if (open_log(one, text(arguments, "log"), err) || start_pair(one, arguments, err)) {
    end(one);
    return NULL;
  }
  one->id = ++testing->last_id;
  one->next = testing->first;
  testing->first = one;
  return json_pack("{s:I, s:s, s:s, s:s}", "id", one->id, "sandbox",
                   mv_sandbox_url(one->pair.sandbox), "host", mv_host_url(one->pair.host), "admin",
                   mv_host_admin_url(one->pair.host));
}

static json_t *stop(struct mv_testing *testing, const json_t *arguments, struct mv_error *err) {
  json_int_t id = json_integer_value(json_object_get(arguments, "id"));
  for (struct mv_test_pair **slot = &testing->first; *slot; slot = &(*slot)->next) {
    struct mv_test_pair *one = *slot;
    if (one->id == id) {
      *slot = one->next;
      end(one);
      return json_object();
    }
  }
  mv_error_set(err, MV_ERROR_NOT_FOUND, "it has been stopped already");
  return NULL;
}

json_t *mv_testing_ask(void *owner, const char *name, const json_t *arguments,
                       struct mv_error *err) {
  if (strcmp(name, "start") == 0)
    return start(owner, arguments, err);
  if (strcmp(name, "stop") == 0)
    return stop(owner, arguments, err);
  mv_error_set(err, MV_ERROR_USAGE, "the program cannot %.40s", name);
  return NULL;
}

void mv_testing_stop(struct mv_testing *testing) {
  while (testing->first) {
    struct mv_test_pair *one = testing->first;
    testing->first = one->next;
    end(one);
  }
}
