/* What went wrong, in words for a person and a kind for a program.
 *
 * Functions that can fail return 0 or -1 (or NULL) and fill the caller's struct; there is no
 * global error state. */
#ifndef MV_BASE_ERROR_H
#define MV_BASE_ERROR_H

#include <stdarg.h>

enum mv_error_kind {
  MV_ERROR_NONE = 0,
  MV_ERROR_USAGE,     /* the caller's input is wrong: a parameter, a flag, a script */
  MV_ERROR_SYSTEM,    /* the machine refuses: memory, files, sockets, a full disk */
  MV_ERROR_NETWORK,   /* the other side could not be reached, or the connection broke */
  MV_ERROR_TIMEOUT,   /* no answer in time */
  MV_ERROR_CERTIFICATE, /* the other side's is not to be trusted; waiting does not help */
  MV_ERROR_HTTP,      /* an answer with a status of 400 or more */
  MV_ERROR_API,       /* the platform refused inside a 200 */
  MV_ERROR_AMBIGUOUS, /* sent, and nobody knows whether it was done; never repeated blindly */
  MV_ERROR_DECODE,    /* an answer that cannot be read: not JSON, too deep, too large, cut off */
  MV_ERROR_QUOTA,     /* the caller's own daily quota is used up */
  MV_ERROR_BUSY,      /* locked or overloaded: try again later */
  MV_ERROR_NOT_FOUND, /* there is no such thing */
  MV_ERROR_CONFIG,    /* something has to be set or registered first */
};

struct mv_error {
  enum mv_error_kind kind;
  char text[512]; /* one line; cut off with "..." when longer */
};

/* The kind's name as users see it: "network", "timeout", … Never NULL. */
const char *mv_error_name(enum mv_error_kind kind);

/* Fills `err` (may be NULL) and returns -1, so that `return mv_error_set(…)` reads well. */
int mv_error_set(struct mv_error *err, enum mv_error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As mv_error_set, with a va_list. */
int mv_error_setv(struct mv_error *err, enum mv_error_kind kind, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Puts "prefix: " before the text that is there: the way up adds where it happened. Returns -1. */
int mv_error_prefix(struct mv_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
