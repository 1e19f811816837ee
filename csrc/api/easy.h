/* One exchange on one libcurl handle: how it is set up, and what its end means. The transport's
 * inside. */
#ifndef MV_API_EASY_H
#define MV_API_EASY_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/recent.h"
#include "api/transport.h"

/* Why a callback of ours stopped the transfer. */
enum mv_easy_stop { MV_STOP_NONE, MV_STOP_LARGE, MV_STOP_HEADERS, MV_STOP_MEMORY };

/* What a handle is set up for, besides address, headers and body: it goes on with that from one
 * exchange to the next of the same kind. */
struct mv_easy_kind {
  long timeout, connect_timeout; /* ms */
  size_t max_reply;              /* bytes */
  long buffer;                   /* bytes */
  char method[8];                /* "" for a longer one, which is never the same */
  bool insecure, loopback, has_body, once;
  bool tls;    /* it can come to that: the address is https, or there may be a proxy */
  bool tunnel; /* a proxy, if there is one, is asked for a way through */
};

struct mv_easy {
  struct mv_easy *previous, *next; /* in the transport's list it is in */
  struct mv_exchange *exchange;    /* NULL: none, or it was cancelled */
  CURL *easy;
  struct mv_easy_kind kind;
  bool known;                      /* `kind` and `ca_file` hold for the handle */
  char *ca_file;                   /* or NULL */
  struct mv_easy_address *address; /* the handle's, until the next; or NULL */
  struct mv_easy_headers *headers; /* those of the last exchange, or NULL */
  size_t body_sent;                /* bytes of the body that libcurl has read */
  size_t header_bytes;             /* of the answer that comes in */
  bool skips_headers;              /* nobody wants those of this answer */
  enum mv_easy_stop stop;
  bool ended;  /* concluded, `done` not called yet */
  char *error; /* of CURL_ERROR_SIZE, for libcurl's words about TLS; or NULL */
};

/* A list for libcurl, of exchanges with these headers. */
struct mv_easy_headers {
  struct mv_recent_item item;
  struct curl_slist *list; /* one of ours, theirs, and what they lack */
  size_t count;            /* of theirs */
};

/* An address, of exchanges with it. */
struct mv_easy_address {
  struct mv_recent_item item;
  CURLU *parts;  /* or NULL: only libcurl can tell what is wrong with it */
  bool plain;    /* http:// */
  bool loopback; /* of this machine's own: a proxy of the environment is not asked for it */
  bool apart;    /* up to the host: the request's target is told beside it */
  size_t length;
  char text[];
};

/* What all handles of a transport have in common. Zeroed, it is empty. */
struct mv_easy_shared {
  struct mv_recent headers, addresses; /* see easy_shared.c */
  struct curl_slist *to_proxy;         /* headers of a request for a way through a proxy */
  CURLSH *sessions; /* of TLS; without it each handle would keep some for itself */
  curl_opensocket_callback open_socket;
  curl_closesocket_callback close_socket;
  void *sockets; /* the first argument of both */
};

/* Sets the handle up for call->exchange; it may be another one afterwards. 0, or -1 and `err`. */
int mv_easy_setup(struct mv_easy *call, struct mv_easy_shared *shared, struct mv_error *err);

/* Where the host of an address begins, with its port but without user and password; its length. */
const char *mv_easy_host(const char *url, size_t *length);

/* Bytes that an answer may have. */
size_t mv_easy_max_reply(const struct mv_exchange *exchange);

/* Fills the outcome. */
void mv_easy_conclude(struct mv_easy *call, CURLcode code);

/* Lets go of the exchange, so that the handle can be used again. */
void mv_easy_release(struct mv_easy *call);

/* A new use of such headers (NULL: none): NULL when memory is out. */
struct mv_easy_headers *mv_easy_use_headers(struct mv_easy_shared *shared,
                                            const char *const *given);

/* A new use of an address: NULL when memory is out. `target`: what comes behind the host, which
 * libcurl can send as it stands; NULL when it cannot, and all of the address is libcurl's. `last`:
 * likely the same, or NULL. */
struct mv_easy_address *mv_easy_use_address(struct mv_easy_shared *shared,
                                            struct mv_easy_address *last, const char *url,
                                            const char **target);

/* Ends a use. */
void mv_easy_release_headers(struct mv_easy_headers *headers);
void mv_easy_release_address(struct mv_easy_address *address);

/* Headers that tell a proxy who asks; NULL when memory is out. Free with curl_slist_free_all. */
struct curl_slist *mv_easy_proxy_headers(void);

/* Lets go of what could be used again. */
void mv_easy_forget(struct mv_easy_shared *shared);

/* Frees it with its handle. */
void mv_easy_free(struct mv_easy *call);

#endif
