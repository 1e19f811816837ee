/* What the files of the server share; nobody else includes it. */
#ifndef MV_NET_SERVER_INTERNAL_H
#define MV_NET_SERVER_INTERNAL_H

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "net/patience.h"
#include "net/server.h"

struct mv_server {
  struct MHD_Daemon *daemon;
  mv_handler handler;
  void (*refused)(void *owner, unsigned status); /* as the option; or NULL */
  void *owner;
  struct mv_log *log;
  size_t max_body;
  unsigned idle_timeout; /* seconds */
  unsigned connections;
  struct mv_patience *patience;
  int listen_fd;         /* closed after the daemon: its threads may still be in accept */
  bool quiesced;
  char url[96];
  atomic_size_t open;    /* calls handed to the handler and not answered yet */
  atomic_size_t sending; /* answers on their way out */
  atomic_bool stopping;  /* new calls are answered 503 without the handler */
  pthread_mutex_t lock;  /* guards lane_count */
  size_t lane_count;
  struct mv_lane *lanes; /* of the threads that have deferred a call; room for all */
};

/* The way back to one of the daemon's threads. Each resumed connection wakes its thread with a call of
 * the system; so one does, and the thread resumes those that were answered meanwhile itself. */
struct mv_lane {
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows */
  bool waking;          /* one was resumed and its thread has not come to it */
  struct exchange *first, **last; /* answered since, in order */
};

/* A connection with the one request it carries at a time; the next request reuses the memory. */
struct exchange {
  struct mv_call call; /* first: mv_call.internal leads here */
  struct mv_server *server;
  struct MHD_Connection *connection;
  struct mv_seat *seat; /* behind it in the same memory */
  struct mv_lane *lane;    /* of the connection's thread; NULL until a call was deferred */
  struct exchange *next;   /* in the lane */
  struct MHD_Response *response; /* the answer to be queued; NULL: none, or break off */
  bool shared; /* the response is a mv_reply's */
  bool used;   /* a request came since it was made ready */
  bool waker;  /* it was resumed for all of its lane */
  unsigned status;
  bool begun;    /* the headers were looked at */
  bool deferred; /* suspended until answered */
  bool answered; /* mv_call_reply or mv_call_break was called */
  bool counted;  /* is in server->sending */
  bool too_long; /* the body went over the limit and is being drained */
  size_t drained;
  int64_t begun_at; /* ms, monotonic */
  struct mv_bytes body;
  struct mv_bytes target; /* path, NUL, query */
  bool bad_target;
  char peer[INET6_ADDRSTRLEN];
};

/* Tells of a refusal whoever asked to be told. */
void mv_server_refused(const struct mv_server *server, unsigned status);

/* The daemon's callbacks, in call.c. */
void *mv_call_on_target(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result mv_call_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data,
                                   size_t *size, void **request);
void mv_call_on_end(void *cls, struct MHD_Connection *connection, void **request,
                    enum MHD_RequestTerminationCode code);
void mv_call_on_connection(void *cls, struct MHD_Connection *connection, void **slot,
                           enum MHD_ConnectionNotificationCode code);

#endif
