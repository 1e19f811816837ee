/* An HTTP server over libmicrohttpd: whole requests in, whole answers out, now or later.
 * The only folder that includes microhttpd.h. */
#ifndef MV_NET_SERVER_H
#define MV_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"

struct mv_server;

/* One request and the answer to be given. Valid from the handler's call until mv_call_reply returns
 * (or the handler, if it answers before returning). */
struct mv_call {
  const char *method; /* "GET", "POST", … */
  const char *path;   /* percent-decoded, "/api/x/y" */
  const char *query;  /* raw, without "?"; "" when none */
  const char *body;   /* NUL-terminated; "" when none */
  size_t body_length;
  const char *peer;   /* the sender's address, "127.0.0.1" */
  void *internal;     /* the server's; NULL: no connection brought it, it has no headers and takes no
                         answer */
};

/* Called on a server thread for each whole request. Answers with mv_call_reply before it returns, or
 * keeps the call with mv_call_defer and answers later from any thread. */
typedef void (*mv_handler)(struct mv_call *call, void *owner);

struct mv_server_options {
  const char *listen;       /* "127.0.0.1:0", "[::1]:80", ":8080" */
  mv_handler handler;
  /* a request was answered with this status by the server itself; 408: was given up without an
   * answer, for its body took too long; 0: a connection was closed at once, for there are too many
   * (of all, or of its address). On a thread of the server's. NULL: nobody asks */
  void (*refused)(void *owner, unsigned status);
  void *owner;
  struct mv_log *log;
  unsigned threads;         /* 0: 2 */
  unsigned connections;     /* most at once; 0: 8192, or half of the files the process may open */
  unsigned per_address;     /* most at once from one address; 0: half of all, for a proxy needs many */
  unsigned idle_timeout;    /* seconds without a byte; 0: 30. Whole headers may take twice as long,
                               a whole body four times */
  size_t max_body;          /* bytes; 0: 1 MiB; a longer one is answered 413 */
  size_t max_head;          /* bytes of memory for request line and headers, which each request clears;
                               0: 16 KiB; more are answered 431 */
  const char *tls_cert, *tls_key; /* PEM files, or NULL */
};

/* Listens and serves. NULL and `err`, which names the address and the reason. */
struct mv_server *mv_server_start(const struct mv_server_options *options, struct mv_error *err);

/* "http://127.0.0.1:43211": the address in use, with the real port. Lives as long as the server. */
const char *mv_server_url(const struct mv_server *server);

/* Takes no new connections; those there are go on being served. */
void mv_server_quiesce(struct mv_server *server);

/* Ends all; deferred calls must have been answered. */
void mv_server_stop(struct mv_server *server);

/* The value of a request header (any case), or NULL. Valid as long as the call. */
const char *mv_call_header(const struct mv_call *call, const char *name);

/* Calls `each` for every request header. */
void mv_call_headers(const struct mv_call *call,
                     void (*each)(void *owner, const char *name, const char *value), void *owner);

/* Keeps the connection waiting; the call stays valid until it is answered. Call it on the server
 * thread, before handing the call to another. */
void mv_call_defer(struct mv_call *call);

/* Answers, exactly once. `type`: the Content-Type, NULL: application/json. `headers`: further ones
 * as "Name: value" lines separated by \n, or NULL. The body is copied. */
void mv_call_reply(struct mv_call *call, unsigned status, const char *type, const void *body,
                   size_t length, const char *headers);

/* An answer that is given again and again, made once. */
struct mv_reply;

/* As mv_call_reply has them; NULL: out of memory. Outlives the servers that give it. */
struct mv_reply *mv_reply_new(unsigned status, const char *type, const void *body, size_t length);
void mv_reply_free(struct mv_reply *reply);

/* Answers with it, as mv_call_reply does. */
void mv_call_reply_with(struct mv_call *call, const struct mv_reply *reply);

/* Breaks the connection off instead of answering: `fraction` of the answer's body is sent first
 * (0: nothing at all). For the sandbox's faults. */
void mv_call_break(struct mv_call *call, unsigned status, const void *body, size_t length,
                   double fraction);

#endif
