/* The log: one line an entry, for people on a terminal, JSON otherwise, on standard error.
 * Any thread may write. Registered secrets, and tokens of bots in addresses,
 * are replaced by "[redacted]" wherever they occur. */
#ifndef MV_BASE_LOG_H
#define MV_BASE_LOG_H

#include <jansson.h>
#include <stdbool.h>

enum mv_log_level { MV_LOG_DEBUG, MV_LOG_INFO, MV_LOG_WARN, MV_LOG_ERROR };

struct mv_log;

struct mv_log_options {
  int fd;                   /* where to; usually 2. Not used with `sink` */
  enum mv_log_level level;  /* entries below are dropped */
  int json;                 /* 1 JSON lines, 0 readable, -1 readable if `fd` is a terminal */
  /* takes each entry instead: one line (a traceback has more) without its end, of a readable one the
   * message and its fields only. One call at a time, from any thread; it must not log. NULL: `fd` */
  void (*sink)(void *owner, enum mv_log_level level, const char *line);
  void *owner;              /* its first argument */
};

/* NULL only when memory is out. */
struct mv_log *mv_log_new(const struct mv_log_options *options);
void mv_log_free(struct mv_log *log);

/* From now on `secret` (6 bytes or more) never appears in the log. */
void mv_log_hide(struct mv_log *log, const char *secret);

/* A copy of a text, such as a reason that is to be stored, with all that the log hides hidden; free()
 * it. NULL for NULL, or when memory is out. `log` NULL: without the registered secrets. */
char *mv_log_clean(struct mv_log *log, const char *text);

/* Whether an entry of this level would be written: ask before building costly fields. */
bool mv_log_enabled(const struct mv_log *log, enum mv_log_level level);

/* Writes an entry. `fields`: a JSON object or NULL; the reference is taken over. `log` may be NULL. */
void mv_log(struct mv_log *log, enum mv_log_level level, json_t *fields, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "debug" | "info" | "warn" | "error" to the level; -1 if unknown. */
int mv_log_level_of(const char *name);

#endif
