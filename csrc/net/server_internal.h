/* What the files of the server share; nobody else includes it. */
#ifndef MV_NET_SERVER_INTERNAL_H
#define MV_NET_SERVER_INTERNAL_H

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "net/patience.h"
#include "net/places.h"
#include "net/server.h"

struct mv_server {
  mv_handler handler;
  void (*refused)(void *owner, unsigned status); /* as the option; or NULL */
  void *owner;
  struct mv_log *log;
  size_t max_body;
  unsigned idle_timeout; /* seconds */
  unsigned connections;
  struct mv_patience *patience;
  struct mv_places *places;
  int listen_fd;
  char url[96];
  atomic_size_t open;    /* calls handed to the handler and not answered yet */
  atomic_size_t sending; /* answers on their way out */
  atomic_bool quiesced;  /* nobody is accepted any more */
  atomic_bool stopping;  /* new calls are answered 503 without the handler */
  atomic_bool closing;   /* the threads end */
  size_t lane_count;
  struct mv_lane *lanes;
};

/* A thread that accepts connections and serves them, and the way for answers back to it. */
struct mv_lane {
  struct mv_server *server;
  struct MHD_Daemon *daemon; /* without a thread and a listener of its own */
  pthread_t thread;
  bool runs;
  int wake_fd; /* an eventfd */
  /* its thread's alone */
  bool joined;          /* the daemon took the connection it was handed */
  bool full;            /* all places were taken */
  int64_t scarce_until; /* ms, monotonic: descriptors or memory were out; 0: they are not */
  int64_t told_until;   /* ms: the log has it that they are */
  unsigned still;       /* rounds since the daemon last came to one of its callbacks */
  pthread_mutex_t lock; /* guards what follows */
  bool asleep;
  struct exchange *first, **last; /* answered, in order; to be resumed */
};

/* A connection with the one request it carries at a time; the next request reuses the memory. */
struct exchange {
  struct mv_call call; /* first: mv_call.internal leads here */
  struct mv_server *server;
  struct MHD_Connection *connection;
  struct mv_seat *seat; /* behind it in the same memory */
  struct mv_lane *lane;
  struct exchange *next;   /* in the lane */
  struct MHD_Response *response; /* the answer to be queued; NULL: none, or break off */
  bool shared; /* the response is a mv_reply's */
  bool used;   /* a request came since it was made ready */
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

/* A place is free again that was taken for nobody, or by a connection from `address`. */
void mv_server_return(struct mv_server *server);
void mv_server_leave(struct mv_server *server, const struct sockaddr *address);

/* Makes it ready for its daemon, whose callbacks get it; -1 and errno. */
int mv_lane_open(struct mv_lane *lane, struct mv_server *server);

/* Runs the daemon in a thread, until the server is closing. An errno, or 0. */
int mv_lane_start(struct mv_lane *lane);
void mv_lane_join(struct mv_lane *lane); /* waits for the thread's end, if it runs */
void mv_lane_close(struct mv_lane *lane); /* after its daemon has stopped */

/* Wakes the thread: something changed for the server. */
void mv_lane_wake(struct mv_lane *lane);

/* The exchange was suspended and is answered: its thread resumes it. From any thread. */
void mv_lane_give(struct mv_lane *lane, struct exchange *ex);

/* On the lane's thread: its daemon has taken a connection. */
void mv_lane_joined(struct mv_lane *lane);

/* On the lane's thread: its daemon has done something. */
void mv_lane_moved(struct mv_lane *lane);

/* The daemon's callbacks, in call.c; `cls` is the lane. */
void *mv_call_on_target(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result mv_call_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data,
                                   size_t *size, void **request);
void mv_call_on_end(void *cls, struct MHD_Connection *connection, void **request,
                    enum MHD_RequestTerminationCode code);
void mv_call_on_connection(void *cls, struct MHD_Connection *connection, void **slot,
                           enum MHD_ConnectionNotificationCode code);

#endif
