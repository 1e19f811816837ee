#include "sandbox/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/openapi.h"
#include "base/json.h"

enum {
  MOST_SAMPLES = 5,   /* of an action and a status */
  MOST_BYTES = 65536, /* of a line: longer answers are left out of it */
};

struct mv_witness {
  pthread_mutex_t lock; /* guards seen */
  json_t *seen;         /* "get_history 200" -> how many are in the file */
  int file;
  struct mv_log *log;
};

struct mv_witness *mv_witness_open(const char *path, struct mv_log *log, struct mv_error *err) {
  struct mv_witness *witness = calloc(1, sizeof *witness);
  json_t *seen = json_object();
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (!witness || !seen || file < 0) {
    mv_error_set(err, MV_ERROR_SYSTEM, "%s: %s", path, strerror(errno));
    json_decref(seen);
    free(witness);
    if (file >= 0) {
      close(file);
    }
    return NULL;
  }
  *witness = (struct mv_witness){.seen = seen, .file = file, .log = log};
  pthread_mutex_init(&witness->lock, NULL);
  return witness;
}

/* Whether another sample of this action and status is wanted. */
static bool is_wanted(struct mv_witness *witness, const char *name, unsigned status) {
  char key[160];
  snprintf(key, sizeof key, "%.128s %u", name, status);
  pthread_mutex_lock(&witness->lock);
  json_int_t count = json_integer_value(json_object_get(witness->seen, key));
  if (count < MOST_SAMPLES) {
    json_object_set_new(witness->seen, key, json_integer(count + 1));
  }
  pthread_mutex_unlock(&witness->lock);
  return count < MOST_SAMPLES;
}

/* One write a line, so that the lines of several programs do not mix. */
static void append(struct mv_witness *witness, const json_t *entry) {
  struct mv_bytes line = {0};
  mv_json_write(&line, entry);
  if (line.length > MOST_BYTES) {
    json_t *less = json_copy((json_t *)entry);
    json_object_del(less, "answer");
    mv_bytes_clear(&line);
    mv_json_write(&line, less);
    json_decref(less);
  }
  mv_bytes_putc(&line, '\n');
  if (line.failed || write(witness->file, line.data, line.length) != (ssize_t)line.length) {
    mv_log(witness->log, MV_LOG_WARN, NULL, "an answer could not be written down: %s",
           strerror(errno));
  }
  mv_bytes_free(&line);
}

void mv_witness_see(struct mv_witness *witness, const struct mv_action *action, const char *name,
                    unsigned status, json_t *answer) {
  struct mv_error err = {0};
  if (!witness || status == 405) { /* of a method that the document does not have */
    return;
  }
  bool wrong = mv_openapi_check(action, status, answer, &err) != 0;
  if (!wrong && !is_wanted(witness, name, status)) {
    return;
  }
  json_t *entry =
      json_pack("{s:s, s:i, s:O}", "action", name, "status", (int)status, "answer", answer);
  if (wrong) {
    json_object_set_new(entry, "mismatch", json_string(err.text));
  }
  append(witness, entry);
  json_decref(entry);
}

void mv_witness_close(struct mv_witness *witness) {
  if (!witness) {
    return;
  }
  close(witness->file);
  json_decref(witness->seen);
  pthread_mutex_destroy(&witness->lock);
  free(witness);
}
