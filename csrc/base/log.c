#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/tokens.h"

#define SHORTEST_SECRET 6
#define LONGEST_TEXT 16384 /* bytes of a message, and of a field; documented in docs/host.md */

struct mv_log {
  struct mv_log_options options;
  bool json;
  bool color;
  pthread_mutex_t lock; /* one entry at a time; also guards `secrets` */
  char **secrets;
  size_t secret_count, secret_capacity;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_colors[] = {"\033[2m", "", "\033[33m", "\033[31m"};

struct mv_log *mv_log_new(const struct mv_log_options *options) {
  struct mv_log *log = calloc(1, sizeof *log);
  if (!log) {
    return NULL;
  }
  log->options = *options;
  bool terminal = !options->sink && isatty(options->fd);
  log->json = options->json < 0 ? !terminal && !options->sink : options->json != 0;
  log->color = terminal && !log->json;
  pthread_mutex_init(&log->lock, NULL);
  return log;
}

void mv_log_free(struct mv_log *log) {
  if (!log) {
    return;
  }
  for (size_t i = 0; i < log->secret_count; i++) {
    free(log->secrets[i]);
  }
  free(log->secrets);
  pthread_mutex_destroy(&log->lock);
  free(log);
}

/* Room for one more. Under the lock. */
static bool make_room(struct mv_log *log) {
  if (log->secret_count < log->secret_capacity) {
    return true;
  }
  size_t capacity = log->secret_capacity ? log->secret_capacity * 2 : 16;
  char **grown = realloc(log->secrets, capacity * sizeof *grown);
  if (!grown) {
    return false;
  }
  log->secrets = grown;
  log->secret_capacity = capacity;
  return true;
}

void mv_log_hide(struct mv_log *log, const char *secret) {
  if (!log || !secret || strlen(secret) < SHORTEST_SECRET) {
    return;
  }
  pthread_mutex_lock(&log->lock);
  bool known = false;
  for (size_t i = 0; i < log->secret_count; i++) {
    known = known || strcmp(log->secrets[i], secret) == 0;
  }
  char *copy = !known && make_room(log) ? mv_strdup(secret) : NULL;
  if (copy) {
    log->secrets[log->secret_count++] = copy;
  }
  pthread_mutex_unlock(&log->lock);
}

bool mv_log_enabled(const struct mv_log *log, enum mv_log_level level) {
  return log && level >= log->options.level;
}

int mv_log_level_of(const char *name) {
  for (int i = 0; i < (int)(sizeof level_names / sizeof *level_names); i++) {
    if (strcmp(name, level_names[i]) == 0) {
      return i;
    }
  }
  return -1;
}

/* Overwrites a secret in place: "[redacted]" and then nothing of the rest. */
static void redact(struct mv_bytes *line, const char *secret) {
  static const char mark[] = "[redacted]";
  size_t length = strlen(secret);
  struct mv_bytes out = {0};
  const char *from = line->data;
  const char *hit;
  while ((hit = strstr(from, secret))) {
    mv_bytes_append(&out, from, (size_t)(hit - from));
    mv_bytes_puts(&out, mark);
    from = hit + length;
  }
  if (from == line->data) {
    return;
  }
  mv_bytes_puts(&out, from);
  mv_bytes_free(line);
  *line = out;
}

/* Under the lock. */
static void hide_all(const struct mv_log *log, struct mv_bytes *line) {
  for (size_t i = 0; i < log->secret_count && line->data; i++) {
    redact(line, log->secrets[i]);
  }
  if (line->data) {
    line->length = mv_tokens_hide(line->data);
  }
}

static void redact_all(struct mv_log *log, struct mv_bytes *text) {
  pthread_mutex_lock(&log->lock);
  hide_all(log, text);
  pthread_mutex_unlock(&log->lock);
}

/* The length of the UTF-8 character at `p`, 0 when it is none. */
static size_t character(const unsigned char *p, const unsigned char *end) {
  size_t length = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
  if (length == 0 || (size_t)(end - p) < length) {
    return 0;
  }
  for (size_t i = 1; i < length; i++) {
    if ((p[i] & 0xc0) != 0x80) {
      return 0;
    }
  }
  bool bad = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
             (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f);
  return bad ? 0 : length;
}

/* Cuts what is too long. A secret must not be cut in two, or its first part would show. */
static void cut(struct mv_log *log, struct mv_bytes *text) {
  if (text->length <= LONGEST_TEXT) {
    return;
  }
  redact_all(log, text);
  size_t keep = text->length < LONGEST_TEXT ? text->length : LONGEST_TEXT, whole = text->length;
  while (keep > 0 && keep < whole && ((unsigned char)text->data[keep] & 0xc0) == 0x80) {
    keep--;
  }
  if (keep < whole) {
    text->length = keep;
    mv_bytes_printf(text, "\xe2\x80\xa6 %zu bytes more", whole - keep);
  }
}

/* `text` as it is logged: not longer than it may be, NUL and what is not UTF-8 as \xNN. */
static void put_text(struct mv_log *log, struct mv_bytes *out, const char *text, size_t length) {
  const unsigned char *p = (const unsigned char *)text, *end = p + length;
  /* beyond the limit nothing is kept, but all of it may hold a part of a secret */
  while (p < end) {
    size_t size = *p ? character(p, end) : 0;
    if (size) {
      mv_bytes_append(out, (const char *)p, size);
    } else {
      mv_bytes_printf(out, *p ? "\\x%02x" : "\\0", *p);
    }
    p += size ? size : 1;
  }
  cut(log, out);
}

/* Fields that are too long are cut, lists and objects as their text. A new object. */
static json_t *short_fields(struct mv_log *log, json_t *fields) {
  json_t *kept = json_object(), *value;
  const char *name;
  json_object_foreach(fields, name, value) {
    char *json = json_is_array(value) || json_is_object(value) ? mv_json_text(value) : NULL;
    const char *text = json ? json : json_string_value(value);
    size_t length = json ? strlen(json) : json_string_length(value);
    if (text && (length > LONGEST_TEXT || (!json && memchr(text, '\0', length)))) {
      struct mv_bytes out = {0};
      put_text(log, &out, text, length);
      json_object_set_new(kept, name, json_stringn(out.data ? out.data : "", out.length));
      mv_bytes_free(&out);
    } else {
      json_object_set(kept, name, value);
    }
    free(json);
  }
  return kept;
}

static void put_json(struct mv_bytes *line, const char *time, const char *level,
                     const char *message, json_t *fields) {
  json_t *entry = json_pack("{s:s,s:s}", "time", time, "level", level);
  json_object_set_new(entry, "message", json_string(message));
  json_object_update_missing(entry, fields);
  mv_json_write(line, entry);
  json_decref(entry);
}

/* Whether a control character begins here: C0 but the tab, DEL, or C1 as UTF-8 (C2 80 to C2 9F). */
static bool is_control(const unsigned char *p) {
  return (*p < 0x20 && *p != '\t') || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
}

/* Words of strangers: no control character reaches the terminal, and no line of theirs looks like an
 * entry. `newline` stands for each end of line. */
static void put_clean(struct mv_bytes *line, const char *text, size_t length, const char *newline) {
  const unsigned char *end = (const unsigned char *)text + length;
  for (const unsigned char *p = (const unsigned char *)text; p < end; p++) {
    if (*p == '\n') {
      mv_bytes_puts(line, newline);
    } else if (is_control(p)) {
      p += *p == 0xc2;
      mv_bytes_printf(line, "\\x%02x", *p);
    } else {
      mv_bytes_putc(line, (char)*p);
    }
  }
}

static void put_fields(struct mv_bytes *line, json_t *fields) {
  const char *name;
  json_t *value;
  json_object_foreach(fields, name, value) {
    char *scalar = mv_json_scalar_text(value);
    char *text = scalar ? scalar : mv_json_text(value);
    mv_bytes_puts(line, "  ");
    put_clean(line, name, strlen(name), "\\n");
    mv_bytes_putc(line, '=');
    put_clean(line, text ? text : "?", text ? strlen(text) : 1, "\\n");
    free(text);
  }
}

/* The fields stand behind the first line; a traceback follows, indented. */
static void put_readable(struct mv_bytes *line, const struct mv_log *log, const char *time,
                         enum mv_log_level level, const char *message, json_t *fields) {
  const char *color = log->color ? level_colors[level] : "";
  size_t length = strlen(message);
  while (length > 0 && message[length - 1] == '\n') {
    length--;
  }
  const char *rest = memchr(message, '\n', length);
  size_t first = rest ? (size_t)(rest - message) : length;
  if (!log->options.sink) {
    mv_bytes_printf(line, "%s%.8s %-5s ", color, time + 11, level_names[level]);
  }
  put_clean(line, message, first, "");
  put_fields(line, fields);
  if (rest) {
    put_clean(line, rest, length - first, "\n    ");
  }
  mv_bytes_puts(line, *color ? "\033[0m" : "");
}

static void write_all(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, data, length);
    if (written <= 0) {
      return; /* nobody to tell */
    }
    data += written;
    length -= (size_t)written;
  }
}

char *mv_log_clean(struct mv_log *log, const char *text) {
  struct mv_bytes clean = {0};
  if (!text) {
    return NULL;
  }
  mv_bytes_puts(&clean, text);
  if (log) {
    pthread_mutex_lock(&log->lock);
    hide_all(log, &clean);
    pthread_mutex_unlock(&log->lock);
  } else {
    mv_tokens_hide(clean.data);
  }
  return clean.length ? mv_bytes_steal(&clean, NULL) : mv_strdup("");
}

static void emit(struct mv_log *log, enum mv_log_level level, struct mv_bytes *line) {
  pthread_mutex_lock(&log->lock);
  hide_all(log, line);
  if (log->options.sink && !line->failed) {
    log->options.sink(log->options.owner, level, line->data ? line->data : "");
  }
  mv_bytes_putc(line, '\n');
  if (!log->options.sink && !line->failed) {
    write_all(log->options.fd, line->data, line->length);
  }
  pthread_mutex_unlock(&log->lock);
}

void mv_log(struct mv_log *log, enum mv_log_level level, json_t *fields, const char *format, ...) {
  if (!mv_log_enabled(log, level)) {
    json_decref(fields);
    return;
  }
  struct mv_bytes line = {0};
  va_list args;
  va_start(args, format);
  char *text = NULL;
  if (vasprintf(&text, format, args) < 0) {
    text = NULL;
  }
  va_end(args);
  char time[32];
  mv_clock_format(mv_clock_wall(NULL), time);
  const char *words = text ? text : format;
  struct mv_bytes message = {0};
  put_text(log, &message, words, strlen(words));
  json_t *shown = short_fields(log, fields);
  if (log->json) {
    put_json(&line, time, level_names[level], message.data ? message.data : "", shown);
  } else {
    put_readable(&line, log, time, level, message.data ? message.data : "", shown);
  }
  emit(log, level, &line);
  json_decref(shown);
  free(text);
  mv_bytes_free(&message);
  mv_bytes_free(&line);
  json_decref(fields);
}
