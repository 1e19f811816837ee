/* HTTP exchanges over libcurl, many at a time, on the thread that polls. Callbacks fill structs and
 * never enter Lua. Redirects are not followed; certificates are verified unless told otherwise. */
#ifndef MV_API_TRANSPORT_H
#define MV_API_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

struct mv_transport;

/* One request and what became of it. Zero it, fill the first part, start it; it must stay where it
 * is until `done` was called or it was cancelled. Free with mv_exchange_free. */
struct mv_exchange {
  /* the request; strings and body are the caller's and must live as long */
  const char *method; /* "GET", "POST", … */
  const char *url;
  const char *const *headers; /* "Name: value", NULL-terminated; or NULL. Without a Content-Type the
                                 body is application/json */
  const char *body;           /* NULL: none */
  size_t body_length;
  double timeout;         /* seconds for all of it; 0: 30 */
  double connect_timeout; /* seconds; 0: 5 */
  size_t max_reply;       /* bytes; 0: 64 MiB; a longer one fails as MV_ERROR_DECODE */
  const char *ca_file;    /* extra trust: a PEM file, or NULL */
  bool insecure;          /* do not verify the server's certificate */
  bool once;              /* never let the library repeat it on a fresh connection */
  bool brief;             /* the headers of a success are not wanted */

  /* called once, on the polling thread, when it ended; may start other exchanges */
  void (*done)(struct mv_exchange *exchange);
  void *owner; /* the caller's */

  /* the outcome */
  enum mv_error_kind failure; /* MV_ERROR_NONE: there is an answer */
  char *problem; /* what mv_exchange_problem tells; on the heap, for most exchanges have none */
  bool sent;                  /* some byte of the request may have reached the other side */
  long status;
  struct mv_bytes reply_headers; /* "Name: value\n" lines of the final answer */
  struct mv_bytes reply;
  double seconds; /* from start to end */

  void *internal; /* the transport's */
};

/* One for each thread. NULL and `err` when the system refuses. */
struct mv_transport *mv_transport_new(struct mv_error *err);

/* Cancels what is under way (without calling `done`) and frees. */
void mv_transport_free(struct mv_transport *transport);

int mv_transport_start(struct mv_transport *transport, struct mv_exchange *exchange,
                       struct mv_error *err);

/* Ends an exchange without `done`; harmless when it is not under way. Also from any `done`. */
void mv_transport_cancel(struct mv_transport *transport, struct mv_exchange *exchange);

/* Moves all exchanges on; if none ended, waits up to `timeout_ms` for something to happen (0: does
 * not wait, negative: for ever), and calls `done` for the ended ones. Returns the number of those. It may return early
 * with none. Not to be called by `done`. */
int mv_transport_poll(struct mv_transport *transport, int timeout_ms);

/* The same for a thread that has nothing else to do: the answer to a single exchange, expected soon
 * because the last one was there soon, is looked for up to 0.1 ms before the thread sleeps. */
int mv_transport_await(struct mv_transport *transport, int timeout_ms);

/* Makes a poll that waits return early; from any thread. */
void mv_transport_wakeup(struct mv_transport *transport);

size_t mv_transport_active(const struct mv_transport *transport);

/* The value of the first such reply header (case-insensitive) into `out` (NUL-terminated, cut to
 * size); false when absent. */
bool mv_exchange_header(const struct mv_exchange *exchange, const char *name, char *out,
                        size_t size);

/* Why there is no answer: names host and cause, never the path or the query. "" when there is one. */
const char *mv_exchange_problem(const struct mv_exchange *exchange);

/* It ends, or never began, with this error. */
void mv_exchange_fail(struct mv_exchange *exchange, const struct mv_error *err);

/* Frees the outcome's memory. */
void mv_exchange_free(struct mv_exchange *exchange);

#endif
